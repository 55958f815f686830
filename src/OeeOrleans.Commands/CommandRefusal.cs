namespace OeeOrleans.Commands;

/// <summary>What kind of no.</summary>
public enum CommandRefusal
{
    /// <summary>What was given is none that could be; <see cref="CommandException.Input"/> says which of it.</summary>
    Input,

    /// <summary>There is no such machine or command, for this one.</summary>
    Missing,

    /// <summary>There is, but its role does not suffice, or it is the same person.</summary>
    NotAllowed,

    /// <summary>Not as things are now.</summary>
    Conflict,
}

/// <summary>A command was not taken, or not moved on; the message says why.</summary>
public sealed class CommandException(CommandRefusal refusal, string message, string? input = null) : Exception(message)
{
    public CommandRefusal Refusal => refusal;

    /// <summary>Name of what was wrong.</summary>
    public string? Input => input;
}
