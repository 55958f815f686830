using OeeOrleans.Commands;
using OeeOrleans.Grains.EdgeNodes;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Api;

/// <summary>A list and where it goes on.</summary>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next = null);

/// <summary>A trend.</summary>
public sealed record TrendDocument(IReadOnlyList<TrendItem> Items, bool Raw);

/// <summary>A bucket, or a raw sample.</summary>
public sealed record TrendItem(
    DateTimeOffset Ts, double? Min, double? Max, double? Avg, double? First, double? Last, string? Text, long Count, short Quality)
{
    internal static TrendItem Of(TrendPoint p) =>
        new(
            UnixMicros.ToDateTimeOffset(p.TimeUs), Finite(p.Min), Finite(p.Max), Finite(p.Avg), Finite(p.First), Finite(p.Last), p.Text,
            p.Count, p.Quality);

    private static double? Finite(double? value) => value is { } number && double.IsFinite(number) ? number : null;
}

/// <summary>Which span a figure is of. `as_of` is what was known. A job that is under way has no end: `to` is null.</summary>
public sealed record WindowDocument(string Kind, string Name, DateTimeOffset From, DateTimeOffset? To, DateTimeOffset AsOf);

/// <summary>A machine's or line's figures of one window: ratios 0..1 or null, times in seconds, every sum.</summary>
public sealed record KpiDocument
{
    public required string Scope { get; init; }
    public required string Id { get; init; }
    public required WindowDocument Window { get; init; }
    public double? Oee { get; init; }
    public double? Availability { get; init; }
    public double? Performance { get; init; }
    public double? Quality { get; init; }
    public double? Teep { get; init; }
    public double? Completeness { get; init; }
    public double? RatePerHour { get; init; }
    public double PlannedS { get; init; }
    public double NotScheduledS { get; init; }
    public double PlannedStopS { get; init; }
    public double UnknownS { get; init; }
    public double RunS { get; init; }
    public double StopS { get; init; }
    public double SmallStopS { get; init; }
    public double FaultStopS { get; init; }
    public long Good { get; init; }
    public long Reject { get; init; }
    public long Total { get; init; }
    public long GapGood { get; init; }
    public long GapTotal { get; init; }
    public double IdealTotalS { get; init; }
    public double IdealGoodS { get; init; }
    public long NoIdealTotal { get; init; }
    public int FailuresStarted { get; init; }
    public int FailuresEnded { get; init; }
    public double RepairS { get; init; }
    public int CounterJumps { get; init; }
    public double? MttrS { get; init; }
    public double? MtbfS { get; init; }
    public IReadOnlyList<string> Flags { get; init; } = [];
    public int Revision { get; init; }

    internal static KpiDocument Of(string scope, OeeWindow w) => new()
    {
        Scope = scope,
        Id = w.Id,
        Window = new WindowDocument(
            w.Kind,
            w.Name,
            UnixMicros.ToDateTimeOffset(w.FromUs),
            w.ToUs == PlantWindows.OpenEndUs ? null : UnixMicros.ToDateTimeOffset(w.ToUs),
            UnixMicros.ToDateTimeOffset(w.AsOfUs)),
        Oee = w.Kpis.Oee,
        Availability = w.Kpis.Availability,
        Performance = w.Kpis.Performance,
        Quality = w.Kpis.Quality,
        Teep = w.Kpis.Teep,
        Completeness = w.Kpis.Completeness,
        RatePerHour = w.Kpis.RatePerHour,
        PlannedS = w.Kpis.PlannedS,
        MttrS = w.Kpis.MttrS,
        MtbfS = w.Kpis.MtbfS,
        Flags = w.Kpis.Flags,
        NotScheduledS = S(w.Sums.NotScheduledUs),
        PlannedStopS = S(w.Sums.PlannedStopUs),
        UnknownS = S(w.Sums.UnknownUs),
        RunS = S(w.Sums.RunUs),
        StopS = S(w.Sums.StopUs),
        SmallStopS = S(w.Sums.SmallStopUs),
        FaultStopS = S(w.Sums.FaultStopUs),
        Good = w.Sums.Good,
        Reject = w.Sums.Reject,
        Total = w.Sums.Total,
        GapGood = w.Sums.GapGood,
        GapTotal = w.Sums.GapTotal,
        IdealTotalS = (double)w.Sums.IdealTotalS,
        IdealGoodS = (double)w.Sums.IdealGoodS,
        NoIdealTotal = w.Sums.NoIdealTotal,
        FailuresStarted = w.Sums.FailuresStarted,
        FailuresEnded = w.Sums.FailuresEnded,
        RepairS = S(w.Sums.RepairUs),
        CounterJumps = w.Sums.CounterJumps,
        Revision = w.Revision,
    };

