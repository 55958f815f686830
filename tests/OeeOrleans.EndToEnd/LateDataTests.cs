using System.Text.Json;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>
/// Late, doubled, historical and corrected samples in a live run: the stored windows are those of a recomputation from the store.
/// </summary>
public sealed class LateDataTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private readonly SparkplugPayloadWriter _writer = new();
    private byte _seq;

    [Fact]
    public async Task What_the_live_engine_stored_is_what_replay_makes_of_the_store()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var oee = await plant.StartAsync();
        using var edge = new MqttClientFactory().CreateMqttClient();
        await edge.ConnectAsync(
            new MqttClientOptionsBuilder()
                .WithTcpServer("127.0.0.1", plant.Broker.Port)
                .WithProtocolVersion(MqttProtocolVersion.V311)
                .Build());
        var nowMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        await BirthAsync(edge, nowMs);

        // Four hours of history as a buffer would send it, every hundredth message twice.
        var hourMs = 3_600_000L;
        var startMs = ((nowMs / hourMs) - 4) * hourMs;
        var history = History(startMs, nowMs).ToList();
        var messages = history.Chunk(200).ToList();
        for (var i = 0; i < messages.Count; i++)
        {
            await SendAsync(edge, messages[i]);
            if (i % 10 == 0) await SendAsync(edge, messages[i]);
        }

        await Eventually.HoldsAsync(
            "closed hours", Soon,
            () => plant.ScalarAsync("select count(*) from oee_latest where kind = 'hour' and as_of = ts_to and good > 0"), n => n >= 3);

        // Then what nobody had told: an earlier product, a stop, a counter value that had been lost, and one that is corrected.
        var middle = startMs + hourMs + 1_800_000;
        await SendAsync(
            edge,
            [
                new(middle + 1, "state.run", false),
                new(middle + 400_001, "state.run", true),
                new(middle - 900_000, "product.code", "B"),
                new(history[300].Ms, history[300].Name, history[300].Value),
            ]);
        // The history itself may have made revisions: the job of product B is there only when the last message is.
        await Eventually.HoldsAsync(
            "the job of product B", Soon,
            () => plant.ScalarAsync("select count(*) from oee_latest where kind = 'job' and name = 'B'"), n => n > 0);
        await Eventually.HoldsAsync(
            "a second revision", Soon, () => plant.ScalarAsync("select count(*) from oee_window where revision > 1"), n => n >= 2);
        await Eventually.HoldsAsync(
            "the recomputation to be over", Soon,
            async () => (await oee.GetAsync("/api/machines/status")).GetProperty("items")[0].GetProperty("recomputing").GetBoolean(),
            busy => !busy);
        await edge.DisconnectAsync();

        var audit = JsonDocument.Parse(
            await ServerProcess.RunAsync(
                "dotnet", Oee.Program, "replay", "--from-store", "--config", plant.ConfigFile, "--machine", "press1")).RootElement;
        Assert.Equal(0, audit.GetProperty("differences").GetArrayLength());
        Assert.True(audit.GetProperty("windows_compared").GetInt32() >= 6, audit.ToString());
        Assert.True(await plant.ScalarAsync("select count(*) from events where type = 'stop'") > 0, "no stop was stored");
        var hour =
            (await oee.GetAsync(
                $"/api/kpi/history?machine_id=press1&from={Iso(startMs + hourMs)}&to={Iso(startMs + (2 * hourMs))}")).GetProperty(
            "items")[0];
        Assert.True(hour.GetProperty("revision").GetInt32() > 1, hour.ToString());
        var explained = await oee.GetAsync(
            $"/api/kpi/explain?machine_id=press1&from={Iso(startMs + hourMs)}&to={Iso(startMs + (2 * hourMs))}");
        Assert.Equal(hour.GetProperty("oee").GetDouble(), explained.GetProperty("kpi").GetProperty("oee").GetDouble(), 1e-12);
        Assert.Equal(hour.GetProperty("revision").GetInt32(), explained.GetProperty("revision").GetInt32());
    }

    private static string Iso(long ms) =>
        Uri.EscapeDataString(DateTimeOffset.FromUnixTimeMilliseconds(ms).ToString("O", System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>A counter every two seconds, a stop of a minute or five every ten, a product every forty minutes.</summary>
    private static IEnumerable<Sample> History(long fromMs, long toMs)
    {
        long good = 0;
        for (var ms = fromMs; ms < toMs; ms += 2000)
        {
            var second = (ms - fromMs) / 1000;
            if (second % 2400 == 0) yield return new(ms, "product.code", second % 4800 == 0 ? "A" : "C");
            if (second % 600 == 60) yield return new(ms, "state.run", false);
            if (second % 600 == (second % 1800 < 600 ? 120 : 360)) yield return new(ms, "state.run", true);
            if (second == 0) yield return new(ms, "state.run", true);
            yield return new(ms + 500, "counter.good", good += 3);
        }
    }

    private async Task BirthAsync(IMqttClient edge, long nowMs)
    {
        _writer.Begin((ulong)nowMs, _seq++);
        _writer.Integer(new MetricHead("bdSeq", null, (ulong)nowMs, SparkplugDataType.Int64), 0);
        await PublishAsync(edge, "NBIRTH/edge1");
        _writer.Begin((ulong)nowMs, _seq++);
        _writer.Boolean(new MetricHead("state.run", 1, (ulong)nowMs, SparkplugDataType.Boolean), true);
        _writer.Integer(new MetricHead("counter.good", 2, (ulong)nowMs, SparkplugDataType.UInt32), 100_000);
        _writer.String(new MetricHead("product.code", 3, (ulong)nowMs, SparkplugDataType.String), "A");
        await PublishAsync(edge, "DBIRTH/edge1/press1");
    }

    private async Task SendAsync(IMqttClient edge, IReadOnlyList<Sample> samples)
    {
        _writer.Begin((ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), _seq++);
        foreach (var sample in samples)
        {
            MetricHead Head(ulong alias) => new(null, alias, (ulong)sample.Ms, SparkplugDataType.Unknown, true);
            if (sample.Value is bool run) _writer.Boolean(Head(1), run);
            else if (sample.Value is long count) _writer.Integer(Head(2), count);
            else _writer.String(Head(3), (string)sample.Value);
        }

        await PublishAsync(edge, "DDATA/edge1/press1");
    }

    private Task PublishAsync(IMqttClient edge, string topic)
    {
        var parts = topic.Split('/', 2);
        return edge.PublishAsync(new MqttApplicationMessageBuilder()
            .WithTopic($"spBv1.0/e2e/{parts[0]}/{parts[1]}")
            .WithPayload(_writer.Written.ToArray())
            .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).Build());
    }

    private sealed record Sample(long Ms, string Name, object Value);
}
