namespace OeeOrleans.Kpi.Accounting;

/// <summary>What one counter did in one cell of time: its deltas, those across unknown time, and the ideal time of the others.</summary>
public struct CounterTally
{
    public long Delta { get; set; }
    public long Gap { get; set; }
    public decimal IdealS { get; set; }
    public long NoIdeal { get; set; }
    public int Jumps { get; set; }

    /// <summary>a + sign x b; jumps are only ever added.</summary>
    internal static CounterTally Plus(in CounterTally a, in CounterTally b, int sign) => new()
    {
        Delta = a.Delta + (sign * b.Delta),
        Gap = a.Gap + (sign * b.Gap),
        IdealS = a.IdealS + (sign * b.IdealS),
        NoIdeal = a.NoIdeal + (sign * b.NoIdeal),
        Jumps = a.Jumps + b.Jumps,
    };
}

/// <summary>Where one counter stands: its last good value, and how much unknown time had passed then.</summary>
public struct CounterPosition
{
    /// <summary>A good sample has been seen: the signal is present.</summary>
    public bool Present { get; set; }
    public long Value { get; set; }
    public long UnknownUs { get; set; }

    /// <summary>The next good value (specification section 3: monotonic, rollover at the modulus, otherwise a reset).</summary>
    /// <returns>The delta; 0 for the baseline and for a jump above the maximum.</returns>
    public long Next(long value, long? modulus, long? maxDelta, out CounterStep step)
    {
        var previous = Value;
        var baseline = !Present;
        Present = true;
        Value = value;
        if (baseline)
        {
            step = CounterStep.Baseline;
            return 0;
        }

        long delta;
        if (value >= previous) (step, delta) = (CounterStep.Count, value - previous);
        else if (modulus is { } m && 2 * (value - previous + m) <= m) (step, delta) = (CounterStep.Rollover, value - previous + m);
        else (step, delta) = (CounterStep.Reset, value);
        if (delta > maxDelta) (step, delta) = (CounterStep.Jump, 0);
        return delta;
    }
}

/// <summary>How one counter value follows another.</summary>
public enum CounterStep : byte
{
    /// <summary>The first good value: counted from here.</summary>
    Baseline,
    Count,
    Rollover,
    /// <summary>The counter started anew from zero.</summary>
    Reset,
    /// <summary>Above the largest believable step: not counted, flagged.</summary>
    Jump,
}
