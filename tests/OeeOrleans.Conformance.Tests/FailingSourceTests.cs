using System.Text.Json;
using OeeOrleans.Edge;
using OeeOrleans.TestServers;

namespace OeeOrleans.Conformance.Tests;

/// <summary>What an edge node says of a device that it cannot read any more.</summary>
public sealed class FailingSourceTests : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    /// <summary>Over what came after the device could not be read any more.</summary>
    internal static readonly Statements<IReadOnlyList<WireEvent>> Statements = new()
    {
        { "operational-behavior-device-ddeath", "a device that cannot be read any more is dead, and its node says so",
            after => Assert.Equal(["spBv1.0/g/DDEATH/n/d"], after.Where(e => e.Is("DDEATH")).Select(e => e.Topic)) },
    };

    private RecordingBroker _broker = null!;

    public async Task InitializeAsync() => _broker = await RecordingBroker.StartAsync();

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    public static TheoryData<string> Ids() => Statements.Data;

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Holds(string id)
    {
        var source = new FailingSource("d");
        await using var edge = await RunningEdge.StartAsync([_broker.Url], o => Single(o, 50), source);
        await _broker.UntilAsync(s => s.Count("DDATA") > 2);
        var before = _broker.Events.Count;
        source.Broken = true;
        await Eventually.TrueAsync("the death", Soon, () => Task.FromResult(_broker.Events.Count("DDEATH") > 0));
        Statements.Check(id, [.. _broker.Events.Skip(before)]);
    }

    [Fact]
    public async Task A_device_that_is_dead_says_nothing_until_it_is_born_again_and_then_all_it_said_before()
    {
        var (source, events) = await DieWhileCutOffAsync(TimeSpan.FromMinutes(5), whenBack: async (_, source) =>
        {
            await _broker.UntilAsync(s => s.Count("NBIRTH") == 2);
            source.Broken = false;
            await _broker.UntilAsync(s => s.Count("DBIRTH") == 2);
            // It lives on and has nothing new: if it died again, what still waits would wait for its next birth.
            source.Still = true;
            await Eventually.TrueAsync("the last reading is told", Soon, () =>
                Task.FromResult(Said(_broker.Events).Distinct().Count() == source.Readings));
        });
        Assert.Empty(SaidWhileDead(events));
        Assert.Equal(Enumerable.Range(1, source.Readings), Said(events).Distinct().Order());
    }

    [Fact]
    public async Task A_device_that_stays_dead_does_not_keep_what_it_said_before_for_ever()
    {
        var (source, events) = await DieWhileCutOffAsync(TimeSpan.FromMilliseconds(300), whenBack: async (edge, _) =>
        {
            await Eventually.HoldsAsync("nothing that waits", Soon, () => Task.FromResult(edge.Connector.Buffered), n => n == 0);
            // The last word is of its death: when the failure is noticed before the new birth, there is a death before it as well.
            await _broker.UntilAsync(s => Last(s, "DDEATH") > Last(s, "DBIRTH") && s.Count("NBIRTH") == 2);
        });
        Assert.Empty(SaidWhileDead(events));
        Assert.Equal(Enumerable.Range(1, source.Readings), Said(events).Distinct().Order());
        // It is dead, and its birth has no value that would say otherwise.
        var mourned = events.Last(e => e.Is("DBIRTH")).Decode();
        Assert.True(mourned.Metric("n")!.Value.GetProperty("is_null").GetBoolean());
        Assert.True(Last(events, "DDEATH") > Last(events, "DBIRTH"));
    }

    private static int Last(IReadOnlyList<WireEvent> events, string type) => events.ToList().FindLastIndex(e => e.Is(type));

    [Fact]
    public async Task A_source_that_throws_at_a_pause_does_not_end_the_watch_over_the_buffer()
    {
        var source = new FailingSource("d", length: 20_000) { PauseFails = true };
        await using var proxy = new ChaosProxy(_broker.Port);
        await using var edge = await RunningEdge.StartAsync([$"mqtt://127.0.0.1:{proxy.Port}"], o =>
        {
            Single(o, 10);
            o.BufferMaxMb = 1;
        }, source);
        await _broker.UntilAsync(s => s.Count("DDATA") > 0);
        proxy.Cut();
        await Eventually.TrueAsync("a word of a pause", Soon, () => Task.FromResult(!source.PauseFails));
        proxy.Mend();
        await Eventually.TrueAsync("a word of its end", Soon, () =>
        {
            lock (source.Pauses) return Task.FromResult(source.Pauses.Contains(false));
        });
    }

    /// <summary>A connection is cut, records come, the source fails, the connection is back.</summary>
    private async Task<(FailingSource Source, IReadOnlyList<WireEvent> Events)> DieWhileCutOffAsync(
        TimeSpan tellOfDeadAfter, Func<RunningEdge, FailingSource, Task> whenBack)
    {
        var source = new FailingSource("d");
        await using var proxy = new ChaosProxy(_broker.Port);
        await using var edge = await RunningEdge.StartAsync([$"mqtt://127.0.0.1:{proxy.Port}"], o =>
        {
            Single(o, 50);
            o.TellOfDeadAfter = tellOfDeadAfter;
        }, source);
        await _broker.UntilAsync(s => s.Count("DDATA") > 2);
        proxy.Cut();
        await _broker.UntilAsync(s => s.Any(e => e.Kind == WireKind.Disconnect));
        var before = source.Readings;
        await Eventually.HoldsAsync("records that wait", Soon, () => Task.FromResult(source.Readings), n => n > before + 5);
        source.Broken = true;
        proxy.Mend();
        await whenBack(edge, source);
        return (source, _broker.Events);
    }

    private static void Single(EdgeOptions options, int intervalMs) =>
        options.Sources = [new EdgeSource("failing", new Uri("sim://none"), "d", intervalMs, [])];

    /// <summary>Data of the device that came while it was not born.</summary>
    private static List<string> SaidWhileDead(IReadOnlyList<WireEvent> events)
    {
        var (born, said) = (false, new List<string>());
        foreach (var e in events)
        {
            if (e.Is("NBIRTH") || e.Is("NDEATH") || e.Is("DDEATH")) born = false;
            else if (e.Is("DBIRTH")) born = true;
            else if (e.Is("DDATA") && !born) said.Add(e.Topic);
        }

        return said;
    }

    /// <summary>The numbers of all readings that were told.</summary>
    private static IEnumerable<int> Said(IReadOnlyList<WireEvent> events)
    {
        var alias = events.First(e => e.Is("DBIRTH")).Decode().Metric("n")!.Value.GetProperty("alias").GetUInt64();
        return events.Where(e => e.Is("DBIRTH") || e.Is("DDATA"))
            .SelectMany(e => e.Decode().Metrics)
            .Where(m => m.GetProperty("alias").GetUInt64() == alias && m.GetProperty("value").ValueKind == JsonValueKind.String)
            .Select(m => int.Parse(m.GetProperty("value").GetString()!.TrimEnd('.'), null));
    }
}
