namespace OeeOrleans.OpcUa;

/// <summary>What went wrong with a server: a sentence that says what was attempted and what to do, and the standard's code.</summary>
public class OpcUaException : Exception
{
    public OpcUaException(StatusCode status, string message, Exception? inner = null) : base(message, inner) => Status = status;

    public StatusCode Status { get; }
}

/// <summary>Bytes that are not what the standard says (BadDecodingError), or more than the limits allow
/// (BadEncodingLimitsExceeded).</summary>
public sealed class OpcUaDecodingException(StatusCode status, string message) : OpcUaException(status, message);
