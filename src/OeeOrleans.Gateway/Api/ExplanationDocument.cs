using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;

namespace OeeOrleans.Gateway.Api;

/// <summary>Everything behind the figures of one window. The losses add up to planned time exactly, the deltas to the counts.</summary>
public sealed record ExplanationDocument
{
    public required string MachineId { get; init; }
    public required KpiDocument Kpi { get; init; }
    public required LossDocument Losses { get; init; }
    public required IReadOnlyList<IntervalDocument> Intervals { get; init; }
    /// <summary>Counts by product and ideal cycle; gap counts are left out.</summary>
    public required IReadOnlyList<IdealDocument> Ideals { get; init; }
    public required IReadOnlyList<DeltaDocument> Deltas { get; init; }
    /// <summary>How many counter values there are; more than are listed when there are very many.</summary>
    public required int DeltaCount { get; init; }
    public required IReadOnlyList<FaultDocument> Faults { get; init; }
    /// <summary>The way from sums to ratios, to follow by hand.</summary>
    public required IReadOnlyList<string> Arithmetic { get; init; }

    /// <summary>Stops with their reasons, short ones included.</summary>
    public required IReadOnlyList<StopDocument> Stops { get; init; }
    /// <summary>The highest revision of the stored windows of exactly this span; 0 when there is none.</summary>
    public required int Revision { get; init; }

    internal static ExplanationDocument Of(string machine, Explanation e, PlantDirectory plant, int revision)
    {
        var window = new OeeWindow
        {
            Id = machine,
            Kind = "span",
            FromUs = e.Window.FromUs,
            ToUs = e.Window.ToUs,
            AsOfUs = e.Window.ToUs,
            Sums = e.Window.Sums,
            Kpis = e.Window.Kpis,
        };
        return new ExplanationDocument
        {
            MachineId = machine,
            Kpi = KpiDocument.Of("machine", window),
            Losses = LossDocument.Of(e.Losses.Tree),
            Intervals =
            [
                .. e.Intervals.Select(
                    i => new IntervalDocument(
                        Time(i.FromUs), Time(i.ToUs), i.Category.Name(), i.Reason,
                        i.StopUs is { } stop ? StopEvent.IdOf(machine, stop) : null)),
            ],
            Ideals = [.. e.Ideals.Select(i => new IdealDocument(i.Product, (double?)i.IdealS, i.Good, i.Total))],
            Deltas = [.. e.Deltas.Select(DeltaDocument.Of)],
            DeltaCount = e.DeltaCount,
            Faults = [.. e.Faults.Select(f => FaultDocument.Of(f, plant))],
            Arithmetic = e.Arithmetic,
            Stops = [.. e.Losses.Stops.Select(s => StopDocument.Of(machine, s, plant.Now.FindModel(machine)!.Reasons))],
            Revision = revision,
        };
    }

    internal static DateTimeOffset Time(long micros) => UnixMicros.ToDateTimeOffset(micros);
}

/// <summary>A stretch of one category; the reason is that of the stop, "break", "planned mode" or "no data".</summary>
public sealed record IntervalDocument(DateTimeOffset From, DateTimeOffset To, string Category, string? Reason, string? StopId);

/// <summary>Counts weighed with one ideal cycle.</summary>
public sealed record IdealDocument(string? Product, double? IdealCycleS, long Good, long Total);

/// <summary>One counter value.</summary>
public sealed record DeltaDocument(
    DateTimeOffset Ts, string Counter, long Previous, long Value, long Delta, string Step, bool Gap, double? IdealCycleS, string? Product)
{
    internal static DeltaDocument Of(CounterDelta d) => new(
        ExplanationDocument.Time(d.TimeUs), d.Counter switch
        {
            SignalKind.CounterGood => "good",
            SignalKind.CounterReject => "reject",
            _ => "total"
        },
        d.Previous, d.Value, d.Delta, d.Step.ToString().ToLowerInvariant(), d.Gap, (double?)d.IdealS, d.Product);
}

/// <summary>
/// Where planned time went, seconds: planned = breakdowns + setup + other stops + unknown (where it counts as stop) + small stops + reduced
/// speed + rejects + good.
/// </summary>
public sealed record LossDocument(
    double PlannedS, double BreakdownsS, double SetupS, double OtherStopsS, double UnknownS, double SmallStopsS, double ReducedSpeedS,
    double RejectsS, double GoodS)
{
    internal static LossDocument Of(LossTree l) => new(
        UnixMicros.ToSeconds(l.PlannedUs),
        UnixMicros.ToSeconds(l.BreakdownsUs),
        UnixMicros.ToSeconds(l.SetupUs),
        UnixMicros.ToSeconds(l.OtherStopsUs),
        UnixMicros.ToSeconds(l.UnknownUs),
        UnixMicros.ToSeconds(l.SmallStopsUs),
        UnixMicros.ToSeconds(l.ReducedSpeedUs),
        UnixMicros.ToSeconds(l.RejectsUs),
        UnixMicros.ToSeconds(l.GoodUs));
}
