using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using MQTTnet;
using OeeOrleans.CommitProtocol;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>Sources that are configured at the plant: told through the broker, read by an edge node that nobody restarts.</summary>
public sealed class SourcesTests(PlantFixture fixture) : IClassFixture<PlantFixture>, IAsyncLifetime
{
    private const int OwnTags = 20;
    private const string Topic = "spBv1.0/e2e/NCMD/edge1";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    private static readonly object RunAndGood = new object[]
    {
        new { address = "bool", metric = "state.run" }, new { address = "counter", metric = "counter.good" },
    };

    private TestPlant _plant = null!;
    private EdgeProcess _edge = null!;
    private Oee _host = null!;

    public async Task InitializeAsync()
    {
        _plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var asked = ServerProcess.Start("dotnet", [Oee.Program, "commands", "key", "--config", _plant.ConfigFile]);
        await asked.WaitForExitAsync(Soon);
        var own = $$"""{ id: own, url: "sim://own?tags={{OwnTags}}&journal={{_plant.JournalFile}}", device: own1, interval_ms: 250 }""";
        _edge = new EdgeProcess(await _plant.WriteGuardedEdgeAsync(asked.Output.Trim().Split('\n')[^1], own));
        _host = await _plant.StartAsync();
        await _edge.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _edge.DisposeAsync();
        await _host.DisposeAsync();
        await _plant.DisposeAsync();
    }

    [Fact]
    public async Task A_source_added_at_the_plant_is_read_without_a_restart_and_what_was_read_before_loses_nothing()
    {
        var tag = await MakeAsync(new { id = "press", edge_node = "e2e/edge1", url = "sim://plant", device = "press1", tags = RunAndGood });
        await Eventually.HoldsAsync(
            "the machine to be live", Soon, PressAsync,
            m => m.GetProperty("connected").GetBoolean() && m.GetProperty("good").GetDouble() > 0);
        await StateAsync("read");

        // Another tag, by merge patch and with the tag of what was read.
        object[] more = [.. (object[])RunAndGood, new { address = "sine", metric = "process.temperature" }];
        using (var changed = await SendAsync(HttpMethod.Patch, "/api/sources/press", new { tags = more }, tag))
        {
            Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        }

        await Eventually.HoldsAsync(
            "values of the new tag", Soon,
            () => _plant.ScalarAsync("select count(*) from telemetry where machine_id = 'press1' and name = 'process.temperature'"),
            n => n > 4);
        using (var late = await SendAsync(HttpMethod.Patch, "/api/sources/press", new { interval_ms = 500 }, tag))
        {
            Assert.Equal(HttpStatusCode.PreconditionFailed, late.StatusCode);
        }

        // Its own source was read on all the while: no second without a value.
        Assert.InRange(await LongestSilenceMsAsync("e2e/edge1/own1", "tag0001"), 200, 1_000);

        // After a crash it goes on reading by itself: nobody tells it again.
        var told = Count(_host.Process.Output, "told its sources");
        Assert.Equal(2, told);
        await _edge.KillAsync();
        await _edge.StartAsync();
        await Eventually.HoldsAsync("the machine to be back", Soon, PressAsync, m => m.GetProperty("connected").GetBoolean());
        await StateAsync("read");
        Assert.Equal(told, Count(_host.Process.Output, "told its sources"));

        using (var gone = await SendAsync(HttpMethod.Delete, "/api/sources/press", new { }, "*"))
        {
            Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
        }

        await Eventually.HoldsAsync("the machine to be gone", Soon, PressAsync, m => !m.GetProperty("connected").GetBoolean());
        await OwnReadingsAreStoredOnceAsync();
    }

    [Fact]
    public async Task Sources_that_cannot_be_read_at_the_edge_are_refused_with_the_reason_and_those_before_go_on()
    {
        await MakeAsync(new { id = "press", edge_node = "e2e/edge1", url = "sim://plant", device = "press1", tags = RunAndGood });
        await StateAsync("read");
        object[] tags = [new { address = "ns=2;s=Speed", metric = "speed" }];
        await MakeAsync(new
        {
            id = "line-ua", edge_node = "e2e/edge1", url = "opc.tcp://127.0.0.1:4840/x", device = "ua1", username = "reader",
            password_file = "ua1.txt", tags,
        });
        var refused = await StateAsync("refused");
        Assert.Contains("ua1.txt' cannot be read", refused.GetProperty("problem").GetString(), StringComparison.Ordinal);
        Assert.True((await PressAsync()).GetProperty("connected").GetBoolean());

        // An id that its own file has too.
        await RemoveAsync("line-ua");
        await StateAsync("read");
        await MakeAsync(new { id = "own", edge_node = "e2e/edge1", url = "sim://plant", device = "other1", tags = RunAndGood });
        refused = await StateAsync("refused");
        Assert.Contains("the id 'own' is there more than once", refused.GetProperty("problem").GetString(), StringComparison.Ordinal);

        // The file it names is put where the plant may name files, and another source is told with it.
        await RemoveAsync("own");
        var secrets = Directory.CreateDirectory(Path.Combine(_plant.EdgeDirectory, "secrets"));
        await File.WriteAllTextAsync(Path.Combine(secrets.FullName, "ua1.txt"), "secret");
        await MakeAsync(new
        {
            id = "line-ua", edge_node = "e2e/edge1", url = "opc.tcp://127.0.0.1:4840/x", device = "ua1", username = "reader",
            password_file = "ua1.txt", tags,
        });
        await StateAsync("read");
        await Eventually.HoldsAsync("the machine to be live", Soon, PressAsync, m => m.GetProperty("connected").GetBoolean());
        // The server is not there, and kept nobody waiting: neither the node's own source nor another one of the plant.
        Assert.InRange(await LongestSilenceMsAsync("e2e/edge1/own1", "tag0001"), 200, 1_000);
        Assert.InRange(await LongestSilenceMsAsync("press1", "counter.good"), 200, 1_000);
    }

