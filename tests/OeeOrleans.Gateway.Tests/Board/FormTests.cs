using System.Text.Json.Nodes;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Gateway.Board.Configure;

namespace OeeOrleans.Gateway.Tests.Board;

/// <summary>What a form says becomes data, and what it does not show stays as it is.</summary>
public sealed class FormTests
{
    private static readonly FieldSpec Number = new("/ideal_cycle_s", "", FieldKind.Number);
    private static readonly FieldSpec Inner = new("/oee/policy", "");

    [Theory]
    [InlineData("0.5", """{"ideal_cycle_s":0.5}""")]
    [InlineData(" 2 ", """{"ideal_cycle_s":2}""")]
    [InlineData("fast", """{"ideal_cycle_s":"fast"}""")]
    [InlineData("", "{}")]
    public void A_number_is_one_and_what_is_none_stays_for_the_validator(string text, string json)
    {
        var of = new JsonObject { ["ideal_cycle_s"] = 9 };
        Number.Write(of, text);
        Assert.Equal(json, of.ToJsonString());
    }

    [Fact]
    public void A_key_within_a_key_takes_its_holder_away_with_it_when_nothing_else_is_in_it()
    {
        var of = new JsonObject();
        Inner.Write(of, "bottleneck");
        Assert.Equal("""{"oee":{"policy":"bottleneck"}}""", of.ToJsonString());
        Assert.Equal("bottleneck", Inner.Read(of));
        Inner.Write(of, "");
        Assert.Equal("{}", of.ToJsonString());
        of = new JsonObject { ["oee"] = new JsonObject { ["policy"] = "x", ["machine"] = "m" } };
        Inner.Write(of, "");
        Assert.Equal("""{"oee":{"machine":"m"}}""", of.ToJsonString());
    }

    [Fact]
    public void Rows_that_were_not_touched_stay_as_they_were_with_the_keys_that_no_column_is_of()
    {
        var calendar = JsonNode.Parse(
            """{"shifts":[{"name":"early","start":"06:00","end":"14:00","breaks":[["09:00","09:15"],["12:00","12:30"]],"later":1}]}""")!;
        var shifts = AssetFields.Calendar[0];
        var rows = shifts.Read(calendar);
        Assert.Equal("09:00-09:15, 12:00-12:30", rows[0].Texts[4]);
        Assert.Equal(calendar["shifts"]!.ToJsonString(), shifts.Write(rows).ToJsonString());
        rows[0].Texts[4] = "10:00-10:20";
        Assert.Equal("""[["10:00","10:20"]]""", shifts.Write(rows)[0]!["breaks"]!.ToJsonString());
        Assert.Equal(1, (int)shifts.Write(rows)[0]!["later"]!);
    }

    [Fact]
    public void Shifts_of_an_exception_that_nobody_touched_keep_their_breaks()
    {
        var calendar = JsonNode.Parse(
            """
            {"exceptions":[{"date":"2026-12-24","shifts":[{"name":"early","start":"06:00","end":"12:00","breaks":[["09:00","09:15"]]}]}]}
            """)!;
        var exceptions = AssetFields.Calendar[1];
        var rows = exceptions.Read(calendar);
        Assert.Equal("early 06:00-12:00", rows[0].Texts[4]);
        rows[0].Texts[2] = "Christmas Eve";
        var written = exceptions.Write(rows)[0]!;
        Assert.Equal("Christmas Eve", written["name"]!.ToString());
        Assert.Equal("09:15", written["shifts"]![0]!["breaks"]![0]![1]!.ToString());
    }

    [Fact]
    public void Entries_by_name_are_added_changed_and_taken_away()
    {
        var machine = (JsonObject)JsonNode.Parse("""{"products":{"A":{"ideal_cycle_s":1},"B":{"ideal_cycle_s":2}}}""")!;
        var products = AssetFields.TablesOf("machine", [])[0];
        var rows = products.Read(machine);
        rows.RemoveAt(0);
        var added = products.New();
        (added.Texts[0], added.Texts[1]) = ("C", "0.25");
        rows.Add(added);
        rows.Add(products.New());
        products.WriteTo(machine, rows);
        Assert.Equal("""{"products":{"B":{"ideal_cycle_s":2},"C":{"ideal_cycle_s":0.25}}}""", machine.ToJsonString());
        products.WriteTo(machine, []);
        Assert.Equal("{}", machine.ToJsonString());
    }

    [Fact]
    public void A_value_without_keys_of_its_own_is_the_column()
    {
        var machine = (JsonObject)JsonNode.Parse("""{"state_map":{"6":"run"}}""")!;
        var states = AssetFields.TablesOf("machine", [])[2];
        var rows = states.Read(machine);
        Assert.Equal(["6", "run"], rows[0].Texts);
        rows[0].Texts[1] = "stop";
        states.WriteTo(machine, rows);
        Assert.Equal("""{"state_map":{"6":"stop"}}""", machine.ToJsonString());
    }

