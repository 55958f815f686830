namespace OeeOrleans.Model.Plant;

/// <summary>What kind of availability loss a reason stands for (six big losses; specification section 4).</summary>
public enum LossKind
{
    Breakdown,
    /// <summary>Setup and adjustment: changeovers.</summary>
    Setup,
    Other,
}

/// <summary>A reason of the plant's catalogue.</summary>
public sealed record StopReason(string Id, string Name, LossKind Loss);

/// <summary>
/// What a machine's fault code means: its text, the reason a stop gets by it, and its severity (0..1000, as OPC UA counts).
/// </summary>
public sealed record FaultCode(string? Text, string? Reason, short Severity);
