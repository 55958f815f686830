using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>GraphQL as other programs speak it: npm `graphql-ws` and `graphql`, against a host that hears a machine.</summary>
public sealed class GraphQlTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private static readonly string Peer = Path.Combine(Oee.Peers, "graphql-client.mjs");

    [Fact]
    public async Task A_client_hears_machines_figures_and_faults_and_reads_and_changes_the_plant()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var host = await plant.StartAsync();
        await using var edge = plant.StartQos1Edge(20, 45);
        await using var client = ServerProcess.Start("node",
            [
                Peer, "subscribe", host.Url + "/graphql", TestAccess.Key, "2",
                "subscription { machineChanged(machineId: \"press1\") { machineId state good quality } }",
                "subscription { kpiChanged(lineId: \"line1\") { scope id oee window { kind from } } }",
                "subscription { machineChanged(machineId: \"nobody\") { machineId } }",
                "{ site { id lines { id machines { id status { connected } } } } }",
            ]);
        await client.WaitForExitAsync(Soon);
        var lines = client.Output.Split('\n').Where(l => l.StartsWith('{')).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        List<JsonElement> Of(int index) =>
            [.. lines.Where(l => l.TryGetProperty("index", out var i) && i.GetInt32() == index && l.TryGetProperty("result", out _))];
        var machine = Of(0).ConvertAll(l => l.GetProperty("result").GetProperty("data").GetProperty("machineChanged"));
        Assert.Equal(["press1", "press1"], machine.Select(m => m.GetProperty("machineId").GetString()));
        Assert.True(machine[1].GetProperty("good").GetInt64() >= machine[0].GetProperty("good").GetInt64());
        var kpi = Of(1)[0].GetProperty("result").GetProperty("data").GetProperty("kpiChanged");
        Assert.Equal("shift", kpi.GetProperty("window").GetProperty("kind").GetString());
        var refused = lines.First(l => l.TryGetProperty("index", out var i) && i.GetInt32() == 2);
        var errors = refused.GetProperty("result").GetProperty("errors").GetRawText();
        Assert.Contains("there is no machine 'nobody'", errors, StringComparison.Ordinal);
        var site = Assert.Single(Of(3)).GetProperty("result").GetProperty("data").GetProperty("site");
        Assert.Equal("press1", site.GetProperty("lines")[0].GetProperty("machines")[0].GetProperty("id").GetString());

        // Time as the REST API has it, figures as well.
        var history = (await AskAsync(host, "{ line(id: \"line1\") { history(window: HOUR) { good window { from } } } }"))
            .GetProperty("data").GetProperty("line").GetProperty("history");
        var rest = (await host.GetAsync("/api/kpi/history?line_id=line1&window=hour")).GetProperty("items");
        Assert.Equal(
            rest.EnumerateArray().Select(w => w.GetProperty("window").GetProperty("from").GetString()),
            history.EnumerateArray().Select(w => w.GetProperty("window").GetProperty("from").GetString()));

        // A change of the plant: with the tag of what was read, lost in a race, rolled back.
        var part = (await AskAsync(host, "{ configuration { part(part: ASSET, id: \"press1\") { tag value revision } } }"))
            .GetProperty("data").GetProperty("configuration").GetProperty("part");
        const string Merge =
            """
            mutation($tag: String!) {
              mergePart(part: ASSET, id: "press1", value: { name: "Press", ideal_cycle_s: 0.1 }, tag: $tag) { value revision }
            }
            """;
        var tag = part.GetProperty("tag").GetString();
        var merged = (await AskAsync(host, Merge, new { tag })).GetProperty("data").GetProperty("mergePart");
        Assert.Equal("Press", merged.GetProperty("value").GetProperty("name").GetString());
        Assert.Equal(part.GetProperty("revision").GetInt64() + 1, merged.GetProperty("revision").GetInt64());
        var lost = (await AskAsync(host, Merge, new { tag })).GetProperty("errors")[0].GetProperty("extensions");
        Assert.Equal(412, lost.GetProperty("status").GetInt32());
        var wrong = await AskAsync(
            host, "mutation { addPart(part: REASON, id: \"r\", value: { id: \"r\", loss: \"nonsense\" }) { revision } }");
        Assert.Equal(422, wrong.GetProperty("errors")[0].GetProperty("extensions").GetProperty("status").GetInt32());
        Assert.NotEqual(0, wrong.GetProperty("errors")[0].GetProperty("extensions").GetProperty("errors").GetArrayLength());
        await AskAsync(host, $"mutation {{ rollBack(revision: {part.GetProperty("revision").GetInt64()}) {{ revision }} }}");
        var now = (await AskAsync(host, "{ configuration { part(part: ASSET, id: \"press1\") { tag } revisions(first: 1) { revision } } }"))
            .GetProperty("data").GetProperty("configuration");
        Assert.Equal(tag, now.GetProperty("part").GetProperty("tag").GetString());
        Assert.Equal(3, now.GetProperty("revisions")[0].GetProperty("revision").GetInt64());
    }

    [Fact]
    public async Task The_schema_is_one_that_a_client_can_be_built_of_and_its_words_are_those_of_the_records()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var host = await plant.StartAsync();
        await using var client = ServerProcess.Start("node", [Peer, "schema", host.Url + "/graphql", TestAccess.Key]);
        await client.WaitForExitAsync(Soon);
        Assert.True(client.ExitCode == 0, client.Output);
        Assert.Contains("type MachineStatus {", client.Output, StringComparison.Ordinal);
        Assert.Contains("run, stop or unknown.", client.Output, StringComparison.Ordinal);
        Assert.Contains("machineChanged(", client.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("subscribe first", 4401)]
    [InlineData("init twice", 4429)]
    [InlineData("same id twice", 4409)]
    [InlineData("no JSON", 4400)]
    [InlineData("no type", 4400)]
    [InlineData("unknown type", 4400)]
    [InlineData("no query", 4400)]
    [InlineData("too long", 1009)]
    public async Task Who_breaks_the_protocol_is_sent_away_with_its_code(string how, int code)
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var host = await plant.StartAsync();
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("graphql-transport-ws");
        socket.Options.SetRequestHeader(TestAccess.Header, TestAccess.Key);
        using var limit = new CancellationTokenSource(Soon);
        await socket.ConnectAsync(new Uri(host.Url.Replace("http", "ws", StringComparison.Ordinal) + "/graphql"), limit.Token);
        const string Init = """{"type":"connection_init"}""";
        const string Subscribe =
            """{"type":"subscribe","id":"1","payload":{"query":"subscription { machineChanged(lineId: \"line1\") { good } }"}}""";
        string[] said = how switch
        {
            "subscribe first" => [Subscribe],
            "init twice" => [Init, Init],
            "same id twice" => [Init, Subscribe, Subscribe],
            "no JSON" => [Init, "{"],
            "no type" => [Init, "{}"],
            "unknown type" => [Init, """{"type":"nonsense"}"""],
            "no query" => [Init, """{"type":"subscribe","id":"1","payload":{}}"""],
            _ => [Init, new string(' ', 70_000)],
        };
        foreach (var message in said) await socket.SendAsync(Encoding.UTF8.GetBytes(message), WebSocketMessageType.Text, true, limit.Token);
        var buffer = new byte[100_000];
        while (socket.State == WebSocketState.Open) await socket.ReceiveAsync(buffer, limit.Token);
        Assert.Equal(code, (int)socket.CloseStatus!.Value);
    }

    [Fact]
    public async Task What_comes_by_HTTP_is_answered_as_GraphQL_over_HTTP_says()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var host = await plant.StartAsync();
        var url = new Uri(host.Url + "/graphql");
        async Task<(HttpStatusCode Status, string? Type)> PostAsync(HttpContent content, string accept)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = content };
            request.Headers.TryAddWithoutValidation("Accept", accept);
            using var response = await host.Http.SendAsync(request);
            return (response.StatusCode, response.Content.Headers.ContentType?.MediaType);
        }

        const string New = "application/graphql-response+json";
        Assert.Equal((HttpStatusCode.OK, New), await PostAsync(JsonContent.Create(new { query = "{ site { id } }" }), New));
        Assert.Equal((HttpStatusCode.BadRequest, New), await PostAsync(JsonContent.Create(new { query = "{ nothing }" }), New));
        const string Old = "application/json";
        Assert.Equal((HttpStatusCode.OK, Old), await PostAsync(JsonContent.Create(new { query = "{ nothing }" }), Old));
        Assert.Equal(
            (HttpStatusCode.UnsupportedMediaType, "application/problem+json"),
            await PostAsync(new FormUrlEncodedContent([KeyValuePair.Create("query", "{ site { id } }")]), New));
        Assert.Equal(
            (HttpStatusCode.BadRequest, "application/problem+json"), await PostAsync(JsonContent.Create(new { }), New));
        using var get = await host.Http.GetAsync(url);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, get.StatusCode);
        using var nobody = new HttpClient();
        using var unknown = await nobody.PostAsJsonAsync(url, new { query = "{ site { id } }" });
        Assert.Equal(HttpStatusCode.Unauthorized, unknown.StatusCode);
    }

    private static async Task<JsonElement> AskAsync(Oee host, string query, object? variables = null)
    {
        using var response = await host.Http.PostAsJsonAsync(new Uri(host.Url + "/graphql"), new { query, variables });
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
    }
}
