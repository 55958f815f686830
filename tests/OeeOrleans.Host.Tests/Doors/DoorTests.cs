using System.Text;
using OeeOrleans.TestServers;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>Every door, knocked at by everybody. Nothing is believed of attributes: the answers are those of a running gateway.</summary>
[Collection(nameof(GuardedPlant))]
public sealed class DoorTests(GuardedPlant plant)
{
    private static readonly string Page = Path.Combine(Repository.Root, "docs", "access-table.md");

    [Fact]
    public void Every_endpoint_says_who_may_come_in() =>
        Assert.Equal([], Doors.All().Where(d => !Doors.HasPolicy(d.Endpoint)).Select(d => d.Name));

    [Fact]
    public void What_is_open_to_everybody_is_on_the_list_and_has_a_reason() =>
        Assert.Equal(
            [], Doors.All().Where(d => Doors.IsOpen(d.Endpoint)).Select(d => d.Name).Where(n => !Doors.Open.ContainsKey(n) && !IsFile(n)));

    [Fact]
    public void There_is_a_knock_for_every_endpoint()
    {
        var known = new Knocks(plant).All;
        Assert.Equal("", string.Join('\n', Doors.All().Select(d => d.Name).Where(n => !IsFile(n) && !known.ContainsKey(n)).Distinct()));
    }

    [Fact]
    public async Task The_table_of_answers_is_as_it_is_documented()
    {
        var text = new StringBuilder(
            """
            # Who gets what: every endpoint, every role

            Written by a test that knocks at each endpoint of a running gateway (`OEE_WRITE_DOCS=1 dotnet test tests/OeeOrleans.Host.Tests
            --filter DoorTests`), and compared by it in every run. A plant has two areas; the roles `at own` are given at the first one only. Where an
            endpoint is about a part of the plant there are two answers: about the caller's own area, and about the other one.

            401: nobody is known. 403: it is there, the role does not suffice. 404: for this caller there is no such thing. 302: a page leads to
            the sign-in.


            """.ReplaceLineEndings("\n"));
        text.Append("| endpoint | ").AppendJoin(" | ", GuardedPlant.Everybody).Append(" |\n|---|");
        text.AppendJoin("", GuardedPlant.Everybody.Select(_ => "---|")).Append('\n');
        var wrong = new List<string>();
        foreach (var (door, knock) in new Knocks(plant).All)
        {
            text.Append("| `").Append(door.Replace("|", "\\|", StringComparison.Ordinal)).Append("` |");
            foreach (var who in GuardedPlant.Everybody)
            {
                var own = await KnockAsync(who, knock, Side.Own);
                var other = await KnockAsync(who, knock, Side.Foreign);
                text.Append(' ').Append(own.Status == other.Status ? $"{own.Status}" : $"{own.Status} / {other.Status}").Append(" |");
                wrong.AddRange(Problems(door, who, own, other));
            }

            text.Append('\n');
        }

        Assert.Equal([], wrong);
        if (Environment.GetEnvironmentVariable("OEE_WRITE_DOCS") == "1") await File.WriteAllTextAsync(Page, text.ToString());
        Assert.Equal(await File.ReadAllTextAsync(Page), text.ToString());
    }

    [Theory]
    [InlineData("/api/machines/status")]
    [InlineData("/api/faults/active?shelved=true")]
    [InlineData("/api/faults/history")]
    [InlineData("/api/edge-nodes")]
    [InlineData("/api/assets")]
    [InlineData("/api/users")]
    [InlineData("/api/keys")]
    [InlineData("/api/audit?limit=1000")]
    [InlineData("/audit")]
    [InlineData("/")]
    public async Task A_list_leaves_out_what_lies_outside_of_the_grants(string path)
    {
        await plant.UserAsync("dashboard", "foreign");
        await plant.NewKeyAsync("dashboard", "foreign");
        var fault = Uri.EscapeDataString(GuardedPlant.FaultOf(GuardedPlant.ForeignMachine));
        using var ack = await plant.Admin.PostAsync($"/api/faults/{fault}/ack", Json());
        Assert.Contains("foreign", await plant.Admin.GetStringAsync(path), StringComparison.Ordinal);
        Assert.DoesNotContain("foreign", await plant.As("admin at own").GetStringAsync(path), StringComparison.Ordinal);
    }

    private static StringContent Json() => new("{}", Encoding.UTF8, "application/json");

    /// <summary>What must hold whatever the table says.</summary>
    private static IEnumerable<string> Problems(string door, string who, Answer own, Answer other)
    {
        if (own.Status >= 500 || other.Status >= 500) yield return $"{door} as {who}: {own.Status} / {other.Status} {own.Text}{other.Text}";
        var isOpen = Doors.Open.ContainsKey(door);
        if (who == "nobody" && !isOpen && (own.IsGood || other.IsGood)) yield return $"{door} answers nobody: {own.Status} {own.Text}";
        if (who == "edge" && !isOpen && !IsAboutOneself(door) && own.IsGood) yield return $"{door} answers an edge node";
        // Of the other area there is not even a name, in no answer at all.
        if (who.EndsWith("at own", StringComparison.Ordinal))
        {
            foreach (var answer in new[] { own, other }.Where(a => a.IsGood))
            {
                if (answer.Text.Contains("foreign", StringComparison.Ordinal)) yield return $"{door} tells {who} of it: {answer.Text}";
            }
        }
    }

    private async Task<Answer> KnockAsync(string who, Knock knock, Side side)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var request = await knock(side);
        var path = request.RequestUri!.OriginalString;
        using var response = await plant.As(who).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
        // The log of the silos goes on as long as one listens.
        var isEndless = response.IsSuccessStatusCode && path == "/dashboard/Trace";
        return new Answer((int)response.StatusCode, isEndless ? "" : await response.Content.ReadAsStringAsync(limit.Token));
    }

    private static bool IsAboutOneself(string door) =>
        door is "GET /api/me" or "POST /api/auth/logout" or "GET /account" or "GET /password" or "PUT /api/me/password";

    /// <summary>Scripts of the framework, of the trends and of the two guest pages: everybody has them.</summary>
    private static bool IsFile(string name) => name.Contains("/_framework/blazor", StringComparison.Ordinal)
        || (name.Contains(" /_content/", StringComparison.Ordinal) && Path.GetExtension(name) is ".js" or ".gz")
        || name is "GET /scalar/scalar.js" or "GET /scalar/scalar.aspnetcore.js" or "GET /scalar/favicon.svg";

    private sealed record Answer(int Status, string Text)
    {
        public bool IsGood => Status is >= 200 and < 300;
    }
}
