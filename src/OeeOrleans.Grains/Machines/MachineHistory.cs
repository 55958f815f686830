using System.Runtime.CompilerServices;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Grains.Machines;

/// <summary>Where reading must begin so that everything from an instant on is exact.</summary>
/// <param name="StartUs">The first sample that matters.</param>
/// <param name="StopStartUs">Where the stop under way at the instant began, or the instant itself.</param>
/// <param name="Held">The last sample of each signal before <paramref name="StartUs"/>, where it is known.</param>
internal readonly record struct HistoryStart(long StartUs, long StopStartUs, IReadOnlyList<MachineSample>? Held);

/// <summary>A machine's stored samples, read in order and in pieces: memory is bounded by a piece, however long the history.</summary>
internal sealed class MachineHistory(IStore store, MachineModel model)
{
    /// <summary>How far back counters, stops, faults and jobs are followed; beyond it the last value is taken as of there.</summary>
    public const long MaxLookBackUs = IStore.MaxFollowedUs;

    /// <summary>Later than this is too late to be counted.</summary>
    public const long MaxLateUs = TimeRule.MaxLateUs;

    /// <summary>Repeated samples of one stop that are followed.</summary>
    private const int MaxSteps = 64;

    private const long FirstPieceUs = UnixMicros.PerHour;
    private const long FarPieceUs = UnixMicros.PerDay;
    private const long LongestPieceUs = 8 * UnixMicros.PerDay;
    private const int FewSamples = 5_000;
    private const int ManySamples = 100_000;

    /// <summary>The stop, the faults and the counter samples that are under way at an instant begin before it.</summary>
    public async Task<HistoryStart> StartAsync(long fromUs, CancellationToken cancellationToken)
    {
        var before = await store.ReadLastBeforeAsync(model.Id, fromUs, cancellationToken);
        var start = Math.Min(fromUs, before.Where(s => IsCounter(s.Kind)).Select(s => s.TimeUs).DefaultIfEmpty(fromUs).Min());
        var stopStart = await FollowStopAsync(before, fromUs, cancellationToken);
        var dedupeUs = UnixMicros.FromSeconds(model.Parameters.At(fromUs).FaultDedupeS);
        var faults = await store.ReadMachineFaultsAsync(model.Id, fromUs - dedupeUs - 1, fromUs, cancellationToken);
        if (faults.Count > 0) start = Math.Min(start, faults.Min(f => f.StartUs));
        start = Math.Max(Math.Min(start, stopStart), fromUs - MaxLookBackUs);
        return new HistoryStart(start, stopStart, start == fromUs ? before : null);
    }

    /// <summary>When the job under way at an instant began; the instant itself when there is none.</summary>
    public async Task<long> JobStartAsync(long atUs, CancellationToken cancellationToken)
    {
        // At once, so that one statement answers both.
        var held = await Task.WhenAll(
            store.HeldSinceAsync(model.Id, "product.code", atUs, atUs - MaxLateUs, cancellationToken),
            store.HeldSinceAsync(model.Id, "order.id", atUs, atUs - MaxLateUs, cancellationToken));
        return Math.Max(held.Max() ?? atUs, atUs - MaxLateUs);
    }

    /// <summary>Samples from what is held at the start to the last one there is, ordered by <see cref="SampleOrder"/>.</summary>
    public async IAsyncEnumerable<MachineSample[]> ReadAsync(
        HistoryStart start, long nowUs, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var startUs = start.StartUs;
        var held = start.Held ?? await store.ReadLastBeforeAsync(model.Id, startUs, cancellationToken);
        // What is held at the start is as good as said at the start: nothing before it is evaluated.
        yield return SampleOrder.Sort([.. held.Select(s => s with { TimeUs = startUs - 1 })]);
        var piece = FirstPieceUs;
        // Beyond the present there is little, and beyond what any clock may be ahead nothing that counts.
        var endUs = nowUs + TimeRule.MaxAheadUs;
        for (var from = startUs - 1; from < endUs;)
        {
            var to = from + piece >= nowUs ? endUs : from + piece;
            var samples = await store.ReadMachineAsync(model.Id, from, to, cancellationToken);
            if (samples.Count > 0) yield return SampleOrder.Sort(samples);
            from = to;
            // Over an emptiness in few steps, but not so far that what lies behind it is too much for one.
            if (samples.Count == 0 && piece < FarPieceUs) piece = Math.Min(piece * 8, FarPieceUs);
            else if (samples.Count < FewSamples) piece = Math.Min(piece * 2, LongestPieceUs);
            else if (samples.Count > ManySamples) piece = Math.Max(piece / 2, UnixMicros.PerMinute);
        }
    }

    /// <summary>Explains [from, to) as known at an instant; reading ends when nothing that follows can matter.</summary>
    public async Task<Explanation> ExplainAsync(long fromUs, long toUs, long asOfUs, CancellationToken cancellationToken)
    {
        var window = new WindowSpan(fromUs, Math.Max(fromUs, Math.Min(toUs, asOfUs)));
        var start = await StartAsync(fromUs, cancellationToken);
        var given = await store.ReadReasonsAsync(model.Id, Math.Min(fromUs, start.StopStartUs), window.ToUs, cancellationToken);
        var explainer = new KpiExplainer(
            model.Id, model.Parameters, model.Windows.Calendar, window, start.StartUs - 1, model.Reasons, given);
        var endUs = window.ToUs;
        await foreach (var piece in ReadAsync(start, asOfUs, cancellationToken))
        {
            for (var i = 0; i < piece.Length; i++)
            {
                if (explainer.IsDecided) return explainer.Finish(endUs);
                if (piece[i].TimeUs > asOfUs) return explainer.Finish(asOfUs);
                explainer.Apply(piece[i]);
                endUs = Math.Max(endUs, piece[i].TimeUs);
            }
        }

        return explainer.Finish(Math.Max(endUs, asOfUs));
    }

    private async Task<long> FollowStopAsync(List<MachineSample> before, long fromUs, CancellationToken cancellationToken)
    {
        var stopStart = fromUs;
        for (var step = 0; step < MaxSteps; step++)
        {
            var states = before.Where(s => s.Kind is SignalKind.StateRun or SignalKind.StateCode).ToList();
            if (states.Count == 0) break;
            var last = states.MaxBy(s => s.TimeUs);
            if (StateReading.Of(last, model.Parameters.At(last.TimeUs)) != HeldState.Stop || last.TimeUs < fromUs - MaxLookBackUs) break;
            stopStart = last.TimeUs;
            before = await store.ReadLastBeforeAsync(model.Id, stopStart, cancellationToken);
        }

        return stopStart;
    }

    private static bool IsCounter(SignalKind kind) => kind is SignalKind.CounterGood or SignalKind.CounterReject or SignalKind.CounterTotal;
}
