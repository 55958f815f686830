namespace OeeOrleans.Ingress;

/// <summary>States of a partition's connection: Stopped -> Connecting -> Online -> Connecting (lost) ... -> Stopped.</summary>
internal enum ConnectionState
{
    Stopped,
    Connecting,
    Online,
    /// <summary>Another client took the session over; wait before trying again.</summary>
    TakenOver,
}
