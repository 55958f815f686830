namespace OeeOrleans.Sparkplug.Session;

/// <summary>What a message meant to the session.</summary>
public readonly record struct SessionOutcome
{
    /// <summary>The table to resolve the message's metrics with; null when there is nothing to resolve.</summary>
    public DeviceTable? Table { get; init; }

    public NodeGeneration? Generation { get; init; }

    /// <summary>Why the node must be asked for a rebirth; null when it need not.</summary>
    public string? RebirthReason { get; init; }

    /// <summary>Messages that are missing before this one.</summary>
    public int MissedMessages { get; init; }

    /// <summary>The last of the messages that were missing has come, late.</summary>
    public bool Filled { get; init; }

    /// <summary>A message seen before (the broker or our receiver sent it again): to be stored again, which has no effect.</summary>
    public bool Redelivered { get; init; }

    /// <summary>A birth that began something: worth keeping.</summary>
    public bool BirthToKeep { get; init; }

    /// <summary>The device was dead (or never seen) before this birth.</summary>
    public bool CameBack { get; init; }

    /// <summary>Devices that died with this message; null stands for the node's own metrics.</summary>
    public IReadOnlyList<DeviceTable> Deaths { get; init; }

    /// <summary>Why nothing was done; null when something was.</summary>
    public string? Ignored { get; init; }

    /// <summary>Why the message cannot be read and is to be kept as it is; null when it can.</summary>
    public string? Refusal { get; init; }
}
