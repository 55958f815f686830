using System.Text;
using System.Text.Json;
using OeeOrleans.Access.Grants;

namespace OeeOrleans.Gateway.Tests.GraphQl;

/// <summary>What GraphQL answers, what that costs, and what it refuses.</summary>
public sealed class GraphQlTests
{
    private const string WholeSite =
        """
        { site { id areas { id lines { id kpi(window: HOUR) { oee good } machines {
            id name status { state category good oeeShift } kpi(window: HOUR) { oee good window { from to } }
            day: kpi(window: DAY) { oee } activeFaults { id code text } } } } } }
        """;

    [Fact]
    public async Task A_whole_site_is_a_bounded_number_of_statements_and_no_grain_call_however_many_machines()
    {
        foreach (var (lines, machines) in new[] { (1, 2), (10, 20), (20, 50) })
        {
            var plant = new AskedPlant(lines, machines);
            var answer = await plant.AskAsync(WholeSite);
            Assert.False(answer.TryGetProperty("errors", out var errors), errors.ToString());
            var found = answer.GetProperty("data").GetProperty("site").GetProperty("areas")[0].GetProperty("lines");
            Assert.Equal((lines, machines), (found.GetArrayLength(), found[0].GetProperty("machines").GetArrayLength()));
            Assert.Equal(5 * machines, found[0].GetProperty("kpi").GetProperty("good").GetInt64());
            Assert.Equal(0.5, found[0].GetProperty("machines")[0].GetProperty("kpi").GetProperty("oee").GetDouble());
            // Hour and day windows, and faults: three statements.
            Assert.Equal(3, plant.Store.Total);
            Assert.Equal(0, plant.Grains.Total);
        }
    }

