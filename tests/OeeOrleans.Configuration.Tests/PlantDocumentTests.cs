using System.Text.Json.Nodes;
using CsCheck;
using OeeOrleans.Configuration.Document;
using YamlDotNet.RepresentationModel;

namespace OeeOrleans.Configuration.Tests;

/// <summary>A plant as JSON, and as YAML that the reader of files reads.</summary>
public sealed class PlantDocumentTests
{
    [Theory]
    [InlineData("a: 0.50", """{"a":0.50}""")]
    [InlineData("a: 007", """{"a":"007"}""")]
    [InlineData("a: \"1\"", """{"a":"1"}""")]
    [InlineData("a: +1", """{"a":"+1"}""")]
    [InlineData("a: true", """{"a":true}""")]
    [InlineData("a: ~", """{"a":null}""")]
    [InlineData("a: 1e3", """{"a":1e3}""")]
    [InlineData("a: 06:00", """{"a":"06:00"}""")]
    [InlineData("a: 2026-12-25", """{"a":"2026-12-25"}""")]
    [InlineData("a: [1, x]", """{"a":[1,"x"]}""")]
    public void A_scalar_is_what_the_core_schema_says(string yaml, string json) =>
        Assert.Equal(JsonNode.Parse(json)!.ToJsonString(), YamlJson.ToJson(Yaml(yaml))!.ToJsonString());

    [Fact]
    public void Whatever_text_is_written_is_read_back() => Gen.String[Gen.Char, 0, 30].Where(IsText).Array[1, 4].Sample(texts =>
    {
        var root = new JsonObject { ["list"] = new JsonArray([.. texts.Select(t => (JsonNode)t)]) };
        foreach (var text in texts.Distinct()) root["k" + text] = new JsonObject { ["n"] = 1.5m, ["t"] = text, ["e"] = new JsonArray() };
        var yaml = new YamlStream();
        yaml.Load(new JsonEvents(root));
        return JsonNode.DeepEquals(root, YamlJson.ToJson(yaml.Documents[0].RootNode));
    });

    [Fact]
    public void Every_line_knows_its_node()
    {
        var root = (JsonObject)JsonNode.Parse("""{ "a": { "b/c": [1, { "d~": "x" }] }, "e": null }""")!;
        var events = new JsonEvents(root);
        var yaml = new YamlStream();
        yaml.Load(events);
        var map = (YamlMappingNode)yaml.Documents[0].RootNode;
        var list = (YamlSequenceNode)((YamlMappingNode)map["a"])["b/c"];
        Assert.Equal("/a/b~1c", events.PointerOf(list.Start.Line));
        Assert.Equal("/a/b~1c/0", events.PointerOf(list[0].Start.Line));
        Assert.Equal("/a/b~1c/1/d~0", events.PointerOf(((YamlMappingNode)list[1])["d~"].Start.Line));
    }

    [Theory]
    [InlineData("[]", "object")]
    [InlineData("{", "not JSON")]
    [InlineData("""{ "site": { "id": "s" }, "site": { "id": "t" } }""", "site")]
    [InlineData("""{ "site": { "id": "s", "name": "a\ud800" } }""", "surrogate")]
    public void What_is_no_plant_is_refused(string json, string says) =>
        Assert.Contains(says, Assert.Throws<ConfigException>(() => PlantDocument.Parse(json).Read()).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("""{ "site": { "id": "s", "name": "a\u0000b" } }""", "/site/name")]
    [InlineData("""{ "site": { "id": "s", "nope": 1 } }""", "/site/nope")]
    [InlineData("""{ "site": { "id": "s" }, "other": 1 }""", "/other")]
    [InlineData("""{ "site": { "id": "s" }, "areas": [{ "id": "s" }] }""", "/areas/0/id")]
    [InlineData("""{ "site": { "id": "s" }, "areas": 5 }""", "/areas")]
    [InlineData("""{ "site": { "id": "s" }, "calendars": [{ "id": "c", "shifts": [{ "name": "e", "start": "6", "end": "14:00" }] }] }""",
        "/calendars/0/shifts/0/start")]
    public void A_problem_has_the_pointer_of_its_place(string json, string pointer) =>
        Assert.Equal(pointer, Assert.Throws<ConfigException>(() => PlantDocument.Parse(json).Read()).Problems[0].Pointer);