    [Fact]
    public void A_tag_keeps_its_limits_for_writing_and_loses_them_when_their_fields_are_empty()
    {
        var tags = (JsonArray)JsonNode.Parse(
            """[{"metric":"SP","signal":"process.sp","write":{"min":1,"max":5,"states":["run","stop"]}}]""")!;
        var rows = AssetFields.Tags.Read(tags);
        Assert.Equal(["SP", "process.sp", "", "", "", "", "1", "5", "", "run, stop"], rows[0].Texts);
        Assert.Equal(tags.ToJsonString(), AssetFields.Tags.Write(rows).ToJsonString());
        for (var i = 6; i < 10; i++) rows[0].Texts[i] = "";
        Assert.Equal("""[{"metric":"SP","signal":"process.sp"}]""", AssetFields.Tags.Write(rows).ToJsonString());
    }

    [Fact]
    public void An_entry_without_a_name_or_with_that_of_another_is_told_and_a_row_nobody_filled_in_is_none()
    {
        var states = AssetFields.TablesOf("machine", [])[2];
        Assert.Equal("{}", states.Write([states.New()]).ToJsonString());
        Assert.Null(states.Twice([states.New()]));
        Assert.Equal("6", states.Twice([new FormRow(null, ["6", "run"]), new FormRow(null, [" 6", "stop"])]));
        Assert.Equal("", states.Twice([new FormRow(null, ["", "run"])]));
    }

    [Fact]
    public void Removing_what_was_to_be_added_leaves_what_is_called_the_same_and_is_something_else()
    {
        var threshold = new PlantEdit(PlantDeed.Add, PlantPart.Threshold, "press9", new JsonObject());
        var tags = new PlantEdit(PlantDeed.Replace, PlantPart.Tags, "press9", new JsonArray());
        IReadOnlyList<(PlantEdit, string?)> edits = [(Edit(PlantDeed.Add, "press9", 1), null), (tags, null), (threshold, null)];
        var without = DraftDesk.With(edits, new PlantEdit(PlantDeed.Remove, PlantPart.Threshold, "press9", null));
        Assert.Equal([PlantPart.Asset, PlantPart.Tags], without.Select(e => e.Edit.Part));
        without = DraftDesk.With(edits, new PlantEdit(PlantDeed.Remove, PlantPart.Asset, "press9", null));
        Assert.Equal([PlantPart.Threshold], without.Select(e => e.Edit.Part));
    }

    [Fact]
    public void What_is_no_span_stays_as_it_was_written()
    {
        Assert.Equal("""["noon"]""", ClockText.Breaks("noon").ToJsonString());
        Assert.Equal("""[{"name":"early","start":"noon","end":""}]""", ClockText.Shifts("early noon").ToJsonString());
    }

    [Fact]
    public void The_newest_change_of_a_part_counts_under_the_tag_of_the_first()
    {
        var first = Edit(PlantDeed.Replace, "a", 1);
        var edits = DraftDesk.With([(first, "tag")], Edit(PlantDeed.Replace, "a", 2));
        Assert.Equal(("tag", 2), (edits.Single().Tag, (int)edits.Single().Edit.Value!["v"]!));
    }

    [Fact]
    public void What_is_to_be_added_is_added_as_it_is_said_last_at_its_place_and_not_at_all_when_it_is_removed()
    {
        var line = Edit(PlantDeed.Add, "line", 1);
        var machine = Edit(PlantDeed.Add, "machine", 1);
        var edits = DraftDesk.With([(line, null), (machine, null)], Edit(PlantDeed.Replace, "line", 2));
        Assert.Equal(["line", "machine"], edits.Select(e => e.Edit.Id));
        Assert.Equal((PlantDeed.Add, 2), (edits[0].Edit.Deed, (int)edits[0].Edit.Value!["v"]!));
        edits = DraftDesk.With(edits, new PlantEdit(PlantDeed.Remove, PlantPart.Asset, "machine", null));
        Assert.Equal(["line"], edits.Select(e => e.Edit.Id));
    }

    [Fact]
    public void What_is_to_be_added_and_is_not_moved_stays_below_what_it_was_to_be_made_in()
    {
        var line = new PlantEdit(PlantDeed.Add, PlantPart.Asset, "l", new JsonObject { ["kind"] = "line", ["parent_id"] = "area" });
        var renamed = new PlantEdit(PlantDeed.Replace, PlantPart.Asset, "l", new JsonObject { ["kind"] = "line", ["name"] = "L" });
        Assert.Equal("area", DraftDesk.With([(line, null)], renamed)[0].Edit.Value!["parent_id"]!.ToString());
    }

    private static PlantEdit Edit(PlantDeed deed, string id, int value) =>
        new(deed, PlantPart.Asset, id, new JsonObject { ["v"] = value });
}
