using System.Text.Json.Nodes;
using OeeOrleans.Configuration.Document;

namespace OeeOrleans.Configuration.Tests;

/// <summary>Edits of a plant document.</summary>
public sealed class PlantEditorTests
{
    private readonly PlantEditor _editor = new(Plants.Small);

    [Fact]
    public void A_machine_is_added_where_it_is_wanted_in_the_flow()
    {
        Apply(
            PlantDeed.Add, "packer1",
            """{ "id": "packer1", "kind": "machine", "parent_id": "line1", "position": 1, "ideal_cycle_s": 3 }""");
        var line = _editor.Document.Read().Lines.First();
        Assert.Equal(["filler1", "packer1", "capper1", "robot1"], line.Machines.Select(m => m.Id));
        Assert.Equal(3, line.Machines[1].Oee.IdealCycleS);
        Assert.Equal("early", line.Machines[1].Calendar);
    }

    [Fact]
    public void What_is_below_an_asset_stays_when_it_is_replaced()
    {
        Apply(
            PlantDeed.Replace, "line1",
            """{ "name": "Line one", "machines": [], "oee": { "policy": "bottleneck", "machine": "filler1" } }""");
        var line = _editor.Document.Read().Lines.First();
        Assert.Equal(("Line one", 3), (line.Name, line.Machines.Count));
    }

    [Fact]
    public void A_merge_changes_the_keys_it_names_and_null_takes_one_away()
    {
        Apply(PlantDeed.Merge, "filler1", """{ "name": "Filler", "ideal_cycle_s": null, "products": { "A": { "ideal_cycle_s": 0.4 } } }""");
        Apply(PlantDeed.Merge, "filler1", """{ "products": { "B": { "ideal_cycle_s": 0.6 } } }""");
        var filler = _editor.Document.Read().Machines.First();
        Assert.Equal(("Filler", null, "berlin/edge1"), (filler.Name, filler.Oee.IdealCycleS, filler.EdgeNode));
        Assert.Equal(["A", "B"], filler.Oee.Products.Keys.Order());
    }

    [Theory]
    [InlineData("line2", "line2", null)]
    [InlineData("cell1", "line1", "cell1")]
    public void A_machine_moves_to_another_line_or_cell(string parent, string line, string? cell)
    {
        Apply(PlantDeed.Merge, "filler1", $$"""{ "parent_id": "{{parent}}" }""");
        var filler = _editor.Document.Read().Machines.Single(m => m.Id == "filler1");
        Assert.Equal((line, cell), (filler.LineId, filler.CellId));
        Assert.Single(filler.Tags);
    }

    [Fact]
    public void The_answer_of_the_api_sent_back_changes_nothing()
    {
        foreach (var id in new[] { "berlin", "packaging", "line1", "cell1", "filler1" })
        {
            var shown = (JsonObject)_editor.Show(PlantPart.Asset, id)!;
            shown["attributes"] = new JsonObject();
            shown["children"] = new JsonArray();
            _editor.Apply(new PlantEdit(PlantDeed.Replace, PlantPart.Asset, id, shown));
        }

        Assert.True(_editor.Document.SameAs(Plants.Small));
    }

    [Fact]
    public void The_tag_of_a_line_is_of_its_own_keys_and_that_of_a_machine_not_of_its_place()
    {
        var (line, capper) = (_editor.TagOf(PlantPart.Asset, "line1"), _editor.TagOf(PlantPart.Asset, "capper1"));
        Apply(PlantDeed.Add, "first", """{ "id": "first", "kind": "machine", "parent_id": "line1", "position": 0 }""");
        Assert.Equal((line, capper), (_editor.TagOf(PlantPart.Asset, "line1"), _editor.TagOf(PlantPart.Asset, "capper1")));
        Apply(PlantDeed.Merge, "line1", """{ "name": "One" }""");
        Assert.NotEqual(line, _editor.TagOf(PlantPart.Asset, "line1"));
    }

