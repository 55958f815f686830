using OeeOrleans.Model.Plant;

namespace OeeOrleans.Access.Grants;

/// <summary>The asset tree as grants need it: which lines are below which node.</summary>
public sealed class AssetTree
{
    private readonly Dictionary<string, Line[]> _linesBelow = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _lineOf = new(StringComparer.Ordinal);
    private readonly HashSet<string> _retired = new(StringComparer.Ordinal);

    public AssetTree(PlantModel plant)
    {
        Site = plant.Site.Id;
        Lines = [.. plant.Lines];
        _linesBelow[Site] = [.. Lines];
        foreach (var area in plant.Areas) _linesBelow[area.Id] = [.. area.Lines];
        foreach (var line in Lines)
        {
            _linesBelow[line.Id] = [line];
            _lineOf[line.Id] = line.Id;
            foreach (var cell in line.Cells) _lineOf[cell.Id] = line.Id;
            foreach (var machine in line.Machines) _lineOf[machine.Id] = line.Id;
        }

        // What a machine did that is no more is seen by those who see the line it was in; where that is gone too, by those who see all.
        foreach (var machine in plant.Retired.Select(r => r.Machine))
        {
            _retired.Add(machine.Id);
            if (_linesBelow.ContainsKey(machine.LineId)) _lineOf[machine.Id] = machine.LineId;
        }

        EdgeNodes = plant.Machines.Select(m => m.EdgeNode).OfType<string>().ToHashSet(StringComparer.Ordinal);
    }

    public string Site { get; }

    /// <summary>Whether it is a machine that was retired.</summary>
    public bool IsRetired(string id) => _retired.Contains(id);

    /// <summary>In the order of the plant model.</summary>
    public IReadOnlyList<Line> Lines { get; }

    /// <summary>Edge nodes that machines are behind, as `group/node`.</summary>
    public IReadOnlySet<string> EdgeNodes { get; }

    /// <summary>Whether a grant may be at this node: a site, an area or a line.</summary>
    public bool IsNode(string id) => _linesBelow.ContainsKey(id);

    /// <summary>Lines at or below a node; none of one that there is not.</summary>
    public IReadOnlyList<Line> LinesBelow(string node) => _linesBelow.TryGetValue(node, out var lines) ? lines : [];

    /// <summary>The line that an asset is, or is in; null of a site, an area, or what there is not.</summary>
    public string? LineOf(string asset) => _lineOf.GetValueOrDefault(asset);
}