    [Fact]
    public async Task What_lies_outside_of_the_grants_does_not_exist()
    {
        var plant = new AskedPlant(2, 2);
        var answer = await plant.AskAsync(
            """
            { site { areas { id lines { id } } lines { id } } line(id: "line2") { id } machine(id: "line2-m0") { id }
              machines { items { id } } }
            """, Role.Dashboard, "area");
        Assert.DoesNotContain("line2", answer.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("foreign", answer.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(4, answer.GetProperty("data").GetProperty("machines").GetProperty("items").GetArrayLength());
    }

    [Theory]
    [InlineData("{ machine(id: \"line0-m0\") { history { oee } } }", "NOT_ALLOWED", 403)]
    [InlineData("{ configuration { revisions { revision } } }", "NOT_ALLOWED", 403)]
    [InlineData("{ faults { items { id } } }", "", 200)]
    [InlineData("{ faults(lineId: \"line0\") { items { id } } }", "NOT_ALLOWED", 403)]
    [InlineData("{ faults(lineId: \"nowhere\") { items { id } } }", "NOT_FOUND", 404)]
    [InlineData("mutation { removePart(part: ASSET, id: \"line0\", tag: \"x\") { id } }", "NOT_ALLOWED", 403)]
    public async Task A_role_that_does_not_suffice_is_told_so_as_by_the_REST_API(string query, string code, int status)
    {
        var plant = new AskedPlant(1, 1);
        IReadOnlyList<string>? asked = null;
        plant.Store.Answer = (_, args) =>
        {
            asked = (IReadOnlyList<string>)args[0]!;
            return Task.FromResult(new List<Model.FaultEvent>());
        };
        var answer = await plant.AskAsync(query, Role.Dashboard);
        if (code.Length == 0)
        {
            // Of all machines whose past may be looked at there are none.
            Assert.False(answer.TryGetProperty("errors", out _));
            Assert.Equal([], asked!);
            return;
        }

        var error = answer.GetProperty("errors")[0].GetProperty("extensions");
        Assert.Equal((code, status), (error.GetProperty("code").GetString(), error.GetProperty("status").GetInt32()));
    }

    [Fact]
    public async Task A_bug_of_ours_tells_nobody_its_words()
    {
        var plant = new AskedPlant(1, 1);
        plant.Store.Answer = (_, _) => throw new InvalidOperationException("the secret of the house");
        var answer = await plant.AskAsync("{ machine(id: \"line0-m0\") { activeFaults { id } } }");
        Assert.DoesNotContain("secret", answer.GetRawText(), StringComparison.Ordinal);
        Assert.Equal("INTERNAL_ERROR", answer.GetProperty("errors")[0].GetProperty("extensions").GetProperty("code").GetString());
    }

    public static TheoryData<string, string> Bombs()
    {
        var aliases = string.Concat(Enumerable.Range(0, 200).Select(i => $"a{i}: site {{ lines {{ machines {{ id }} }} }} "));
        var types = new StringBuilder("name");
        for (var i = 0; i < 12; i++) types.Insert(0, "fields { type { ").Append(" } }");
        return new TheoryData<string, string>
        {
            { "aliases", $"{{ {aliases} }}" },
            { "costly fields in lists", "{ site { lines { machines { explain { arithmetic } } } } }" },
            { "trends in lists", "{ site { areas { lines { machines { trend(name: \"x\") { items { avg } } } } } } }" },
            { "introspection", $"{{ __schema {{ types {{ {types} }} }} }}" },
            { "fragments that double with every line", Doubling(60) },
            { "a page of less than nothing", $"{{ m: machines(first: -1000000) {{ items {{ id }} }} {Costly(30)} }}" },
            { "the same member over and over", $"{{ site {{ {string.Concat(Enumerable.Repeat("id ", 9_000))} }} }}" },
            { "many trends of many points", $"{{ {string.Concat(Enumerable.Range(0, 20).Select(Trend))} }}" },
            { "a circle of fragments", "{ site { ...a } } fragment a on Site { ...b } fragment b on Site { ...a }" },
            { "length", $"{{ site {{ id }} #{new string('x', 40_000)}\n}}" },
            { "a list of members", $"{{ {string.Concat(Enumerable.Range(0, 3_000).Select(i => $"m{i}: machines {{ next }} "))} }}" },
        };
    }

    private static string Doubling(int lines)
    {
        var query = new StringBuilder("{ site { ...a0 } } ");
        for (var i = 0; i < lines; i++)
        {
            query.Append(System.Globalization.CultureInfo.InvariantCulture, $"fragment a{i} on Site {{ ...a{i + 1} ...a{i + 1} }} ");
        }

        return query.Append(System.Globalization.CultureInfo.InvariantCulture, $"fragment a{lines} on Site {{ id }}").ToString();
    }

    private static string Costly(int count) => string.Concat(
        Enumerable.Range(0, count).Select(i => $"l{i}: line(id: \"line0\") {{ losses {{ lostS }} }} "));

    private static string Trend(int number) =>
        $"t{number}: machine(id: \"line0-m0\") {{ trend(name: \"x\", points: 10000) {{ items {{ ts avg }} }} }} ";

    [Theory]
    [MemberData(nameof(Bombs))]
    public async Task Bombs_are_refused_before_anything_is_read(string name, string query)
    {
        var plant = new AskedPlant(2, 2);
        var answer = await plant.AskAsync(query);
        Assert.True(answer.TryGetProperty("errors", out _), name);
        Assert.False(answer.TryGetProperty("data", out var data) && data.ValueKind == JsonValueKind.Object, name);
        Assert.Equal((0, 0), (plant.Store.Total, plant.Grains.Total));
    }

    [Fact]
    public async Task Machines_come_page_by_page_in_the_order_of_the_plant()
    {
        var plant = new AskedPlant(2, 3);
        var seen = new List<string?>();
        string? after = null;
        do
        {
            var page = (await plant.AskAsync(
                "query($after: String) { machines(first: 4, after: $after) { items { id } next } }", variables: new { after }))
                .GetProperty("data").GetProperty("machines");
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(m => m.GetProperty("id").GetString()));
            after = page.GetProperty("next").GetString();
        }
        while (after is not null);
        Assert.Equal(plant.Plant.Plant.Machines.Select(m => m.Id), seen);
        foreach (var wrong in new[] { "first: 0", "first: 1001", "after: \"nobody\"" })
        {
            var answer = await plant.AskAsync($"{{ machines({wrong}) {{ next }} }}");
            Assert.Equal(400, answer.GetProperty("errors")[0].GetProperty("extensions").GetProperty("status").GetInt32());
        }
    }

    [Fact]
    public async Task The_past_of_many_machines_is_one_statement_and_of_so_many_days_at_most()
    {
        var plant = new AskedPlant(5, 10);
        var answer = await plant.AskAsync("{ site { lines { machines { history { oee } } } } }");
        Assert.False(answer.TryGetProperty("errors", out var errors), errors.ToString());
        Assert.Equal(1, plant.Store.Total);
        var far = await plant.AskAsync("{ machine(id: \"line0-m0\") { history(from: \"2000-01-01T00:00:00Z\") { oee } } }");
        Assert.Contains("at most 400 days", far.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_of_all_its_machines_has_no_jobs_as_by_the_REST_API()
    {
        var answer = await new AskedPlant(1, 2).AskAsync("{ line(id: \"line0\") { kpi(window: JOB) { oee } } }");
        Assert.Equal(400, answer.GetProperty("errors")[0].GetProperty("extensions").GetProperty("status").GetInt32());
    }

    [Theory]
    [InlineData("{ site { nothing } }")]
    [InlineData("{ site")]
    [InlineData("query a { site { id } } query b { site { id } }")]
    [InlineData("subscription { machineChanged { machineId } }")]
    public async Task What_cannot_be_answered_says_why(string query)
    {
        var answer = await new AskedPlant(1, 1).AskAsync(query);
        Assert.NotEmpty(answer.GetProperty("errors")[0].GetProperty("message").GetString()!);
    }
}