    [Fact]
    public void Only_what_is_empty_is_removed()
    {
        Assert.Equal(EditFailure.Conflict, Refused(() => Remove("line2")).Failure);
        Assert.Equal(EditFailure.Conflict, Refused(() => Remove("berlin")).Failure);
        Remove("filler2");
        Remove("line2");
        Assert.Equal(["line1"], _editor.Document.Read().Lines.Select(l => l.Id));
    }

    [Theory]
    [InlineData(PlantDeed.Add, "filler1", """{ "id": "filler1", "kind": "machine", "parent_id": "line1" }""", EditFailure.Conflict, "")]
    [InlineData(PlantDeed.Add, "x", """{ "id": "x", "kind": "robot", "parent_id": "line1" }""", EditFailure.Invalid, "/kind")]
    [InlineData(PlantDeed.Add, "x", """{ "id": "x", "kind": "machine", "parent_id": "packaging" }""", EditFailure.Invalid, "/parent_id")]
    [InlineData(PlantDeed.Add, "x", """{ "id": "x", "kind": "machine" }""", EditFailure.Invalid, "/parent_id")]
    [InlineData(PlantDeed.Replace, "none", "{}", EditFailure.Missing, "")]
    [InlineData(PlantDeed.Replace, "filler1", """{ "id": "other" }""", EditFailure.Invalid, "/id")]
    [InlineData(PlantDeed.Merge, "filler1", """{ "kind": "cell" }""", EditFailure.Invalid, "/kind")]
    [InlineData(PlantDeed.Merge, "filler1", """{ "position": -1 }""", EditFailure.Invalid, "/position")]
    [InlineData(PlantDeed.Merge, "berlin", """{ "parent_id": "line1" }""", EditFailure.Invalid, "/parent_id")]
    [InlineData(PlantDeed.Replace, "filler1", "[]", EditFailure.Invalid, "")]
    public void An_edit_that_cannot_be_made_says_why(PlantDeed deed, string id, string body, EditFailure failure, string pointer)
    {
        var refused = Refused(() => Apply(deed, id, body));
        Assert.Equal(failure, refused.Failure);
        Assert.Equal(pointer, refused.Problems.FirstOrDefault()?.Pointer ?? "");
    }

    [Fact]
    public void Problems_point_into_what_was_given_and_others_into_the_plant()
    {
        Apply(PlantDeed.Merge, "filler1", """{ "ideal_cycle_s": -1, "tags": [{ "metric": "A", "signal": "x" }, { "metric": "A" }] }""");
        var error = _editor.Invalid(Assert.Throws<ConfigException>(() => _editor.Document.Read()));
        Assert.Equal(["/ideal_cycle_s", "/tags/1"], error.Problems.Select(p => p.Pointer));
        Assert.Equal("/areas/0/lines/0/machines/0/ideal_cycle_s", error.Problems[0].Path);
        Assert.StartsWith("areas[0].lines[0].machines[0].ideal_cycle_s: -1 is not between", error.Problems[0].Message);

        var other = new PlantEditor(Plants.Small);
        other.Apply(new PlantEdit(PlantDeed.Remove, PlantPart.Reason, "jam", null));
        var elsewhere = other.Invalid(Assert.Throws<ConfigException>(() => other.Document.Read()));
        Assert.Equal(("", "/areas/0/lines/0/machines/1/faults/E1/reason"), (elsewhere.Problems[0].Pointer, elsewhere.Problems[0].Path));
    }

    [Fact]
    public void The_id_of_a_line_whose_machines_have_a_history_is_not_given_again()
    {
        var retired = Plants.Small.Retiring(Plants.Small, 1);
        var editor = new PlantEditor(retired);
        editor.Apply(new PlantEdit(PlantDeed.Remove, PlantPart.Asset, "filler2", null));
        editor.Apply(new PlantEdit(PlantDeed.Remove, PlantPart.Asset, "line2", null));
        var after = new PlantEditor(editor.Document.Retiring(Plants.Small, 1));
        var line = JsonNode.Parse("""{ "kind": "line", "parent_id": "packaging" }""");
        var refused = Refused(() => after.Apply(new PlantEdit(PlantDeed.Add, PlantPart.Asset, "line2", line)));
        Assert.Equal(EditFailure.Conflict, refused.Failure);
        var machine = JsonNode.Parse("""{ "kind": "machine", "parent_id": "line1" }""");
        Assert.Equal(
            EditFailure.Conflict, Refused(() => after.Apply(new PlantEdit(PlantDeed.Add, PlantPart.Asset, "filler2", machine))).Failure);
    }

