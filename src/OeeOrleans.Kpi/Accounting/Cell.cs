using System.Text.Json.Serialization;
using OeeOrleans.Model;

namespace OeeOrleans.Kpi.Accounting;

/// <summary>A stretch of time between two neighbouring window boundaries. Windows are sums of cells, so what is counted is counted once.
/// Counters are kept as they come and combined only when asked: which of the three exist may become known late.</summary>
public sealed class Cell
{
    public long FromUs { get; set; }
    public long ToUs { get; set; }
    public long NotScheduledUs { get; set; }
    public long PlannedStopUs { get; set; }
    public long UnknownUs { get; set; }
    public long RunUs { get; set; }
    public long StopUs { get; set; }
    public long SmallStopUs { get; set; }
    public long FaultStopUs { get; set; }
    /// <summary>Stop time of the stop that is still open: small or not is not decided yet.</summary>
    public long PendingUs { get; set; }
    public int FailuresStarted { get; set; }
    public int FailuresEnded { get; set; }
    public long RepairUs { get; set; }

    [JsonInclude]
    public CounterTally Good;
    [JsonInclude]
    public CounterTally Reject;
    [JsonInclude]
    public CounterTally Total;

    public Cell Clone() => (Cell)MemberwiseClone();

    /// <summary>Two neighbours as one: nobody asks for the boundary between them any more.</summary>
    internal static Cell Join(Cell a, Cell b) => new()
    {
        FromUs = a.FromUs,
        ToUs = b.ToUs,
        NotScheduledUs = a.NotScheduledUs + b.NotScheduledUs,
        PlannedStopUs = a.PlannedStopUs + b.PlannedStopUs,
        UnknownUs = a.UnknownUs + b.UnknownUs,
        RunUs = a.RunUs + b.RunUs,
        StopUs = a.StopUs + b.StopUs,
        SmallStopUs = a.SmallStopUs + b.SmallStopUs,
        FaultStopUs = a.FaultStopUs + b.FaultStopUs,
        PendingUs = a.PendingUs + b.PendingUs,
        FailuresStarted = a.FailuresStarted + b.FailuresStarted,
        FailuresEnded = a.FailuresEnded + b.FailuresEnded,
        RepairUs = a.RepairUs + b.RepairUs,
        Good = CounterTally.Plus(a.Good, b.Good, 1),
        Reject = CounterTally.Plus(a.Reject, b.Reject, 1),
        Total = CounterTally.Plus(a.Total, b.Total, 1),
    };

    /// <summary>Adds what is not about counters.</summary>
    internal OeeSums Times(bool pendingIsSmall, bool pendingIsFault) => new()
    {
        NotScheduledUs = NotScheduledUs,
        PlannedStopUs = PlannedStopUs,
        UnknownUs = UnknownUs,
        RunUs = RunUs + (pendingIsSmall ? PendingUs : 0),
        StopUs = StopUs + (pendingIsSmall ? 0 : PendingUs),
        SmallStopUs = SmallStopUs + (pendingIsSmall ? PendingUs : 0),
        FaultStopUs = FaultStopUs + (!pendingIsSmall && pendingIsFault ? PendingUs : 0),
        FailuresStarted = FailuresStarted,
        FailuresEnded = FailuresEnded,
        RepairUs = RepairUs,
    };
}
