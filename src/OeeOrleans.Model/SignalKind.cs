using System.Collections.Frozen;

namespace OeeOrleans.Model;

/// <summary>Canonical signals: what a machine may say that OEE understands. The order is the order in which samples of one
/// instant are applied: what selects an ideal cycle comes before the counters that use it.</summary>
public enum SignalKind : byte
{
    /// <summary>Telemetry only: stored and shown, not part of OEE.</summary>
    Other,
    ProductCode,
    OrderId,
    CycleIdeal,
    StateMode,
    StateCode,
    StateRun,
    FaultCode,
    FaultActive,
    CounterGood,
    CounterReject,
    CounterTotal,
    CycleTime,
    Rate,
}

/// <summary>Names of the canonical signals.</summary>
public static class CanonicalSignals
{
    private static readonly FrozenDictionary<string, SignalKind> ByName = new Dictionary<string, SignalKind>(StringComparer.Ordinal)
    {
        ["product.code"] = SignalKind.ProductCode,
        ["order.id"] = SignalKind.OrderId,
        ["cycle.ideal"] = SignalKind.CycleIdeal,
        ["cycle.time"] = SignalKind.CycleTime,
        ["state.mode"] = SignalKind.StateMode,
        ["state.code"] = SignalKind.StateCode,
        ["state.run"] = SignalKind.StateRun,
        ["fault.code"] = SignalKind.FaultCode,
        ["fault.active"] = SignalKind.FaultActive,
        ["counter.good"] = SignalKind.CounterGood,
        ["counter.reject"] = SignalKind.CounterReject,
        ["counter.total"] = SignalKind.CounterTotal,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The names that mean something to OEE (everything but rates and plain telemetry).</summary>
    public static IReadOnlyList<string> Names { get; } = [.. ByName.Keys];

    public static SignalKind KindOf(string name)
    {
        if (ByName.TryGetValue(name, out var kind)) return kind;
        return name.StartsWith("rate.", StringComparison.Ordinal) ? SignalKind.Rate : SignalKind.Other;
    }

    public static bool IsCanonical(string name) =>
        ByName.ContainsKey(name)
            || name.StartsWith("rate.", StringComparison.Ordinal)
            || name.StartsWith("utilization.", StringComparison.Ordinal);
}
