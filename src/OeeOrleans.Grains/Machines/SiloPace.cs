namespace OeeOrleans.Grains.Machines;

/// <summary>
/// How often machines of this silo tell what is new and write what is open. Small plants are told of five times a second; a large one gets
/// as much as a budget allows, because ten thousand machines that each tell something every second cost more than what they tell is worth.
/// A change of state, fault or connection is not paced: it is told at once and written within a second. Safe for concurrent use.
/// </summary>
internal sealed class SiloPace
{
    /// <summary>Figures told a second, all machines of the silo together.</summary>
    private const double TellsPerSecond = 200;

    /// <summary>Machines of the silo whose open windows are written in a second.</summary>
    private const double FlushesPerSecond = 25;

    /// <summary>Figures that come less often than this can wait for each other.</summary>
    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);

    private static readonly (TimeSpan Shortest, TimeSpan Longest) Tell = (TimeSpan.FromSeconds(0.2), TimeSpan.FromSeconds(10));
    private static readonly (TimeSpan Shortest, TimeSpan Longest) Flush = (TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(60));

    private int _awake;

    /// <summary>Between two figures of a machine or line that changed.</summary>
    public TimeSpan TellEvery => Clamp(_awake / TellsPerSecond, Tell);

    /// <summary>So many machines live here that their figures are told together.</summary>
    public bool IsLarge => TellEvery > Slow;

    /// <summary>Between two writes of a machine's open windows; also so often a machine that says nothing is told of.</summary>
    public TimeSpan FlushEvery => Clamp(_awake / FlushesPerSecond, Flush);

    public void Woke() => GrainMetrics.MachinesAwake.Set(Interlocked.Increment(ref _awake));

    public void FellAsleep() => GrainMetrics.MachinesAwake.Set(Interlocked.Decrement(ref _awake));

    private static TimeSpan Clamp(double seconds, (TimeSpan Shortest, TimeSpan Longest) range) =>
        TimeSpan.FromSeconds(Math.Clamp(seconds, range.Shortest.TotalSeconds, range.Longest.TotalSeconds));
}
