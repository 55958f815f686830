using System.Text.Json;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Storage.Sql;

/// <summary>The plant model as rows of `asset`: Site > Area > Line > (Cell) > Machine.</summary>
internal static class AssetRows
{
    public static IReadOnlyList<AssetRow> Of(PlantModel plant)
    {
        var rows = new AssetRowList();
        Add(rows, plant.Site.Id, null, "site", plant.Site.Name, new { time_zone = plant.Site.TimeZone });
        foreach (var area in plant.Areas)
        {
            Add(rows, area.Id, plant.Site.Id, "area", area.Name, new { });
            foreach (var line in area.Lines)
            {
                Add(
                    rows, line.Id, area.Id, "line", line.Name,
                    new { calendar = line.Calendar, policy = line.Policy.ToString().ToLowerInvariant(), machine = line.BottleneckMachine });
                foreach (var cell in line.Cells) Add(rows, cell.Id, line.Id, "cell", cell.Name, new { });

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

        return rows.Rows;
    }

    private static void Add(AssetRowList rows, string id, string? parent, string kind, string name, object attributes) =>
        rows.Add(id, parent, kind, name.Length > 0 ? name : id, JsonSerializer.Serialize(attributes));

    /// <summary>Rows, numbered among their siblings.</summary>
    private sealed class AssetRowList
    {
        private readonly Dictionary<string, int> _below = new(StringComparer.Ordinal);

        public List<AssetRow> Rows { get; } = [];

        public void Add(string id, string? parent, string kind, string name, string attributes)
        {
            var position = _below.GetValueOrDefault(parent ?? "");
            _below[parent ?? ""] = position + 1;
            Rows.Add(new AssetRow(id, parent, kind, name, position, attributes));
        }
    }

    internal sealed record AssetRow(string Id, string? ParentId, string Kind, string Name, int Position, string Attributes);
}
