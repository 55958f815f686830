using System.Text.Json.Nodes;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Configuration.Reading;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Configuration.Tests;

/// <summary>Sources of edge nodes that the plant gives them.</summary>
public sealed class SourceTests
{
    private const string Good =
        """
        { "id": "plc1", "edge_node": "berlin/edge1", "url": "s7://10.0.4.17?rack=0&slot=1", "device": "filler1",
          "tags": [{ "address": "DB1.DBX0.0", "metric": "state.run" }] }
        """;

    [Theory]
    [InlineData("""{ "edge_node": null }""", "/sources/0", "'edge_node' is missing")]
    [InlineData("""{ "edge_node": "edge1" }""", "/sources/0/edge_node", "is not a Sparkplug group and edge node")]
    [InlineData("""{ "edge_node": "berlin/+" }""", "/sources/0/edge_node", "is not a Sparkplug group and edge node")]
    [InlineData("""{ "id": "Plc 1" }""", "/sources/0/id", "is not allowed")]
    [InlineData("""{ "url": "http://10.0.4.17" }""", "/sources/0/url", "is no source")]
    [InlineData("""{ "url": "s7://user:word@10.0.4.17?rack=0&slot=1" }""", "/sources/0/url", "do not belong into a URL")]
    [InlineData("""{ "device": "a/b" }""", "/sources/0/device", "must not contain")]
    [InlineData("""{ "interval_ms": 1 }""", "/sources/0/interval_ms", "is not between 10 and 3600000")]
    [InlineData("""{ "tags": [] }""", "/sources/0", "a source needs tags")]
    [InlineData("""{ "tags": [{ "address": "nope", "metric": "m" }] }""", "/sources/0/tags/0/address", "nope")]
    [InlineData("""{ "fallback": "plc2" }""", "/sources/0", "the fallback 'plc2' of plc1 is no source")]
    [InlineData("""{ "fallback_after_s": 5 }""", "/sources/0", "need a fallback")]
    [InlineData("""{ "speed": 5 }""", "/sources/0/speed", "unknown key 'speed'")]
    [InlineData("""{ "url": "sim://x?journal=/etc/passwd" }""", "/sources/0/url", "is for the edge node's own file")]
    [InlineData("""{ "url": "sim://x?tags=1" }""", "/sources/0/url", "is for the edge node's own file")]
    [InlineData("""{ "device": "" }""", "/sources/0/device", "the device id is empty")]
    [InlineData("""{ "tags": [{ "address": "MW0", "metric": "a\tb" }] }""", "/sources/0/tags/0/metric", "control character")]
    [InlineData("""{ "tags": [{ "address": "MW0", "metric": "Node Control/X" }] }""", "/sources/0/tags/0/metric", "Sparkplug's own")]
    [InlineData("""{ "tags": [{ "address": "MW0", "metric": "bdSeq" }] }""", "/sources/0/tags/0/metric", "is a name of Sparkplug's own")]
    public void What_cannot_be_is_told_with_its_place(string patch, string pointer, string says)
    {
        Assert.Contains(
            ProblemsOf(Source(patch)), p => p.Pointer == pointer && p.Message.Contains(says, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{ "password": "x", "username": "u" }""", "a password does not belong into the plant")]
    [InlineData("""{ "password_file": "../queue", "username": "u" }""", "is no name of a file in the folder 'secrets'")]
    [InlineData("""{ "password_file": "/etc/shadow", "username": "u" }""", "is no name of a file in the folder 'secrets'")]
    [InlineData("""{ "user_certificate": "..", "user_key": "k.pem" }""", "is no name of a file in the folder 'secrets'")]
    [InlineData("""{ "user_certificate": "c.pem", "user_key": "a\\b" }""", "is no name of a file in the folder 'secrets'")]
    [InlineData("""{ "clear_password": true }""", "are for the edge node's own file")]
    [InlineData("""{ "trust": "everything" }""", "are for the edge node's own file")]
    [InlineData("""{ "pki": "/tmp" }""", "an edge node keeps its certificates where its own file says")]
    [InlineData("""{ "password_file": "p.txt" }""", "a password needs a username")]
    public void Secrets_are_files_that_the_edge_node_has_put_aside(string patch, string says)
    {
        const string Url = """{ "url": "opc.tcp://10.0.4.18:4840", "tags": [{ "address": "ns=2;s=A", "metric": "a" }] }""";
        Assert.Contains(ProblemsOf(Source(Url, patch)), p => p.Message.Contains(says, StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_that_is_only_at_the_edge_is_not_looked_for_at_the_plant() => Assert.NotNull(Plant(Source(
        """{ "url": "opc.tcp://10.0.4.18:4840", "username": "u", "password_file": "p.txt" }""",
        """{ "tags": [{ "address": "ns=2;s=A", "metric": "a" }] }""")).Read());

    [Fact]
    public void Two_of_one_id_are_told_once_and_the_same_metric_of_a_device_too()
    {
        var twice = ProblemsOf(Source(), Source("""{ "edge_node": "berlin/edge2", "device": "b" }"""));
        Assert.Equal("/sources/1/id", Assert.Single(twice).Pointer);
        var same = ProblemsOf(Source(), Source("""{ "id": "plc2" }"""));
        Assert.Equal("/sources/1", Assert.Single(same).Pointer);
        Assert.Contains("has the metric 'state.run' 2 times", same[0].Message, StringComparison.Ordinal);
        // Another edge node's device may be called the same.
        Assert.NotNull(Plant(Source(), Source("""{ "id": "plc2", "edge_node": "berlin/edge2" }""")).Read());
    }

    [Fact]
    public void Each_edge_node_is_told_its_own_and_a_machine_of_somebody_names_no_second_source_for_it()
    {
        var document = Plant(
            Source("""{ "fallback": "plc2" }"""), Source("""{ "id": "plc2", "device": "plc2" }"""),
            Source("""{ "id": "plc3", "edge_node": "berlin/edge2", "device": "capper1" }"""),
            Source("""{ "id": "plc4", "device": "other" }"""));
        var editor = new PlantEditor(document);
        editor.Apply(new PlantEdit(PlantDeed.Merge, PlantPart.Asset, "filler1", JsonNode.Parse("""{ "fallback": "plc4" }""")));
        document = editor.Document;
        var told = PlantSources.ByNode(new PlantState(
            new PlantRevision(1, 0, "a", "b", "c", "", null, document.Text), document.Read(), [], document));
        Assert.Equal(["berlin/edge1", "berlin/edge2"], told.Keys.Order());
        var read = ToldSourcesReader.Read(told["berlin/edge1"], "/nowhere");
        Assert.Empty(read.Mistakes);
        Assert.Equal([("plc1", "plc2"), ("plc2", null), ("plc4", null)], read.Sources.Select(s => (s.Id, s.Fallback)));
        Assert.DoesNotContain("edge_node", told["berlin/edge1"], StringComparison.Ordinal);
    }

    [Fact]
    public void More_tags_or_letters_than_one_message_takes_are_too_many()
    {
        static JsonObject Of(int tags, int letters)
        {
            var source = Source();
            var metric = new string('m', letters);
            source["tags"] = new JsonArray(
                [.. Enumerable.Range(0, tags).Select(i => new JsonObject { ["address"] = "MW0", ["metric"] = $"{metric}{i}" })]);
            return source;
        }

        Assert.NotNull(Plant(Of(20_000, 1)).Read());
        Assert.Contains("20001 tags", Assert.Single(ProblemsOf(Of(20_001, 1))).Message, StringComparison.Ordinal);
        Assert.Contains("letters", Assert.Single(ProblemsOf(Of(2_500, 900))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_told_is_the_same_as_long_as_the_plant_says_the_same()
    {
        string Told(PlantDocument document) => PlantSources.ByNode(new PlantState(
            new PlantRevision(1, 0, "a", "b", "c", "", null, document.Text), document.Read(), [], document))["berlin/edge1"];
        Assert.Equal(Told(Plant(Source())), Told(PlantDocument.Parse(Plant(Source()).Text)));
    }

    [Theory]
    [InlineData("{", "not JSON")]
    [InlineData("5", "must be a list")]
    [InlineData("""[{ "id": "a" }]""", "'url' is missing")]
    [InlineData("[5]", "must be a mapping")]
    public void What_was_told_and_is_no_list_of_sources_is_refused(string json, string says) =>
        Assert.Contains(says, string.Join("; ", ToldSourcesReader.Read(json, "/nowhere").Mistakes), StringComparison.Ordinal);

    [Fact]
    public void At_the_edge_a_secret_is_read_from_the_folder_put_aside_for_it()
    {
        var folder = Directory.CreateTempSubdirectory("oee-secrets-");
        File.WriteAllText(Path.Combine(folder.FullName, "p.txt"), "word\n");
        const string Json =
            """
            [{ "id": "a", "url": "opc.tcp://10.0.4.18:4840", "username": "u", "password_file": "p.txt",
               "tags": [{ "address": "ns=2;s=A", "metric": "a" }] }]
            """;
        Assert.Equal("word", Assert.Single(ToldSourcesReader.Read(Json, folder.FullName).Sources).OpcUa!.Password);
        folder.Delete(recursive: true);
        Assert.Contains("cannot be read", Assert.Single(ToldSourcesReader.Read(Json, folder.FullName).Mistakes), StringComparison.Ordinal);
    }

    [Fact]
    public void A_source_is_edited_like_all_that_has_an_id()
    {
        var editor = new PlantEditor(Plants.Small);
        editor.Apply(new PlantEdit(PlantDeed.Add, PlantPart.Source, "plc1", JsonNode.Parse(Good)));
        editor.Apply(new PlantEdit(PlantDeed.Merge, PlantPart.Source, "plc1", JsonNode.Parse("""{ "interval_ms": 500 }""")));
        var after = editor.Document;
        Assert.Equal("500", editor.Show(PlantPart.Source, "plc1")!["interval_ms"]!.ToString());
        Assert.Equal("source plc1", Assert.Single(DocumentDiff.Of(Plants.Small, after)).What);
        editor.Apply(new PlantEdit(PlantDeed.Remove, PlantPart.Source, "plc1", null));
        Assert.True(editor.Document.SameAs(Plants.Small));
    }

    private static IReadOnlyList<ConfigProblem> ProblemsOf(params JsonObject[] sources) =>
        Assert.Throws<ConfigException>(() => Plant(sources).Read()).Problems;

    private static JsonObject Source(params string[] patches)
    {
        var source = JsonNode.Parse(Good)!.AsObject();
        foreach (var patch in patches) MergePatch.Apply(source, JsonNode.Parse(patch)!.AsObject());
        return source;
    }

    private static PlantDocument Plant(params JsonObject[] sources)
    {
        var root = Plants.Small.Copy();
        root["sources"] = new JsonArray([.. sources.Select(s => s.DeepClone())]);
        return PlantDocument.Parse(root.ToJsonString());
    }
}
