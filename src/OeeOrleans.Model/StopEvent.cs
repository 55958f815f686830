using System.Globalization;

namespace OeeOrleans.Model;

/// <summary>
/// A stop of a machine as it is stored: availability losses only, short stops are none. <see cref="EndUs"/> is null while it is open.
/// </summary>
public sealed record StopEvent
{
    public required string Machine { get; init; }

    /// <summary>Its first instant inside production time.</summary>
    public required long StartUs { get; init; }

    /// <summary>Where its last part inside production time ends.</summary>
    public long? EndUs { get; init; }

    /// <summary>The reason of its longest part; empty = not given yet.</summary>
    public required string Reason { get; init; }

    /// <summary>Length, fault and parts with their reasons, as JSON.</summary>
    public required string Payload { get; init; }

    public string Id => IdOf(Machine, StartUs);

    /// <summary>A function of machine and start, and readable: `filler1-1767600000000000`.</summary>
    public static string IdOf(string machine, long startUs) => string.Create(CultureInfo.InvariantCulture, $"{machine}-{startUs}");

    /// <summary>Splits an id; false when it is none.</summary>
    public static bool TryParseId(string id, out string machine, out long startUs)
    {
        var dash = id.LastIndexOf('-');
        machine = dash > 0 ? id[..dash] : "";
        startUs = 0;
        return dash > 0 && long.TryParse(id.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out startUs);
    }
}
