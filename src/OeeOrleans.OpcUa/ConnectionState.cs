namespace OeeOrleans.OpcUa;

/// <summary>Where a client stands.</summary>
public enum ConnectionState
{
    /// <summary>Made, and not connected yet.</summary>
    Connecting,
    /// <summary>With a session that answers.</summary>
    Connected,
    /// <summary>The connection is lost, and sought again.</summary>
    Reconnecting,
    /// <summary>Disposed.</summary>
    Closed,
}

/// <summary>A step from one state to another, and why.</summary>
public readonly record struct ConnectionChange(ConnectionState From, ConnectionState To, string Why);

/// <summary>What a client has counted since it was made.</summary>
/// <param name="Reconnects">Times the connection was lost and found again.</param>
/// <param name="Notifications">Changes handed to handlers.</param>
/// <param name="Republished">Of these, asked for again.</param>
/// <param name="Recreated">Subscriptions made anew, the first making of each included.</param>
/// <param name="Silent">Subscriptions given up for their silence.</param>
public readonly record struct ClientCounters(long Reconnects, long Notifications, long Republished, long Recreated, long Silent);
