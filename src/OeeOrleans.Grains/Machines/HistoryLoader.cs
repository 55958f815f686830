using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Grains.Machines;

/// <summary>What must be read to evaluate windows from an instant on exactly: also the values held there, the counter samples before it,
/// and the whole of a stop that is under way.</summary>
internal static class HistoryLoader
{
    /// <summary>How far back counters and stops are followed; beyond it a counter's last value is taken as of here.</summary>
    private const long MaxLookBackUs = 35 * UnixMicros.PerDay;

    /// <summary>Repeated samples of one stop that are followed.</summary>
    private const int MaxSteps = 64;

    /// <returns>Samples in order of time from the first that matters, and where the stop under way at <paramref name="fromUs"/> began (or <paramref name="fromUs"/>).</returns>
    public static async Task<(List<MachineSample> Samples, long StopStartUs)> LoadAsync(
        IStore store, string machine, Func<MachineSample, HeldState> stateOf, long fromUs, long toUs, CancellationToken cancellationToken)
    {
        var before = await store.ReadLastBeforeAsync(machine, fromUs, cancellationToken);
        var start = Math.Min(fromUs, before.Where(s => IsCounter(s.Kind)).Select(s => s.TimeUs).DefaultIfEmpty(fromUs).Min());
        var stopStart = await FollowStopAsync(store, machine, stateOf, before, fromUs, cancellationToken);
        start = Math.Max(Math.Min(start, stopStart), fromUs - MaxLookBackUs);

        var held = await store.ReadLastBeforeAsync(machine, start, cancellationToken);
        // What is held at the start is as good as said at the start: nothing before it is evaluated.
        var samples = held.Select(s => s with { TimeUs = start - 1 }).ToList();
        samples.AddRange(await store.ReadMachineAsync(machine, start - 1, toUs, cancellationToken));
        return (samples, stopStart);
    }

    private static async Task<long> FollowStopAsync(
        IStore store, string machine, Func<MachineSample, HeldState> stateOf, List<MachineSample> before, long fromUs, CancellationToken cancellationToken)
    {
        var stopStart = fromUs;
        for (var step = 0; step < MaxSteps; step++)
        {
            var states = before.Where(s => s.Kind is SignalKind.StateRun or SignalKind.StateCode).ToList();
            if (states.Count == 0) break;
            var last = states.MaxBy(s => s.TimeUs);
            if (stateOf(last) != HeldState.Stop || last.TimeUs < fromUs - MaxLookBackUs) break;
            stopStart = last.TimeUs;
            before = await store.ReadLastBeforeAsync(machine, stopStart, cancellationToken);
        }

        return stopStart;
    }

    private static bool IsCounter(SignalKind kind) => kind is SignalKind.CounterGood or SignalKind.CounterReject or SignalKind.CounterTotal;
}
