using System.Text.Json;
using System.Text.Json.Nodes;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Edge;
using YamlDotNet.RepresentationModel;

namespace OeeOrleans.Configuration.Reading;

/// <summary>At an edge node: the sources that the plant's host told it, by the reader that judged them there.</summary>
public static class ToldSourcesReader
{
    /// <param name="json">An array of objects with the keys of `edge.sources`.</param>
    /// <param name="secrets">Folder of files that they may name.</param>
    public static ToldSources Read(string json, string secrets)
    {
        JsonNode? list;
        try
        {
            list = StrictJson.Parse(json);
        }
        catch (JsonException error)
        {
            return new ToldSources([], [$"not JSON: {error.Message}"]);
        }

        var problems = new Problems("");
        var yaml = new YamlStream();
        yaml.Load(new JsonEvents(new JsonObject { ["sources"] = list }));
        var root = new YamlSection(yaml.Documents[0].RootNode, "", problems);
        var reader = new SourceReader(SourceOrigin.Told, secrets);
        List<EdgeSource> sources = [.. root.Sections("sources").Select(reader.Read)];
        reader.CheckTimes(sources);
        return new ToldSources(sources, [.. problems.Found.Select(p => p.Message)]);
    }
}
