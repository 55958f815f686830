using System.Globalization;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi;

/// <summary>What one sample says by itself.</summary>
public static class StateReading
{
    /// <summary>Run, stop or unknown, from `state.run` or `state.code`.</summary>
    public static HeldState Of(in MachineSample sample, OeeParameters parameters)
    {
        if (!sample.HasValue) return HeldState.Unknown;
        if (sample.Kind == SignalKind.StateRun) return sample.Value != 0 ? HeldState.Run : HeldState.Stop;
        var code = TextOf(sample);
        if (parameters.StateMap is { } map) return map.GetValueOrDefault(code, HeldState.Unknown);
        // PackML / ISA-TR88.00.02: 6 = Execute; every other state is a stop of one kind or another.
        return code == "6" ? HeldState.Run : HeldState.Stop;
    }

    /// <summary>A code as text, whether it travelled as a number or as a string.</summary>
    public static string TextOf(in MachineSample sample) =>
        sample.Text ?? (sample.Value == Math.Floor(sample.Value) && Math.Abs(sample.Value) < 1e15
        ? ((long)sample.Value).ToString(CultureInfo.InvariantCulture)
        : sample.Value.ToString("R", CultureInfo.InvariantCulture));
}
