namespace OeeOrleans.Edge.Sessions;

/// <summary>States of an edge node: Stopped -> Connecting -> (WaitingForHost ->) Born -> Connecting (lost) ... -> Stopped.</summary>
public enum EdgeState
{
    Stopped,
    Connecting,
    /// <summary>Connected, but the primary host is not online: nothing is published, everything is kept.</summary>
    WaitingForHost,
    Born,
}