    [Fact]
    public void Two_of_one_id_are_named_by_their_places() => Assert.Contains(
        "is used at /site/id already",
        Assert.Throws<ConfigException>(() => PlantDocument.Parse("""{ "site": { "id": "s" }, "areas": [{ "id": "s" }] }""").Read()).Message,
        StringComparison.Ordinal);

    [Theory]
    [InlineData("""{ "date": "2026-12-25" }""", "closed")]
    [InlineData("""{ "date": "2026-12-25", "closed": true, "extra": [{ "name": "x", "start": "06:00", "end": "07:00" }] }""", "one of")]
    [InlineData("""{ "date": "25.12.2026", "closed": true }""", "is not a date")]
    [InlineData("""{ "date": "2026-12-25", "until": "2026-12-24", "closed": true }""", "until")]
    [InlineData("""{ "date": "2026-12-25", "until": "2028-12-24", "closed": true }""", "until")]
    [InlineData("""{ "closed": true }""", "'date' is missing")]
    [InlineData("""{ "date": "9999-12-31", "closed": true }""", "is not a date")]
    public void An_exception_that_says_nothing_clear_is_refused(string exception, string says)
    {
        var document = PlantDocument.Parse(
            $$"""
            { "site": { "id": "s" }, "calendars": [{ "id": "c", "shifts": [{ "name": "e", "start": "06:00", "end": "14:00" }],
              "exceptions": [{{exception}}] }] }
            """);
        Assert.Contains(says, Assert.Throws<ConfigException>(() => document.Read()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "id": "a", "machine": "none", "signal": "t", "above": 1 }""", "/machine", "there is no machine 'none'")]
    [InlineData("""{ "id": "a", "machine": "filler1", "above": 1 }""", "", "one of 'signal' and 'kpi'")]
    [InlineData("""{ "id": "a", "machine": "filler1", "signal": "t", "kpi": "oee", "above": 1 }""", "", "one of 'signal' and 'kpi'")]
    [InlineData("""{ "id": "a", "machine": "filler1", "signal": "t" }""", "", "one of 'above' and 'below'")]
    [InlineData("""{ "id": "a", "machine": "filler1", "kpi": "mood", "above": 1 }""", "/kpi", "'mood' is unknown")]
    [InlineData("""{ "id": "a", "machine": "filler1", "signal": "t", "above": 1, "window": "day" }""", "/window", "belongs to 'kpi'")]
    [InlineData("""{ "id": "A b", "machine": "filler1", "signal": "t", "above": 1 }""", "/id", "is not allowed")]
    [InlineData("""{ "id": "a", "machine": "filler1", "signal": "t", "above": 1, "delay_s": -1 }""", "/delay_s", "is not between")]
    public void A_limit_that_says_nothing_clear_is_refused(string threshold, string pointer, string says)
    {
        var editor = new PlantEditor(Plants.Small);
        var value = JsonNode.Parse(threshold)!;
        editor.Apply(new PlantEdit(PlantDeed.Add, PlantPart.Threshold, value["id"]!.ToString(), value));
        var error = Assert.Throws<ConfigException>(() => editor.Document.Read());
        var problem = error.Problems.First(p => p.Pointer == $"/thresholds/0{pointer}");
        Assert.Contains(says, problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Differences_are_named_by_what_people_call_things()
    {
        var editor = new PlantEditor(Plants.Small);
        editor.Apply(new PlantEdit(PlantDeed.Merge, PlantPart.Asset, "filler1", JsonNode.Parse("""{ "ideal_cycle_s": 0.6 }""")));
        editor.Apply(new PlantEdit(PlantDeed.Remove, PlantPart.Asset, "filler2", null));
        editor.Apply(new PlantEdit(PlantDeed.Add, PlantPart.Reason, "w", JsonNode.Parse("""{ "id": "w" }""")));
        var after = editor.Document.Retiring(Plants.Small, 1_000_000);
        Assert.Equal(
            [
                "machine filler1 ideal_cycle_s: 0.5 -> 0.6",
                """machine filler2: - {"parent_id":"line2","position":0}""",
                """reason w: + {"id":"w"}""",
                """retired filler2: + {"at":"1970-01-01T00:00:01Z","line":"line2","machine":{"id":"filler2"}}""",
            ],
            DocumentDiff.Of(Plants.Small, after).Select(d => d.ToString()));
        Assert.Equal("filler2", Assert.Single(after.Read().Retired).Machine.Id);
        Assert.True(after.Retiring(after, 5).SameAs(after));
    }

    [Fact]
    public void A_three_way_difference_says_who_did_what_and_where_they_disagree()
    {
        var mine = Merge("filler1", """{ "name": "A", "ideal_cycle_s": 1 }""");
        var theirs = Merge("filler1", """{ "name": "B", "ideal_cycle_s": 1, "ip": "10.0.0.1" }""");
        var found = DocumentDiff.ThreeWay(Plants.Small, mine, theirs);
        Assert.Equal("name", Assert.Single(found, d => d.Conflicts).Path);
        Assert.Equal("ideal_cycle_s", Assert.Single(found, d => d.Agrees).Path);
        Assert.Equal("ip", Assert.Single(found, d => d.Mine is null).Path);
    }

    private static PlantDocument Merge(string id, string patch)
    {
        var editor = new PlantEditor(Plants.Small);
        editor.Apply(new PlantEdit(PlantDeed.Merge, PlantPart.Asset, id, JsonNode.Parse(patch)));
        return editor.Document;
    }

    [Fact]
    public void What_is_null_is_as_good_as_left_out()
    {
        var editor = new PlantEditor(Plants.Small);
        editor.Apply(new PlantEdit(PlantDeed.Replace, PlantPart.Asset, "filler1", JsonNode.Parse(
            """
            { "name": null, "vendor": null, "device": null, "calendar": null, "edge_node": null, "ideal_cycle_s": null, "valid_from": null }
            """)));
        var filler = editor.Document.Read().Machines.First();
        Assert.Equal(("filler1", "filler1", "early"), (filler.Name, filler.Device, filler.Calendar));
        Assert.Equal((null, null, null), (filler.Vendor, filler.EdgeNode, filler.Oee.IdealCycleS));
        // In quotes it is a name.
        editor.Apply(new PlantEdit(PlantDeed.Merge, PlantPart.Asset, "filler1", JsonNode.Parse("""{ "name": "null" }""")));
        Assert.Equal("null", editor.Document.Read().Machines.First().Name);
    }

    [Theory]
    [InlineData("a: &x [*x]")]
    [InlineData("? [1, 2]\n: 3")]
    public void Yaml_that_json_has_no_words_for_is_refused(string yaml) =>
        Assert.Throws<ConfigException>(() => YamlJson.ToJson(Yaml(yaml)));

    [Theory]
    [InlineData("m\n")]
    [InlineData("M")]
    [InlineData("-m")]
    public void An_id_that_only_looks_like_one_is_refused(string id)
    {
        var editor = new PlantEditor(Plants.Small);
        editor.Apply(new PlantEdit(
            PlantDeed.Add, PlantPart.Asset, id, new JsonObject { ["kind"] = "machine", ["parent_id"] = "line1" }));
        Assert.Contains("is not allowed", Assert.Throws<ConfigException>(() => editor.Document.Read()).Message, StringComparison.Ordinal);
    }

    private static bool IsText(string text) => !text.Any(char.IsSurrogate) && !text.Any(c => c is '\uFFFE' or '\uFFFF');

    private static YamlNode Yaml(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        return stream.Documents[0].RootNode;
    }
}