    private static double S(long micros) => UnixMicros.ToSeconds(micros);
}

/// <summary>A machine now.</summary>
public sealed record MachineStatusDocument
{
    public required string MachineId { get; init; }
    public required string LineId { get; init; }
    public required string Name { get; init; }
    /// <summary>run, stop or unknown.</summary>
    public required string State { get; init; }
    /// <summary>not_scheduled, planned_stop, unknown, run, stop or small_stop.</summary>
    public required string Category { get; init; }
    public DateTimeOffset? Since { get; init; }
    public string? Fault { get; init; }
    public DateTimeOffset? FaultSince { get; init; }
    public string? Product { get; init; }
    public long Good { get; init; }
    public long Reject { get; init; }
    public double? Speed { get; init; }
    public double? CycleS { get; init; }
    public double? IdealCycleS { get; init; }
    public double? OeeShift { get; init; }
    /// <summary>good, uncertain or bad.</summary>
    public required string Quality { get; init; }
    public bool Connected { get; init; }
    public DateTimeOffset? LastSeen { get; init; }
    public bool Recomputing { get; init; }
    /// <summary>More than ten new faults in ten minutes.</summary>
    public bool FaultFlood { get; init; }
    /// <summary>Why the figures of the shift are to be taken with care; see the flags of a KPI document.</summary>
    public IReadOnlyList<string> Flags { get; init; } = [];
    /// <summary>Limits of the plant model that are passed now, the most severe first.</summary>
    public IReadOnlyList<PassedLimitDocument> Limits { get; init; } = [];

    internal static MachineStatusDocument Of(Model.Plant.Machine machine, MachineStatus s) => new()
    {
        MachineId = s.MachineId,
        LineId = machine.LineId,
        Name = machine.Name,
        State = s.State.ToString().ToLowerInvariant(),
        Category = s.Category.Name(),
        Since = s.State == HeldState.Unknown && s.LastSeenUs is null ? null : UnixMicros.ToDateTimeOffset(s.SinceUs),
        Fault = s.Fault,
        FaultSince = UnixMicros.ToDateTimeOffset(s.FaultSinceUs),
        Product = s.Product,
        Good = s.Good,
        Reject = s.Reject,
        Speed = s.Speed,
        CycleS = s.CycleS,
        IdealCycleS = s.IdealCycleS,
        OeeShift = s.OeeShift,
        Quality = Model.Quality.Name(s.Quality),
        Connected = s.Connected,
        LastSeen = UnixMicros.ToDateTimeOffset(s.LastSeenUs),
        Recomputing = s.Recomputing,
        FaultFlood = s.FaultFlood,
        Flags = s.Flags,
        Limits = [.. s.Limits.Select(l => new PassedLimitDocument(l.Id, UnixMicros.ToDateTimeOffset(l.SinceUs), l.Severity, l.Text))],
    };
}

/// <summary>A limit that is passed: the id of the threshold, since when, its severity (0 to 1000) and text.</summary>
public sealed record PassedLimitDocument(string Id, DateTimeOffset Since, int Severity, string? Text);

/// <summary>A fault event: `fault` as the machine reported it, or `threshold`, a limit of the plant model that was passed.</summary>
public sealed record FaultDocument(
    string Id, string MachineId, string Type, string Code, string? Text, DateTimeOffset Start, DateTimeOffset? End, int Occurrences,
    bool Active, int Severity, string? AckBy, DateTimeOffset? AckAt, DateTimeOffset? ShelvedUntil)
{
    internal static FaultDocument Of(FaultEvent f, Kpi.Plant.PlantDirectory plant)
    {
        var index = plant.Now;
        var known = f.Type == FaultEvent.FaultType ? index.FindOnceMachine(f.Machine)?.Faults.GetValueOrDefault(f.Code) : null;
        var limit = f.Type == FaultEvent.ThresholdType
            ? index.FindModel(f.Machine)?.Thresholds.FirstOrDefault(t => t.Id == f.Code)
            : null;
        return new(
            f.Id,
            f.Machine,
            f.Type,
            f.Code,
            limit?.Text ?? known?.Text,
            UnixMicros.ToDateTimeOffset(f.StartUs),
            UnixMicros.ToDateTimeOffset(f.EndUs),
            f.Occurrences,
            f.EndUs is null,
            Math.Max(f.Severity, known?.Severity ?? 0),
            f.AckBy,
            UnixMicros.ToDateTimeOffset(f.AckUs),
            UnixMicros.ToDateTimeOffset(f.ShelvedUntilUs));
    }
}

