namespace OeeOrleans.Model.Delivery;

/// <summary>
/// What a failed delivery failed of, and with that what its queue does about it. A message that cannot be read fails nothing: it is a dead
/// letter of the unit of its neighbours.
/// </summary>
public enum FailureClass
{
    /// <summary>The consumer could not be reached (a silo went, a grain moves): wait, and offer the same again.</summary>
    NotReached,

    /// <summary>The store does not answer, or takes nothing at all: wait as long as it takes, and offer the same again.</summary>
    StoreAway,

    /// <summary>The store is there and refuses something of it: find the message, and put it aside.</summary>
    Refused,

    /// <summary>An error of ours: find the message that provokes it, put it aside, and say so with the stack.</summary>
    Bug,
}
