namespace OeeOrleans.Cip;

/// <summary>What kind of failure a call met with.</summary>
public enum CipFailure
{
    /// <summary>There is no connection to be had, or it was lost.</summary>
    NotConnected,
    /// <summary>The controller did not answer in time; the connection is closed.</summary>
    Timeout,
    /// <summary>The controller refuses the call.</summary>
    Refused,
    /// <summary>What came is no EtherNet/IP, or not the answer to what was asked; the connection is closed.</summary>
    Protocol,
}

/// <summary>A call failed as a whole. What single addresses meet with is their own <see cref="CipStatus"/>.</summary>
public sealed class CipException : Exception
{
    public CipException()
    {
    }

    public CipException(string message)
        : base(message)
    {
    }

    public CipException(string message, Exception? inner)
        : base(message, inner)
    {
    }

    public CipException(CipFailure failure, string message, Exception? inner = null)
        : base(message, inner) => Failure = failure;

    public CipFailure Failure { get; }

    /// <summary>What the controller said, of a refusal.</summary>
    public CipStatus Status { get; init; }
}
