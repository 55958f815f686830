namespace OeeOrleans.Model;

/// <summary>Sums of one window, the only thing a window stores. Adding adjacent windows gives the sums of their union exactly.
/// Times in microseconds, ideal times in seconds as exact decimals, counts as integers (ISO 22400-2; specification section 4).</summary>
public readonly record struct OeeSums
{
    public long NotScheduledUs { get; init; }
    public long PlannedStopUs { get; init; }
    public long UnknownUs { get; init; }
    public long RunUs { get; init; }
    public long StopUs { get; init; }
    public long SmallStopUs { get; init; }
    /// <summary>Part of <see cref="StopUs"/> in stops during which a fault was active (breakdowns).</summary>
    public long FaultStopUs { get; init; }
    public long Good { get; init; }
    public long Reject { get; init; }
    public long Total { get; init; }
    public long GapGood { get; init; }
    public long GapTotal { get; init; }
    public decimal IdealTotalS { get; init; }
    public decimal IdealGoodS { get; init; }
    public long NoIdealTotal { get; init; }
    public int FailuresStarted { get; init; }
    public int FailuresEnded { get; init; }
    public long RepairUs { get; init; }
    public int CounterJumps { get; init; }

    /// <summary>Length of the window: every instant has exactly one category.</summary>
    public long LengthUs => NotScheduledUs + PlannedStopUs + UnknownUs + RunUs + StopUs;

    public static OeeSums operator +(in OeeSums a, in OeeSums b) => new()
    {
        NotScheduledUs = a.NotScheduledUs + b.NotScheduledUs,
        PlannedStopUs = a.PlannedStopUs + b.PlannedStopUs,
        UnknownUs = a.UnknownUs + b.UnknownUs,
        RunUs = a.RunUs + b.RunUs,
        StopUs = a.StopUs + b.StopUs,
        SmallStopUs = a.SmallStopUs + b.SmallStopUs,
        FaultStopUs = a.FaultStopUs + b.FaultStopUs,
        Good = a.Good + b.Good,
        Reject = a.Reject + b.Reject,
        Total = a.Total + b.Total,
        GapGood = a.GapGood + b.GapGood,
        GapTotal = a.GapTotal + b.GapTotal,
        IdealTotalS = a.IdealTotalS + b.IdealTotalS,
        IdealGoodS = a.IdealGoodS + b.IdealGoodS,
        NoIdealTotal = a.NoIdealTotal + b.NoIdealTotal,
        FailuresStarted = a.FailuresStarted + b.FailuresStarted,
        FailuresEnded = a.FailuresEnded + b.FailuresEnded,
        RepairUs = a.RepairUs + b.RepairUs,
        CounterJumps = a.CounterJumps + b.CounterJumps,
    };
}
