using System.Globalization;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Grains.Machines;

/// <summary>What one state sample says by itself.</summary>
internal static class StateReading
{
    public static HeldState Of(in MachineSample sample, OeeParameters parameters)
    {
        if (!sample.HasValue) return HeldState.Unknown;
        if (sample.Kind == SignalKind.StateRun) return sample.Value != 0 ? HeldState.Run : HeldState.Stop;
        var code = sample.Text ?? ((long)sample.Value).ToString(CultureInfo.InvariantCulture);
        return parameters.StateMap is { } map ? map.GetValueOrDefault(code, HeldState.Unknown) : code == "6" ? HeldState.Run : HeldState.Stop;
    }
}
