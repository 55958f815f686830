namespace OeeOrleans.Edge.Sources;

/// <summary>
/// How often sources are sampled, by how full the queue is: a queue that fills doubles the interval step by step, one that empties halves
/// it again. Between the marks nothing changes, so that it does not swing. At the high mark subscriptions pause.
/// </summary>
public sealed class SamplingGovernor(int slowestMs)
{
    private const double SlowDownAbove = 0.5;
    private const double SpeedUpBelow = 0.25;
    private const double PauseAbove = 0.9;
    private const double ResumeBelow = 0.7;

    /// <summary>The interval is the source's own times this.</summary>
    public int Factor { get; private set; } = 1;

    /// <summary>Whether subscriptions are to pause.</summary>
    public bool Paused { get; private set; }

    /// <summary>The interval of a source that would be sampled every <paramref name="ownMs"/>.</summary>
    public int IntervalMs(int ownMs) => Math.Max(ownMs, Math.Min(ownMs * Factor, slowestMs));

    /// <summary>Looks at the queue, once a second. True when something changed.</summary>
    public bool Observe(double depth)
    {
        var (factor, paused) = (Factor, Paused);
        if (depth > SlowDownAbove) Factor = Math.Min(Factor * 2, 1024);
        else if (depth < SpeedUpBelow) Factor = Math.Max(Factor / 2, 1);
        Paused = depth > PauseAbove || (Paused && depth >= ResumeBelow);
        return factor != Factor || paused != Paused;
    }
}
