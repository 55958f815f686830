using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Edge.Sources;
using OeeOrleans.TestServers;

namespace OeeOrleans.Edge.Tests.Drivers;

/// <summary>
/// What every driver must hold, whatever its protocol: each derives from this and says how its PLC is made to do things. Tag 0 counts, tag
/// 1 may be written, tag 2 is not there.
/// </summary>
public abstract class DriverTests : IAsyncLifetime
{
    protected const int Counter = 0;
    private const int Setpoint = 1;
    private const int Missing = 2;
    protected static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    protected string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("oee-driver").FullName;

    /// <summary>How soon a pulled plug must be noticed.</summary>
    protected abstract TimeSpan HalfOpenLimit { get; }

    /// <summary>How soon it must be known that the PLC is back.</summary>
    private static TimeSpan ReturnLimit => TimeSpan.FromSeconds(10);

    protected abstract int Port { get; }

    protected abstract Task StartAsync();

    protected abstract Task SetCounterAsync(int value);

    /// <summary>Power off.</summary>
    protected abstract Task KillAsync();

    protected abstract Task RestartAsync();

    protected abstract Task EndAsync();

    /// <summary>The source, with the three tags.</summary>
    private protected abstract ISource Source(int port);

    public Task InitializeAsync() => StartAsync();

