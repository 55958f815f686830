using OeeOrleans.Edge;
using OeeOrleans.Edge.Sources;

namespace OeeOrleans.Configuration.Reading;

/// <summary>The key `sources`: what edge nodes read beside what their own files say, `{ id, edge_node, url, device, tags, ... }`.</summary>
internal sealed class PlantSourcesReader(YamlSection root)
{
    /// <summary>Tags of all sources of one edge node; what is told travels in one message.</summary>
    private const int MaxTagsPerNode = 20_000;
    private const int MaxLettersPerNode = 2_000_000;

    private readonly Problems _problems = root.Problems;
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);

    /// <param name="checkId">Judges an id by the rule of all ids.</param>
    public void Check(Action<YamlSection, string> checkId)
    {
        if (!root.Has("sources"))
        {
            _ = root.Items("sources");
            return;
        }

        var reader = new SourceReader(SourceOrigin.Plant);
        var read = root.Sections("sources").Select(s => ReadOne(reader, s, checkId)).ToList();
        foreach (var node in read.GroupBy(s => s.Node, StringComparer.Ordinal))
        {
            // An id that is there twice was told with its place.
            var once = node.DistinctBy(s => s.Source.Id, StringComparer.Ordinal).ToDictionary(s => s.Source.Id, StringComparer.Ordinal);
            foreach (var mistake in SourceRules.Mistakes([.. once.Values.Select(o => o.Source)], "sources"))
            {
                _problems.Add(once[mistake.SourceId].Section.Line, mistake.Message);
            }

            CheckSize(node.Key, [.. node.Select(s => s.Source)], node.Last().Section.Line);
        }

        reader.CheckTimes([.. read.Select(r => r.Source)]);
    }

    private void CheckSize(string node, IReadOnlyList<EdgeSource> sources, long line)
    {
        var tags = sources.Sum(s => s.Tags.Count);
        var letters = sources.SelectMany(s => s.Tags).Sum(t => t.Address.Length + t.Metric.Length + (t.Unit?.Length ?? 0));
        if (tags > MaxTagsPerNode) _problems.Add(line, $"sources: {node} has {tags} tags; {MaxTagsPerNode} are possible");
        if (letters > MaxLettersPerNode)
        {
            _problems.Add(line, $"sources: the addresses and names of {node} have {letters} letters; {MaxLettersPerNode} are possible");
        }
    }

    private (string Node, YamlSection Section, EdgeSource Source) ReadOne(
        SourceReader reader, YamlSection section, Action<YamlSection, string> checkId)
    {
        var node = section.Required("edge_node", "berlin/edge1");
        if (node.Length > 0 && !PlantReader.IsEdgeNode(node))
        {
            _problems.Add(
                section.LineOf("edge_node"),
                $"{section.Path}.edge_node: '{node}' is not a Sparkplug group and edge node such as berlin/edge1");
        }

        var source = reader.Read(section);
        checkId(section, source.Id);
        if (source.Id.Length > 0 && !_ids.Add(source.Id))
        {
            _problems.Add(section.LineOf("id"), $"{section.Path}.id: the source '{source.Id}' is defined twice");
        }

        return (node, section, source);
    }
}
