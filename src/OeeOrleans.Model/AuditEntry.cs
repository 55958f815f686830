namespace OeeOrleans.Model;

/// <summary>A deed, for the audit log: who did what to what, and when.</summary>
/// <param name="AtUs">When, microseconds.</param>
/// <param name="Actor">Who: the name of a user or key, or `system`.</param>
/// <param name="Action">What, such as `fault.ack`.</param>
/// <param name="Target">To what: the id of a fault, stop, user, key.</param>
/// <param name="Detail">JSON.</param>
public sealed record AuditEntry(long AtUs, string Actor, string Action, string Target, string Detail)
{
    /// <summary>The asset it is about; who has nothing to do with that asset does not see the entry. Null: the plant.</summary>
    public string? Asset { get; init; }

    /// <summary>From where it was done: an address, `command line`; null: within the system.</summary>
    public string? Origin { get; init; }

    /// <summary>
    /// An entry of this key is written once, however often it is given; null: it is given once. Not part of what is chained.
    /// </summary>
    public string? OnceKey { get; init; }
}

/// <summary>An entry in its place in the chain.</summary>
/// <param name="Id">Of the row.</param>
/// <param name="Seq">From 1 on without gaps; null for a row that nobody chained.</param>
/// <param name="Entry">The entry.</param>
/// <param name="Hash">Of this entry and all before it; null for a row that nobody chained.</param>
public sealed record ChainedEntry(long Id, long? Seq, AuditEntry Entry, string? Hash);

/// <summary>Where the chain ends.</summary>
public readonly record struct AuditHead(long Seq, string Hash);
