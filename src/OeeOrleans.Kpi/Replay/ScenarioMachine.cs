using System.Text.Json;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Replay;

/// <summary>The `machine` object of a scenario.</summary>
internal static class ScenarioMachine
{
    public static OeeParameters Parse(JsonElement json)
    {
        var defaults = new OeeParameters();
        return new OeeParameters
        {
            IdealCycleS = Number(json, "ideal_cycle_s"),
            Products = Map(json, "products", p => Number(p, "ideal_cycle_s")) ?? [],
            StateMap = Map(json, "state_map", s => s.GetString() switch
            {
                "run" => HeldState.Run,
                "stop" => HeldState.Stop,
                var other => throw new FormatException($"machine.state_map: '{other}' is neither run nor stop"),
            }),
            PlannedStopModes = json.TryGetProperty("planned_stop_modes", out var modes)
                ? modes.EnumerateArray().Select(m => m.ValueKind == JsonValueKind.String ? m.GetString()! : m.GetRawText()).ToHashSet()
                : defaults.PlannedStopModes,
            CounterModulus = (long?)Number(json, "counter_modulus"),
            CounterMaxDelta = (long?)Number(json, "counter_max_delta"),
            MicroStopS = Number(json, "micro_stop_s") ?? defaults.MicroStopS,
            FailureMinS = Number(json, "failure_min_s") ?? defaults.FailureMinS,
            FaultDedupeS = Number(json, "fault_dedupe_s") ?? defaults.FaultDedupeS,
            PerformanceFromGood = json.TryGetProperty("performance_basis", out var basis) && basis.GetString() == "good",
            UnknownIsStop = json.TryGetProperty("unknown_policy", out var policy) && policy.GetString() == "stop",
        };
    }

    private static decimal? Number(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDecimal() : null;

    private static Dictionary<string, T>? Map<T>(JsonElement json, string name, Func<JsonElement, T> of) =>
        json.TryGetProperty(name, out var map) && map.ValueKind == JsonValueKind.Object
            ? map.EnumerateObject().ToDictionary(p => p.Name, p => of(p.Value))
            : null;
}
