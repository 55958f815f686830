using OeeOrleans.Edge;
using OeeOrleans.Edge.Sources;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Configuration.Reading;

/// <summary>The key `sources`: what edge nodes read beside what their own files say, `{ id, edge_node, url, device, tags, ... }`.</summary>
internal sealed class PlantSourcesReader(YamlSection root)
{
    /// <summary>Tags of all sources of one edge node; what is told travels in one message.</summary>
    private const int MaxTagsPerNode = 50_000;

    private readonly Problems _problems = root.Problems;
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);

    /// <param name="machines">Of the plant: some have a second source.</param>
    /// <param name="checkId">Judges an id by the rule of all ids.</param>
    public void Check(IEnumerable<Machine> machines, Action<YamlSection, string> checkId)
    {
        if (!root.Has("sources"))
        {
            _ = root.Items("sources");
            return;
        }

        var reader = new SourceReader(SourceOrigin.Plant);
        var read = root.Sections("sources").Select(s => ReadOne(reader, s, checkId)).ToList();
        var all = new List<EdgeSource>();
        foreach (var node in read.GroupBy(s => s.Node, StringComparer.Ordinal))
        {
            var sections = node.DistinctBy(s => s.Source.Id, StringComparer.Ordinal).ToDictionary(s => s.Source.Id, s => s.Section);
            var sources = node.Select(s => s.Source).ToList();
            foreach (var machine in machines.Where(m => m.EdgeNode == node.Key && sources.Exists(s => s.Device == m.Device)))
            {
                if (MachineFallback.Take(machine, sources) is { } wrong) _problems.Add(node.First().Section.Line, $"sources: {wrong}");
            }

            // An id that is there twice was told with its place.
            foreach (var mistake in SourceRules.Mistakes(sources.DistinctBy(s => s.Id, StringComparer.Ordinal).ToList(), "sources"))
            {
                _problems.Add(sections[mistake.SourceId].Line, mistake.Message);
            }

            if (sources.Sum(s => s.Tags.Count) is var tags and > MaxTagsPerNode)
            {
                _problems.Add(node.Last().Section.Line, $"sources: {node.Key} has {tags} tags; {MaxTagsPerNode} are possible");
            }

            all.AddRange(sources);
        }

        reader.CheckTimes(all);
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
