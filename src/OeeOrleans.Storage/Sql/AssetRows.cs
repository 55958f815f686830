using System.Text.Json;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Storage.Sql;

/// <summary>The plant model as rows of `asset`: Site > Area > Line > (Cell) > Machine.</summary>
internal static class AssetRows
{
    public static IReadOnlyList<AssetRow> Of(PlantModel plant)
    {
        var rows = new List<AssetRow>();
        Add(rows, plant.Site.Id, null, "site", plant.Site.Name, new { time_zone = plant.Site.TimeZone });
        foreach (var area in plant.Areas)
        {
            Add(rows, area.Id, plant.Site.Id, "area", area.Name, new { });
            foreach (var line in area.Lines)
            {
                Add(
                    rows, line.Id, area.Id, "line", line.Name,
                    new { calendar = line.Calendar, policy = line.Policy.ToString().ToLowerInvariant(), machine = line.BottleneckMachine });
                foreach (var cell in line.Machines.Select(m => m.CellId).OfType<string>().Distinct())
                {
                    Add(rows, cell, line.Id, "cell", cell, new { });
                }

                foreach (var machine in line.Machines)
                {
                    Add(rows, machine.Id, machine.CellId ?? line.Id, "machine", machine.Name, new
                    {
                        vendor = machine.Vendor,
                        model = machine.ModelName,
                        ip = machine.Ip,
                        protocol = machine.Protocol,
                        edge_node = machine.EdgeNode,
                        device = machine.Device,
                        ideal_cycle_s = machine.Oee.IdealCycleS,
                        micro_stop_s = machine.Oee.MicroStopS,
                    });
                }
            }
        }

        return rows;
    }

    private static void Add(List<AssetRow> rows, string id, string? parent, string kind, string name, object attributes) =>
        rows.Add(new AssetRow(id, parent, kind, name.Length > 0 ? name : id, rows.Count, JsonSerializer.Serialize(attributes)));

    internal sealed record AssetRow(string Id, string? ParentId, string Kind, string Name, int Position, string Attributes);
}
