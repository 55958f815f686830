namespace OeeOrleans.S7;

/// <summary>What kind of failure a call met with.</summary>
public enum S7Failure
{
    /// <summary>There is no connection to be had, or it was lost.</summary>
    NotConnected,
    /// <summary>The PLC did not answer in time; the connection is closed.</summary>
    Timeout,
    /// <summary>The PLC refuses the call.</summary>
    Refused,
    /// <summary>What came is no S7, or not the answer to what was asked; the connection is closed.</summary>
    Protocol,
}

/// <summary>A call failed as a whole. What single addresses meet with is their own <see cref="S7Status"/>.</summary>
public sealed class S7Exception : Exception
{
    public S7Exception()
    {
    }

    public S7Exception(string message)
        : base(message)
    {
    }

    public S7Exception(string message, Exception? inner)
        : base(message, inner)
    {
    }

    public S7Exception(S7Failure failure, string message, Exception? inner = null)
        : base(message, inner) => Failure = failure;

    public S7Failure Failure { get; }

    /// <summary>Error class and code of a refusal, as the PLC sent it; 0 for other failures.</summary>
    public ushort Code { get; init; }
}
