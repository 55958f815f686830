namespace OeeOrleans.Model;

/// <summary>Why figures are to be taken with care.</summary>
public static class KpiFlags
{
    /// <summary>Performance is above 1: the ideal cycle is too long, or counts came without their run time.</summary>
    public const string IdealCycleSuspect = "ideal_cycle_suspect";

    /// <summary>More good pieces than pieces: the counters do not belong together.</summary>
    public const string CountsSuspect = "counts_suspect";

    public const string CounterJumps = "counter_jumps";

    public const string GapCounts = "gap_counts";

    public const string UnknownTime = "unknown_time";

    public const string NoIdealCycle = "no_ideal_cycle";

    /// <summary>Samples of the past are still coming in, or what they touch is not computed anew yet.</summary>
    public const string HistoryIncoming = "history_incoming";
}