    [Fact]
    public void What_was_added_and_taken_away_again_leaves_nothing_behind()
    {
        var threshold = JsonNode.Parse("""{ "machine": "filler1", "kpi": "oee", "below": 0.5 }""");
        _editor.Apply(new PlantEdit(PlantDeed.Add, PlantPart.Threshold, "t", threshold));
        _editor.Apply(new PlantEdit(PlantDeed.Remove, PlantPart.Threshold, "t", null));
        Assert.True(_editor.Document.SameAs(Plants.Small));
    }

    [Fact]
    public void What_is_added_is_what_was_spoken_of()
    {
        var other = JsonNode.Parse("""{ "id": "y", "kind": "machine", "parent_id": "line1" }""");
        Assert.Equal("/id", Refused(() => _editor.Apply(new PlantEdit(PlantDeed.Add, PlantPart.Asset, "x", other))).Problems[0].Pointer);
        _editor.Apply(new PlantEdit(PlantDeed.Add, PlantPart.Reason, "r", JsonNode.Parse("""{ "loss": "setup" }""")));
        Assert.Contains(_editor.Document.Read().Reasons, r => r.Id == "r");
    }

    [Fact]
    public void The_time_of_an_earlier_change_is_not_that_of_the_next()
    {
        Apply(PlantDeed.Merge, "filler1", """{ "ideal_cycle_s": 1, "valid_from": "2026-01-05T06:00:00Z" }""");
        Assert.NotNull(_editor.Show(PlantPart.Asset, "filler1")!["valid_from"]);
        Apply(PlantDeed.Merge, "filler1", """{ "ideal_cycle_s": 2, "valid_from": "2026-01-05T06:00:00Z" }""");
        Assert.NotNull(_editor.Show(PlantPart.Asset, "filler1")!["valid_from"]);
        Apply(PlantDeed.Merge, "filler1", """{ "ideal_cycle_s": 2 }""");
        Assert.Null(_editor.Show(PlantPart.Asset, "filler1")!["valid_from"]);
    }

    [Fact]
    public void Tags_and_lists_are_edited_alike()
    {
        var tags = JsonNode.Parse("""[{ "metric": "R", "signal": "state.run" }]""");
        _editor.Apply(new PlantEdit(PlantDeed.Replace, PlantPart.Tags, "capper1", tags));
        _editor.Apply(new PlantEdit(PlantDeed.Add, PlantPart.Reason, "wait", JsonNode.Parse("""{ "id": "wait", "loss": "other" }""")));
        _editor.Apply(new PlantEdit(PlantDeed.Merge, PlantPart.Calendar, "early", JsonNode.Parse(
            """{ "exceptions": [{ "date": "2026-12-25", "closed": true, "name": "Christmas" }] }""")));
        var plant = _editor.Document.Read();
        Assert.Equal("R", Assert.Single(plant.Machines.Single(m => m.Id == "capper1").Tags).Metric);
        Assert.Equal(["jam", "wait"], plant.Reasons.Select(r => r.Id));
        Assert.Equal("Christmas", Assert.Single(plant.Calendars[0].Exceptions).Name);
    }

    private void Apply(PlantDeed deed, string id, string body) =>
        _editor.Apply(new PlantEdit(deed, PlantPart.Asset, id, JsonNode.Parse(body)));

    private void Remove(string id) => _editor.Apply(new PlantEdit(PlantDeed.Remove, PlantPart.Asset, id, null));

    private static EditException Refused(Action edit) => Assert.Throws<EditException>(edit);
}
