using OeeOrleans.Edge;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Configuration.Reading;

/// <summary>A machine's `fallback` is that of the source its device is read from.</summary>
internal static class MachineFallback
{
    /// <summary>Gives it to the source; null, or why it cannot.</summary>
    /// <param name="sources">Of the machine's edge node.</param>
    public static string? Take(Machine machine, List<EdgeSource> sources)
    {
        if (machine.Fallback is not { } fallback) return null;
        var firsts = sources.Where(s => s.Device == machine.Device && s.Id != fallback).ToList();
        if (firsts is not [var first] || (first.Fallback is { } other && other != fallback))
        {
            return $"the machine {machine.Id} has the fallback '{fallback}', and its device '{machine.Device}' is read from "
                + $"{firsts.Count} other sources; it must be one, and with that fallback or none";
        }

        sources[sources.IndexOf(first)] = first with { Fallback = fallback };
        return null;
    }
}
