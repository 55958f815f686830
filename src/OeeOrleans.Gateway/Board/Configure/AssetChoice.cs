using OeeOrleans.Configuration.Document;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Gateway.Board.Configure;

/// <summary>The plant as a tree to choose from.</summary>
internal static class AssetChoice
{
    /// <summary>Up to so many machines are all shown; of more those of the line that is chosen.</summary>
    private const int MostMachines = 200;

    /// <summary>The plant as far as its viewer sees it; what only his own changes make is his.</summary>
    /// <param name="plant">With the changes.</param>
    /// <param name="active">Without them.</param>
    public static PlantModel Seen(PlantModel plant, PlantModel active, Caller caller)
    {
        if (caller.Scope.IsWhole) return plant;
        var known = active.Lines.Select(l => l.Id).ToHashSet(StringComparer.Ordinal);
        bool Sees(Line line) => !known.Contains(line.Id) || caller.Scope.Sees(line.Id);
        var areas = plant.Areas.Select(a => a with { Lines = [.. a.Lines.Where(Sees)] }).Where(a => a.Lines.Count > 0);
        return plant with { Areas = [.. areas] };
    }

    /// <summary>Each asset before what is below it.</summary>
    /// <param name="plant">As far as it is seen.</param>
    public static IEnumerable<(string Id, string Name, int Depth)> Of(PlantModel plant, PlantEditor editor, string chosen)
    {
        var isSmall = plant.Machines.Count() <= MostMachines;
        var line = editor.LineOf(PlantPart.Asset, chosen);
        yield return (plant.Site.Id, plant.Site.Name, 0);
        foreach (var area in plant.Areas)
        {
            yield return (area.Id, area.Name, 1);
            foreach (var one in area.Lines)
            {
                yield return (one.Id, one.Name, 2);
                if (!isSmall && one.Id != line) continue;
                foreach (var cell in one.Cells) yield return (cell.Id, cell.Name, 3);
                foreach (var machine in one.Machines) yield return (machine.Id, BoardScope.NameOf(machine), 3);
            }
        }
    }

    /// <summary>What a new asset is most likely below: where one looks.</summary>
    /// <param name="kind">area, line, cell or machine.</param>
    /// <param name="chosen">What one looks at.</param>
    public static string? ParentFor(string kind, string chosen, PlantEditor editor, PlantModel plant)
    {
        var of = editor.LineOf(PlantPart.Asset, chosen);
        var area = plant.Areas.FirstOrDefault(a => a.Id == chosen) ?? plant.Areas.FirstOrDefault(a => a.Lines.Any(l => l.Id == of))
            ?? plant.Areas.FirstOrDefault();
        var line = of ?? area?.Lines.FirstOrDefault()?.Id ?? plant.Lines.FirstOrDefault()?.Id;
        return kind switch
        {
            "area" => plant.Site.Id,
            "line" => area?.Id,
            "machine" when editor.KindOf(chosen) == "cell" => chosen,
            "machine" when plant.Machines.FirstOrDefault(m => m.Id == chosen) is { CellId: { } cell } => cell,
            _ => line,
        };
    }
}
