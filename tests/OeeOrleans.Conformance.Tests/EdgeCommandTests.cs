using OeeOrleans.CommitProtocol;
using OeeOrleans.Edge;
using OeeOrleans.Edge.Sessions;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.TestServers;

namespace OeeOrleans.Conformance.Tests;

/// <summary>What an edge node does with words of a broker that it should not follow.</summary>
public sealed class EdgeCommandTests : IAsyncLifetime
{
    private const string CommandTopic = "spBv1.0/g/DCMD/n/d";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private RecordingBroker _broker = null!;

    public async Task InitializeAsync() => _broker = await RecordingBroker.StartAsync();

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    [Fact]
    public async Task Commands_are_carried_out_in_their_order_and_neither_a_retained_nor_an_old_one_is()
    {
        // Kept by the broker from before the edge was there.
        await _broker.SayAsync(CommandTopic, Write(1_001, NowMs()), retain: true);
        await using var edge = await RunningEdge.StartAsync([_broker.Url], Writable);
        await _broker.UntilAsync(s => s.Count("DDATA") > 0);
        await _broker.SayAsync(CommandTopic, Write(1_002, NowMs() - 3_600_000));
        // Long enough for it to be carried out and read back.
        var before = _broker.Events.Count("DDATA");
        await _broker.UntilAsync(s => s.Count("DDATA") > before + 5);
        for (var value = 2_001; value <= 2_050; value++) await _broker.SayAsync(CommandTopic, Write(value, NowMs()));
        var seen = await _broker.UntilAsync(s => Values(s).Contains(2_050));
        var written = Values(seen).Where(v => v is > 1_000 and < 3_000).ToList();
        Assert.Equal(2_050, written[^1]);
        Assert.DoesNotContain(1_001, written);
        Assert.DoesNotContain(1_002, written);
        Assert.Equal(written.Order(), written);
    }

    [Fact]
    public async Task A_STATE_from_the_far_future_does_not_make_later_ones_old()
    {
        await using var edge = await RunningEdge.StartAsync([_broker.Url], o => o.PrimaryHost = "scada");
        await StateAsync(edge, EdgeState.WaitingForHost);
        await _broker.SayAsync("spBv1.0/STATE/scada", Wire.HostIs(false, NowMs() + (10UL * 365 * 86_400_000)), retain: true);
        await _broker.SayAsync("spBv1.0/STATE/scada", Wire.HostIs(true, NowMs()), retain: true);
        await StateAsync(edge, EdgeState.Born);
        await _broker.SayAsync("spBv1.0/STATE/scada", Wire.HostIs(false, NowMs() + 1), retain: true);
        await StateAsync(edge, EdgeState.WaitingForHost);
    }

    [Fact]
    public async Task A_mark_beyond_what_was_sent_frees_nothing()
    {
        await using var edge = await RunningEdge.StartAsync([_broker.Url], o => o.Acknowledge = AcknowledgeMode.Commit);
        await Eventually.HoldsAsync("records that wait", Soon, () => Task.FromResult(edge.Connector.Buffered), n => n > 5);
        var birth = (await _broker.UntilAsync(s => s.Count("NBIRTH") > 0)).First(e => e.Is("NBIRTH")).Decode();
        var queue = birth.Metric(CommitMetrics.Queue)!.Value.GetProperty("value").GetString()!;
        var (before, lowest) = (edge.Connector.Buffered, int.MaxValue);
        var (topic, forged) = CommitMetrics.TellMark("g", "n", queue, ulong.MaxValue / 2, 1);
        await _broker.SayAsync(topic.ToString(), forged.ToArray());
        await Eventually.HoldsAsync(
            "more records", Soon, () =>
                Task.FromResult(edge.Connector.Buffered), n => (lowest = Math.Min(lowest, n)) < before || n > before + 5);
        Assert.InRange(lowest, before, int.MaxValue);
    }

    private static ulong NowMs() => (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    private static void Writable(EdgeOptions options)
    {
        options.UnsignedCommands = true;
        options.Sources =
        [
            new EdgeSource(
                "s", new Uri("sim://x"), "d", 50, [new EdgeTag("bool:1", "beat"), new EdgeTag("counter:1", "setpoint", Writable: true)]),
        ];
    }

    private static byte[] Write(long value, ulong sentMs)
    {
        var writer = new SparkplugPayloadWriter().Begin(sentMs, null);
        writer.Integer(new MetricHead("setpoint", null, sentMs, SparkplugDataType.Int64), value);
        return writer.Written.ToArray();
    }

    /// <summary>Every value of the set point, in order; births say names, data aliases.</summary>
    private static List<long> Values(IReadOnlyList<WireEvent> events)
    {
        var birth = events.FirstOrDefault(e => e.Is("DBIRTH"))?.Decode();
        if (birth?.Metric("setpoint") is not { } metric) return [];
        var alias = metric.GetProperty("alias").GetInt64();
        return
        [
            .. events.Where(e => e.Is("DDATA") || e.Is("DBIRTH"))
                .SelectMany(e => e.Decode().Metrics)
                .Where(m => m.GetProperty("alias") is { ValueKind: System.Text.Json.JsonValueKind.Number } a && a.GetInt64() == alias)
                .Select(m => m.GetProperty("value").GetInt64()),
        ];
    }

    private static Task<EdgeState> StateAsync(RunningEdge edge, EdgeState state) =>
        Eventually.HoldsAsync(state.ToString(), Soon, () => Task.FromResult(edge.Connector.State), s => s == state);
}