    [Fact]
    public async Task What_the_host_did_not_sign_changes_nothing_and_neither_does_an_older_word()
    {
        using var client = new MqttClientFactory().CreateMqttClient();
        await client.ConnectAsync(new MqttClientOptionsBuilder().WithConnectionUri(new Uri(_plant.Broker.Url)).Build());
        var heard = new List<byte[]>();
        client.ApplicationMessageReceivedAsync += m =>
        {
            var payload = m.ApplicationMessage.Payload.ToArray();
            // Marks come on the same topic.
            lock (heard)
            {
                if (System.Text.Encoding.UTF8.GetString(payload).Contains(SignedSources.MetricName, StringComparison.Ordinal))
                {
                    heard.Add(payload);
                }
            }

            return Task.CompletedTask;
        };
        await client.SubscribeAsync(Topic);
        await MakeAsync(new { id = "press", edge_node = "e2e/edge1", url = "sim://plant", device = "press1", tags = RunAndGood });
        await StateAsync("read");
        await RemoveAsync("press");
        await StateAsync(null);
        await Eventually.HoldsAsync("the machine to be gone", Soon, PressAsync, m => !m.GetProperty("connected").GetBoolean());
        byte[] older;
        lock (heard) older = heard[0];

        await client.PublishAsync(new MqttApplicationMessageBuilder().WithTopic(Topic).WithPayload(older).Build());
        await SaysAsync("it is a copy");
        using var foreign = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var forged = new SignedSources
        {
            Number = long.MaxValue, EdgeNode = "e2e/edge1", Host = "e2e",
            Sources = """[{ "id": "x", "url": "sim://x", "device": "press1", "tags": [{ "address": "bool", "metric": "state.run" }] }]""",
        }.Seal(foreign);
        var (_, message) = SignedSources.Message("e2e", "edge1", forged, (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
        await client.PublishAsync(new MqttApplicationMessageBuilder().WithTopic(Topic).WithPayload(message.ToArray()).Build());
        await SaysAsync("none of the host's keys");
        Assert.False((await PressAsync()).GetProperty("connected").GetBoolean());
        // Its own goes on.
        var before = Ticks().Count;
        await Eventually.HoldsAsync("more readings", Soon, () => Task.FromResult(Ticks().Count), n => n > before + 4);
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    private Task SaysAsync(string text) => Eventually.TrueAsync(
        $"the edge to say '{text}'", Soon, () => Task.FromResult(_edge.Output.Contains(text, StringComparison.Ordinal)));

    private async Task<JsonElement> PressAsync() => (await _host.GetAsync("/api/machines/status")).GetProperty("items")[0];

    /// <summary>What the API says of the edge node's sources, when it is that; null: it is given none.</summary>
    private async Task<JsonElement> StateAsync(string? state) => await Eventually.HoldsAsync(
        $"its sources to be {state}", Soon,
        async () => (await _host.GetAsync("/api/edge-nodes")).GetProperty("items")[0].GetProperty("sources"),
        s => state is null ? s.ValueKind == JsonValueKind.Null : s.GetProperty("state").GetString() == state);

    /// <returns>Its tag.</returns>
    private async Task<string> MakeAsync(object source)
    {
        using var made = await SendAsync(HttpMethod.Post, "/api/sources", source, null);
        Assert.True(made.StatusCode == HttpStatusCode.Created, await made.Content.ReadAsStringAsync());
        return made.Headers.ETag!.ToString();
    }

    private async Task RemoveAsync(string id)
    {
        using var gone = await SendAsync(HttpMethod.Delete, $"/api/sources/{id}", new { }, "*");
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object body, string? tag)
    {
        using var request = new HttpRequestMessage(method, _host.Url + path) { Content = JsonContent.Create(body) };
        if (tag is not null) request.Headers.TryAddWithoutValidation("If-Match", tag);
        return await _host.Http.SendAsync(request);
    }

    private HashSet<long> Ticks()
    {
        using var reader = new StreamReader(new FileStream(_plant.JournalFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        var lines = reader.ReadToEnd().Split('\n').Where(l => l.Length == 13);
        return [.. lines.Select(l => long.Parse(l, CultureInfo.InvariantCulture))];
    }

    private Task<long> LongestSilenceMsAsync(string machine, string name) => _plant.ScalarAsync(
        $"""
        select max(gap) from (
          select extract(epoch from ts - lag(ts) over (order by ts)) * 1000 as gap from telemetry
          where machine_id = '{machine}' and name = '{name}' and quality >= 64) gaps
        """);

    /// <summary>A reading is all tags at one instant; the last one may be under way.</summary>
    private async Task OwnReadingsAreStoredOnceAsync()
    {
        var due = await Eventually.HoldsAsync("readings enough to say anything", Soon, () => Task.FromResult(Ticks()), t => t.Count > 40);
        due.Remove(due.Max());
        // What is stored is stored once: the store has one row for a signal and an instant.
        await Eventually.HoldsAsync(
            "every reading to be stored", TimeSpan.FromSeconds(60),
            () => _plant.ScalarAsync(
                $"""
                select count(*) from telemetry where machine_id = 'e2e/edge1/own1' and quality >= 64
                and (extract(epoch from ts) * 1000)::bigint in ({string.Join(',', due)})
                """),
            n => n == due.Count * OwnTags);
    }
}
