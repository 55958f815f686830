namespace OeeOrleans.Model;

/// <summary>A reason that a person gave for a stop, or for the part of it from an instant on.</summary>
public sealed record GivenReason
{
    public required string Machine { get; init; }

    /// <summary>From here on, microseconds; the start of the stop as it was known, or a split inside of it.</summary>
    public required long FromUs { get; init; }

    /// <summary>
    /// Where the stop ended as far as was known then: late data may move its start beyond <see cref="FromUs"/>, and the reason goes with
    /// it.
    /// </summary>
    public required long UntilUs { get; init; }

    /// <summary>Given for the whole stop: also for a part before <see cref="FromUs"/> that becomes known late.</summary>
    public required bool Whole { get; init; }

    /// <summary>Id of a reason; null takes back what was given: the machine's own reason holds again.</summary>
    public string? Reason { get; init; }

    public string? Comment { get; init; }

    /// <summary>Who gave it.</summary>
    public required string By { get; init; }

    /// <summary>When it was given, microseconds.</summary>
    public required long AtUs { get; init; }
}
