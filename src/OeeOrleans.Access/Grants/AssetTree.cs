using OeeOrleans.Model.Plant;

namespace OeeOrleans.Access.Grants;

/// <summary>The asset tree as grants need it: which lines are below which node.</summary>
public sealed class AssetTree
{
    private readonly Dictionary<string, Line[]> _linesBelow = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _lineOf = new(StringComparer.Ordinal);

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
            foreach (var machine in line.Machines) _lineOf[machine.Id] = line.Id;
        }

        foreach (var machine in plant.Machines) if (machine.CellId is { } cell) _lineOf[cell] = machine.LineId;
        EdgeNodes = plant.Machines.Select(m => m.EdgeNode).OfType<string>().ToHashSet(StringComparer.Ordinal);
    }

    public string Site { get; }

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
