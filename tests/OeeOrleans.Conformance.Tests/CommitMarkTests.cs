using OeeOrleans.CommitProtocol;
using OeeOrleans.TestServers;

namespace OeeOrleans.Conformance.Tests;

/// <summary>Our own word between host and edge stays beside what the specification says.</summary>
public sealed class CommitMarkTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Without_a_word_of_the_host_the_brokers_acknowledgement_frees_the_queue_and_with_one_only_the_mark_does()
    {
        await using var broker = await RecordingBroker.StartAsync();
        await using var edge = await RunningEdge.StartAsync([broker.Url]);
        await broker.UntilAsync(s => s.Count("DDATA") > 4);
        await BufferedAsync(edge, n => n <= 1);
        var birth = broker.Events.First(e => e.Is("NBIRTH")).Decode();
        var queue = birth.Metric(CommitMetrics.Queue)!.Value.GetProperty("value").GetString()!;
        var (topic, payload) = CommitMetrics.TellMark("g", "n", queue, 1, 1);
        await broker.SayAsync(topic.ToString(), payload.ToArray());
        await BufferedAsync(edge, n => n > 8);

        // Another queue's mark is none of ours; the right one frees.
        var last = broker.Events.Last(Wire.IsData).Decode();
        var (before, lowest) = (edge.Connector.Buffered, int.MaxValue);
        await broker.SayAsync(topic.ToString(), CommitMetrics.TellMark("g", "n", "other", Record(last), 1).Payload.ToArray());
        await BufferedAsync(edge, n => (lowest = Math.Min(lowest, n)) < before || n > before + 5);
        Assert.InRange(lowest, before, int.MaxValue);
        (_, payload) = CommitMetrics.TellMark("g", "n", queue, Record(last), 1);
        var full = edge.Connector.Buffered;
        await broker.SayAsync(topic.ToString(), payload.ToArray());
        await BufferedAsync(edge, n => n < full - 5);
    }

    private static Task<int> BufferedAsync(RunningEdge edge, Func<int, bool> holds) =>
        Eventually.HoldsAsync("records that wait", Soon, () => Task.FromResult(edge.Connector.Buffered), holds);

    /// <summary>Records are numbered under the highest alias of a message.</summary>
    private static ulong Record(Decoded message) =>
        message.Metrics.MaxBy(m => m.GetProperty("alias").GetUInt64()).GetProperty("value").GetUInt64();
}
