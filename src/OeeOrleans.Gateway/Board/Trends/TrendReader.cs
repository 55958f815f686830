using OeeOrleans.Access.Grants;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Grains;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Board.Trends;

/// <summary>Reads signals over time, and what their machines did meanwhile. As many points as a screen can show, whatever the span.</summary>
internal sealed class TrendReader(PlantDirectory plant, IStore store, IGrainFactory grains)
{
    /// <summary>Of all signals together.</summary>
    private const int MostPoints = 30_000;

    /// <summary>States are worked out from samples; of more than this they are left out.</summary>
    private const long MostStatesUs = 31 * UnixMicros.PerDay;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The span that is looked at, with as much before it and, up to now, behind it.</summary>
    /// <exception cref="NotFoundException">One of the signals is not there, or not for this caller.</exception>
    public async Task<TrendPicture> ReadAsync(
        Caller caller, IReadOnlyList<TrendSignal> signals, long fromUs, long toUs, long nowUs, bool follows, TimeZoneInfo zone,
        CancellationToken cancellationToken)
    {
        var lengthUs = toUs - fromUs;
        var (firstUs, lastUs) = (fromUs - lengthUs, Math.Max(toUs, Math.Min(nowUs, toUs + lengthUs)));
        var machines = signals.Select(s => s.Machine).Distinct().ToList();
        foreach (var machine in machines) caller.Must(Permission.History, machine, $"there is no machine '{machine}'");
        var strips = machines.Select(m => StripAsync(m, firstUs, lastUs)).ToList();
        var points = Math.Min(TelemetryEndpoints.MaxPoints, MostPoints / Math.Max(1, signals.Count));
        // Of more than a day the rollups of minutes, which are there; finer ones would be made of every sample.
        if (lastUs - firstUs > UnixMicros.PerDay) points = (int)Math.Min(points, (lastUs - firstUs) / UnixMicros.PerMinute);
        var units = new Dictionary<(string, string), string?>();
        foreach (var machine in machines)
        {
            var known = await store.Plant.ReadSignalsNowAsync(machine, cancellationToken);
            foreach (var signal in known) units[(machine, signal.Name)] = signal.Unit;
        }

        var curves = new List<TrendCurve>();
        foreach (var signal in signals)
        {
            var trend = await store.ReadTrendAsync(signal.Machine, signal.Name, firstUs, lastUs, points, cancellationToken)
                ?? throw new NotFoundException($"the machine '{signal.Machine}' has no signal '{signal.Name}'");
            if (trend.Raw && await HeldAsync(signal, firstUs, cancellationToken) is { } held)
            {
                trend = trend with { Items = [held, .. trend.Items] };
            }

            var machine = plant.FindMachine(signal.Machine);
            var title = $"{(machine is null ? signal.Machine : BoardScope.NameOf(machine))}, {signal.Name}";
            curves.Add(TrendCurve.Of(
                signal, title, units.GetValueOrDefault((signal.Machine, signal.Name)) ?? "", machines.IndexOf(signal.Machine), trend,
                fromUs, toUs));
        }

        return new TrendPicture(
            Ms(fromUs), Ms(toUs), Ms(firstUs), Ms(lastUs), zone.HasIanaId ? zone.Id : "UTC",
            zone.GetUtcOffset(UnixMicros.ToDateTimeOffset(fromUs)).TotalMilliseconds, follows, curves, await Task.WhenAll(strips));
    }

    /// <summary>Signals of a machine that say most about it: of the process first, then its cycles, then what else is a number.</summary>
    public async Task<IReadOnlyList<TrendSignal>> ProposeAsync(string machine, CancellationToken cancellationToken)
    {
        const int few = 3;
        var signals = await store.Plant.ReadSignalsNowAsync(machine, cancellationToken);
        return
        [
            .. signals.Where(s => s.Value is not null && s.DataType != "Boolean")
                .OrderBy(s => RankOf(s.Name)).ThenBy(s => s.Name, StringComparer.Ordinal)
                .Take(few).Select(s => new TrendSignal(machine, s.Name)),
        ];
    }

    private static int RankOf(string name)
    {
        if (name.StartsWith("process.", StringComparison.Ordinal)) return 0;
        if (name == "cycle.time") return 1;
        return CanonicalSignals.IsCanonical(name) ? 2 : 3;
    }

    /// <summary>What was told last before an instant holds at it; it counts as no sample.</summary>
    private async Task<TrendPoint?> HeldAsync(TrendSignal signal, long atUs, CancellationToken cancellationToken) =>
        await store.ReadSampleBeforeAsync(signal.Machine, signal.Name, atUs, cancellationToken) is { } last
            ? last with { TimeUs = atUs, Count = 0 }
            : null;

    private async Task<TrendStrip> StripAsync(string id, long fromUs, long toUs)
    {
        var machine = plant.Now.FindOnceMachine(id);
        var name = machine is null ? id : BoardScope.NameOf(machine);
        TrendStrip Without(string why) => new(name, [], [], [], [], [], [], why);
        if (machine is null) return Without("it is no machine of the plant");
        if (toUs - fromUs > MostStatesUs) return Without("of so long a span no states are shown");
        try
        {
            var explained = await grains.GetGrain<IMachineGrain>(id).Explain(fromUs, toUs).WaitAsync(Patience);
            if (explained is null) return Without("it is no machine of the plant");
            var parts = explained.Intervals.Where(i => i.ToUs > i.FromUs).ToList();
            var faults = explained.Faults.Where(f => (f.EndUs ?? toUs) > fromUs && f.StartUs < toUs).ToList();
            return new TrendStrip(
                name, [.. parts.Select(p => Ms(p.FromUs))], [.. parts.Select(p => Ms(p.ToUs))], [.. parts.Select(p => p.Category.Name())],
                [.. faults.Select(f => Ms(f.StartUs))], [.. faults.Select(f => Ms(f.EndUs ?? toUs))],
                [.. faults.Select(f => $"{f.Code} {machine.Faults.GetValueOrDefault(f.Code)?.Text}".TrimEnd())], null);
        }
        catch (Exception error) when (LivePage.IsAway(error))
        {
            // The signals are there without it, and the strip says what it is without.
            return Without("the machine does not answer now");
        }
    }

    private static double Ms(long micros) => micros / (double)UnixMicros.PerMillisecond;
}
