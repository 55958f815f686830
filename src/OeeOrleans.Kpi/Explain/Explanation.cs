using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Model;

namespace OeeOrleans.Kpi;

/// <summary>One counter value and what it counted for.</summary>
/// <param name="TimeUs">Source time.</param>
/// <param name="Counter">Good, reject or total.</param>
/// <param name="Previous">The value before; meaningless for the baseline.</param>
/// <param name="Value">The value.</param>
/// <param name="Delta">What was counted; 0 for the baseline and for a jump.</param>
/// <param name="Step">Plain count, rollover, reset, jump or baseline.</param>
/// <param name="Gap">Unknown time lies between the two: counted, but kept out of performance.</param>
/// <param name="IdealS">The ideal cycle it was weighed with; null when unknown or a gap.</param>
/// <param name="Product">The product at that instant.</param>
public readonly record struct CounterDelta(
    long TimeUs, SignalKind Counter, long Previous, long Value, long Delta, CounterStep Step, bool Gap, decimal? IdealS, string? Product);

/// <summary>
/// A stretch of one category, and why (a reason, a break, no data). <see cref="StopUs"/> is the start of the stop it is a part of.
/// </summary>
public sealed record ExplainedInterval(long FromUs, long ToUs, StateCategory Category, string? Reason, long? StopUs = null);

/// <summary>Counts that were weighed with one ideal cycle: gap counts are left out.</summary>
public sealed record IdealUse(string? Product, decimal? IdealS, long Good, long Total);

/// <summary>Everything behind one window's figures.</summary>
/// <param name="Window">Sums and ratios.</param>
/// <param name="Losses">Lost time as a tree, by reason, and the stops.</param>
/// <param name="Intervals">Categories with reasons, without gaps.</param>
/// <param name="Deltas">The first counter values, at most <see cref="KpiExplainer.MaxDeltas"/>.</param>
/// <param name="DeltaCount">How many there are.</param>
/// <param name="Ideals">Counts by product and ideal cycle; they add up to the counts that are not gaps.</param>
/// <param name="Faults">Faults that overlap the window.</param>
/// <param name="Arithmetic">The way from sums to ratios, to follow by hand.</param>
public sealed record Explanation(
    WindowResult Window, LossReport Losses, IReadOnlyList<ExplainedInterval> Intervals, IReadOnlyList<CounterDelta> Deltas, int DeltaCount,
    IReadOnlyList<IdealUse> Ideals, IReadOnlyList<FaultEvent> Faults, IReadOnlyList<string> Arithmetic);