/// <summary>A machine's fault is another one than before; `code` null: it has none any more.</summary>
public sealed record FaultChangedDocument(string MachineId, string? Code, DateTimeOffset? Since);

/// <summary>A stretch of one category.</summary>
public sealed record SegmentDocument(DateTimeOffset From, DateTimeOffset To, string Category);

/// <summary>A machine's shift so far.</summary>
public sealed record TimelineDocument(
    string MachineId, string Shift, DateTimeOffset From, DateTimeOffset To, IReadOnlyList<SegmentDocument> Items)
{
    internal static TimelineDocument Of(MachineTimeline t) => new(
        t.MachineId, t.ShiftName, UnixMicros.ToDateTimeOffset(t.FromUs), UnixMicros.ToDateTimeOffset(t.ToUs),
        [
            .. t.Segments.Select(
                s => new SegmentDocument(UnixMicros.ToDateTimeOffset(s.FromUs), UnixMicros.ToDateTimeOffset(s.ToUs), s.Category.Name())),
        ]);
}

/// <summary>An edge node: alive or not, how its clock stands, what was missed.</summary>
public sealed record EdgeNodeDocument(
    string EdgeNode, bool Online, DateTimeOffset? LastMessage, double? ClockSkewS, long MissedMessages, long RebirthsRequested,
    IReadOnlyList<string> Devices, EdgeSourcesDocument? Sources)
{
    /// <param name="s">The node.</param>
    /// <param name="wanted">By node, the sources that the plant gives it.</param>
    /// <param name="isSeen">Whether the caller may know of a device.</param>
    /// <param name="isWhole">The caller sees all of the plant: others are not told what sources of others are in the way.</param>
    internal static EdgeNodeDocument Of(
        EdgeNodeStatus s, IReadOnlyDictionary<string, string> wanted, Func<string, bool> isSeen, bool isWhole) => new(
        s.EdgeNode,
        s.Online,
        UnixMicros.ToDateTimeOffset(s.LastMessageUs),
        s.ClockSkewS,
        s.MissedMessages,
        s.RebirthsRequested,
        [.. s.Devices.Where(isSeen)],
        wanted.TryGetValue(s.EdgeNode, out var sources) ? EdgeSourcesDocument.Of(SourceState.Of(s, sources), isWhole) : null);
}

/// <summary>
/// How far an edge node is with the sources that the plant gives it: `read`, `refused`, `waiting`, `offline`, or `deaf` (it takes none).
/// </summary>
public sealed record EdgeSourcesDocument(string State, string? Problem)
{
    internal static EdgeSourcesDocument Of(SourceState s, bool isWhole) => new(s.Name, isWhole ? s.Problem : null);
}

/// <summary>A node of the asset tree.</summary>
public sealed record AssetDocument
{
    public required string Id { get; init; }
    /// <summary>site, area, line, cell or machine.</summary>
    public required string Kind { get; init; }
    public required string Name { get; init; }
    public string? ParentId { get; init; }
    public IReadOnlyDictionary<string, object?> Attributes { get; init; } = new Dictionary<string, object?>();
    public IReadOnlyList<AssetDocument> Children { get; init; } = [];
}

/// <summary>Sparkplug metric -> signal; `write`: within what it may be written to, null: it may not.</summary>
public sealed record TagDocument(
    string Metric, string Signal, double Scale, double Offset, string? Unit, double Deadband, WriteLimitsDocument? Write)
{
    internal static TagDocument Of(Model.Plant.TagMapping t) => new(
        t.Metric, t.Signal, t.Scale, t.Offset, t.Unit, t.Deadband, t.Write is { } write ? WriteLimitsDocument.Of(write) : null);
}

/// <summary>Within what a signal may be written to; empty `states`: whatever the machine does.</summary>
public sealed record WriteLimitsDocument(double? Min, double? Max, double? Step, IReadOnlyList<string> States)
{
    internal static WriteLimitsDocument Of(Model.Plant.WriteLimits w) => new(w.Min, w.Max, w.Step, [.. w.States.Select(s => s.Name())]);
}
