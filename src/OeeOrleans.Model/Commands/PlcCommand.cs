namespace OeeOrleans.Model.Commands;

/// <summary>What has become of a write to a PLC that somebody asked for.</summary>
public enum CommandState
{
    /// <summary>Somebody else must approve it.</summary>
    Requested,

    /// <summary>Somebody did; it is about to be sent.</summary>
    Approved,

    /// <summary>It is on its way to the edge node, which has not answered.</summary>
    Sent,

    /// <summary>The PLC shows the value.</summary>
    Confirmed,

    /// <summary>Somebody said no, or the limits did when it was to be sent. It was never sent.</summary>
    Refused,

    /// <summary>Nobody approved it in time. It was never sent.</summary>
    Expired,

    /// <summary>It was sent, and not carried out; or nobody knows, and the detail says so.</summary>
    Failed,
}

/// <summary>Names at the edges (JSON, SQL).</summary>
public static class CommandStateNames
{
    public static IReadOnlyList<string> All { get; } = [.. Enum.GetValues<CommandState>().Select(Name)];

    public static string Name(this CommandState state) => state switch
    {
        CommandState.Requested => "requested",
        CommandState.Approved => "approved",
        CommandState.Sent => "sent",
        CommandState.Confirmed => "confirmed",
        CommandState.Refused => "refused",
        CommandState.Expired => "expired",
        CommandState.Failed => "failed",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, null),
    };

    public static bool TryParse(string name, out CommandState state)
    {
        foreach (var one in Enum.GetValues<CommandState>())
        {
            state = one;
            if (one.Name() == name) return true;
        }

        state = default;
        return false;
    }

    /// <summary>Something may still come of it.</summary>
    public static bool IsOpen(this CommandState state) => state is CommandState.Requested or CommandState.Approved or CommandState.Sent;
}

/// <summary>A write to a PLC: asked for by one person, approved by another, carried out by an edge node. Values are JSON (a number, true,
/// false or a text), in the signal's units; times are microseconds since 1970 UTC.</summary>
public sealed record PlcCommand
{
    public required string Id { get; init; }
    public required string Machine { get; init; }
    /// <summary>Sparkplug `group/node`, device and metric that it goes to.</summary>
    public required string EdgeNode { get; init; }
    public required string Device { get; init; }
    public required string Metric { get; init; }
    /// <summary>What the metric is called here.</summary>
    public required string Signal { get; init; }
    public string? Unit { get; init; }
    /// <summary>The signal is the metric x this + <see cref="Offset"/>.</summary>
    public double Scale { get; init; } = 1;
    public double Offset { get; init; }
    public required string Value { get; init; }
    public required string Reason { get; init; }
    public CommandState State { get; init; }
    public required string AskedBy { get; init; }
    /// <summary>Who stands behind <see cref="AskedBy"/>: two keys of one person are one person. Empty: nobody knows.</summary>
    public required string AskedPerson { get; init; }
    public required long AskedUs { get; init; }
    /// <summary>Until when somebody may approve it.</summary>
    public required long ExpiresUs { get; init; }
    /// <summary>What the signal showed when it was asked for; null: nothing good.</summary>
    public string? Shown { get; init; }
    public string? DecidedBy { get; init; }
    public long? DecidedUs { get; init; }
    public string? Comment { get; init; }
    /// <summary>Grows from command to command of an edge node.</summary>
    public long? Number { get; init; }
    public long? SentUs { get; init; }
    /// <summary>Until when the edge node must have answered.</summary>
    public long? AnswerByUs { get; init; }
    /// <summary>What the PLC had before, and what was read back of it, by the edge node's word.</summary>
    public string? Old { get; init; }
    public string? New { get; init; }
    /// <summary>When the edge node answered; null: it has not.</summary>
    public long? AnsweredUs { get; init; }
    public long? FinishedUs { get; init; }
    /// <summary>Why it came to this end.</summary>
    public string? Detail { get; init; }
}

/// <summary>What an edge node says became of a command.</summary>
/// <param name="Id">Of the command.</param>
/// <param name="EdgeNode">Who says it; of others' commands it may say nothing.</param>
/// <param name="Device">Whose record brought it.</param>
/// <param name="Metric">What was written to.</param>
/// <param name="Ok">The PLC shows the value.</param>
/// <param name="Old">What it had before, JSON; null: not known.</param>
/// <param name="New">What was read back, JSON; null: nothing was.</param>
/// <param name="Detail">Why not.</param>
/// <param name="AtUs">When.</param>
public sealed record CommandAnswer(
    string Id, string EdgeNode, string Device, string Metric, bool Ok, string? Old, string? New, string? Detail, long AtUs);
