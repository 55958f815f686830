using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Configuration.Reading;

/// <summary>The keys of a machine that are about its OEE.</summary>
internal sealed class MachineOeeReader(YamlSection machine)
{
    private const decimal MaxSeconds = 30 * 86_400;

    public OeeParameters Read()
    {
        var defaults = new OeeParameters();
        return new OeeParameters
        {
            IdealCycleS = machine.Number("ideal_cycle_s", 0.000001m, MaxSeconds),
            Products = Products(),
            StateMap = StateMap(),
            PlannedStopModes = machine.Items("planned_stop_modes").Select(m => m.ToString()).ToHashSet(StringComparer.Ordinal),
            CounterModulus = (long?)machine.Number("counter_modulus", 2, long.MaxValue),
            CounterMaxDelta = (long?)machine.Number("counter_max_delta", 1, long.MaxValue),
            MicroStopS = machine.Number("micro_stop_s", 0, MaxSeconds) ?? defaults.MicroStopS,
            FailureMinS = machine.Number("failure_min_s", 0, MaxSeconds) ?? defaults.FailureMinS,
            FaultDedupeS = machine.Number("fault_dedupe_s", 0, MaxSeconds) ?? defaults.FaultDedupeS,
            PerformanceFromGood = machine.Choice("performance_basis", false, ("total", false), ("good", true)),
            UnknownIsStop = machine.Choice("unknown_policy", false, ("exclude", false), ("stop", true)),
        };
    }

    private Dictionary<string, decimal?> Products()
    {
        var products = new Dictionary<string, decimal?>(StringComparer.Ordinal);
        foreach (var (code, node) in machine.Entries("products"))
        {
            var product = new YamlSection(node, $"{machine.Path}.products.{code}", machine.Problems);
            products[code] = product.Number("ideal_cycle_s", 0.000001m, MaxSeconds);
            product.Close();
        }

        return products;
    }

    private Dictionary<string, HeldState>? StateMap()
    {
        if (!machine.Has("state_map")) return null;
        var map = new Dictionary<string, HeldState>(StringComparer.Ordinal);
        foreach (var (code, node) in machine.Entries("state_map"))
        {
            HeldState? state = node.ToString() switch { "run" => HeldState.Run, "stop" => HeldState.Stop, _ => null };
            if (state is { } known) map[code] = known;
            else machine.Problems.Add(node.Start.Line, $"{machine.Path}.state_map.{code}: '{node}' is neither run nor stop");
        }

        return map;
    }
}