    public async Task DisposeAsync()
    {
        await EndAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    [Fact]
    public async Task Values_come_in_their_order_and_none_is_made_up()
    {
        await using var probe = await ProbeAsync(Port);
        for (var i = 1; i <= 10; i++)
        {
            await SetCounterAsync(i);
            await LastAsync(probe, Counter, i);
        }

        var seen = Numbers(probe);
        Assert.Equal(seen.Order(), seen);
        Assert.Equal(Enumerable.Range(1, 10), seen.Where(v => v > 0).Distinct());
        // Each with a time of its own, not before the last one's.
        var times = probe.Came.Where(v => v.Tag == Counter).Select(v => v.TimeMs).ToList();
        Assert.Equal(times.Order(), times);
    }

    [Fact]
    public async Task A_cut_connection_fails_the_source_and_is_found_again()
    {
        await using var proxy = new ChaosProxy(Port);
        await using var probe = await ProbeAsync(proxy.Port);
        await SetCounterAsync(5);
        await LastAsync(probe, Counter, 5);
        proxy.Cut();
        await FailedAsync(probe, TimeSpan.FromSeconds(7));
        var before = probe.Came.Count;
        await SetCounterAsync(6);
        await StillAsync(probe, before);
        var returned = Stopwatch.GetTimestamp();
        proxy.Mend();
        await LastAsync(probe, Counter, 6);
        Assert.InRange(Stopwatch.GetElapsedTime(returned), TimeSpan.Zero, ReturnLimit);
        Assert.Equal([5, 6], Numbers(probe).Where(v => v > 0).Distinct());
    }

    [Fact]
    public async Task A_PLC_that_is_switched_off_and_on_is_found_again()
    {
        await using var probe = await ProbeAsync(Port);
        await KillAsync();
        await FailedAsync(probe, TimeSpan.FromSeconds(7));
        await RestartAsync();
        await SetCounterAsync(8);
        var returned = Stopwatch.GetTimestamp();
        await LastAsync(probe, Counter, 8);
        Assert.InRange(Stopwatch.GetElapsedTime(returned), TimeSpan.Zero, ReturnLimit);
    }

    [Fact]
    public async Task A_pulled_plug_is_noticed_and_no_value_is_made_up_meanwhile()
    {
        await using var proxy = new ChaosProxy(Port);
        await using var probe = await ProbeAsync(proxy.Port);
        await SetCounterAsync(5);
        await LastAsync(probe, Counter, 5);
        proxy.IsFrozen = true;
        await FailedAsync(probe, HalfOpenLimit);
        var before = probe.Came.Count;
        await SetCounterAsync(6);
        await StillAsync(probe, before);
        var returned = Stopwatch.GetTimestamp();
        proxy.IsFrozen = false;
        await LastAsync(probe, Counter, 6);
        Assert.InRange(Stopwatch.GetElapsedTime(returned), TimeSpan.Zero, ReturnLimit);
        Assert.Equal([5, 6], Numbers(probe).Where(v => v > 0).Distinct());
    }

    [Fact]
    public async Task A_tag_that_is_not_there_is_bad_without_a_value_and_spoils_no_other()
    {
        await using var probe = await ProbeAsync(Port);
        await SetCounterAsync(5);
        await LastAsync(probe, Counter, 5);
        var missing = await Eventually.HoldsAsync("the missing tag to be told", Soon, () => Task.FromResult(probe.Last(Missing)), v =>
            v is not null);
        Assert.Null(missing!.Value.Value);
        Assert.InRange(missing.Value.Quality, 0, 63);
        Assert.Empty(probe.Values(Missing));
    }

    [Fact]
    public async Task A_source_that_is_paused_hands_over_nothing_and_then_what_is()
    {
        await using var probe = await ProbeAsync(Port);
        await SetCounterAsync(5);
        await LastAsync(probe, Counter, 5);
        probe.Source.SetPaused(true);
        // What was on its way when it was told.
        await QuietAsync(probe);
        var before = probe.Came.Count;
        await SetCounterAsync(6);
        // Longer than the PLC is left alone meanwhile.
        for (var i = 0; i < 3; i++) await QuietAsync(probe);
        Assert.Equal(before, probe.Came.Count);
        Assert.Null(probe.Failure);
        probe.Source.SetPaused(false);
        await LastAsync(probe, Counter, 6);
    }

    [Fact]
    public async Task What_is_written_is_read_back_and_what_stood_there_is_told()
    {
        await using var probe = await ProbeAsync(Port);
        await probe.Source.WriteAsync(Setpoint, 41L, CancellationToken.None);
        await LastAsync(probe, Setpoint, 41);
        var before = await probe.Source.WriteAsync(Setpoint, 42L, CancellationToken.None);
        Assert.Equal("41", Convert.ToString(before, System.Globalization.CultureInfo.InvariantCulture));
        await LastAsync(probe, Setpoint, 42);
        await Assert.ThrowsAnyAsync<Exception>(() => probe.Source.WriteAsync(Setpoint, 1.5, CancellationToken.None));
        await Assert.ThrowsAnyAsync<Exception>(() => probe.Source.WriteAsync(Missing, 1L, CancellationToken.None));
        Assert.Equal(42, Convert.ToInt32(probe.Last(Setpoint)!.Value.Value, null));
    }

    [Fact]
    public async Task A_source_whose_PLC_is_not_there_at_the_start_finds_it_later()
    {
        await KillAsync();
        await using var probe = new SourceProbe(Source(Port));
        await FailedAsync(probe, TimeSpan.FromSeconds(7));
        await RestartAsync();
        await SetCounterAsync(9);
        await LastAsync(probe, Counter, 9);
    }

    private static List<int> Numbers(SourceProbe probe) => [.. probe.Values(Counter).Select(v => Convert.ToInt32(v, null))];

    private protected static Task FailedAsync(SourceProbe probe, TimeSpan within) =>
        Eventually.TrueAsync("the source to fail", within, () => Task.FromResult(probe.Failure is not null));

    private static Task LastAsync(SourceProbe probe, int tag, int value) => Eventually.HoldsAsync(
        $"tag {tag} to show {value}", Soon, () => Task.FromResult($"{probe.Last(tag)?.Value} {probe.Failure}"),
        _ => probe.Last(tag) is { Value: not null } last && Convert.ToInt32(last.Value, null) == value);

    /// <summary>For two seconds of failing readings nothing comes.</summary>
    private static async Task StillAsync(SourceProbe probe, int count)
    {
        var failures = probe.Failures;
        await Eventually.TrueAsync("more readings to fail", Soon, () => Task.FromResult(probe.Failures > failures + 30));
        Assert.Equal(count, probe.Came.Count);
    }

    /// <summary>Until nothing has come for a second.</summary>
    private static async Task QuietAsync(SourceProbe probe)
    {
        var (count, since) = (probe.Came.Count, Stopwatch.GetTimestamp());
        await Eventually.TrueAsync("the source to be quiet", Soon, () =>
        {
            if (probe.Came.Count != count) (count, since) = (probe.Came.Count, Stopwatch.GetTimestamp());
            return Task.FromResult(Stopwatch.GetElapsedTime(since) > TimeSpan.FromSeconds(1));
        });
    }

    private protected async Task<SourceProbe> ProbeAsync(int port)
    {
        var probe = new SourceProbe(Source(port));
        await Eventually.HoldsAsync("the first value", Soon, () => Task.FromResult(probe.Failure), _ =>
            probe.Last(Counter)?.Value is not null);
        return probe;
    }

    private protected static EdgeSource Settings(string url, string counter, string setpoint, string missing) => new(
        "plc", new Uri(url), "device", 100,
        [new EdgeTag(counter, "counter"), new EdgeTag(setpoint, "setpoint", Writable: true), new EdgeTag(missing, "missing")]);

    private protected EdgeOptions Options => new() { Group = "g", Node = "n", DataDir = Directory };

    private protected static NullLogger Log => NullLogger.Instance;
}
