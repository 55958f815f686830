using OeeOrleans.CommitProtocol;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Sink;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>What was decoded of some messages: the unit that goes to the store, and what their machines are told.</summary>
/// <param name="Unit">Rows, births, session state, dead letters.</param>
/// <param name="Machines">Samples by machine.</param>
/// <param name="After">The session as the store has it once the unit is committed; null for the stream of unreadable messages.</param>
/// <param name="Records">Records of one of our own edge nodes that are committed then; null for all others.</param>
/// <param name="NewestMs">Newest payload time, milliseconds; 0 = none.</param>
/// <param name="IngestUs">When the newest message came.</param>
internal sealed record Decoded(
    TelemetryUnit Unit, IReadOnlyList<(string Machine, MachineBatch Batch)> Machines, EdgeNodeRecord? After, CommittedRecords? Records,
    ulong NewestMs, long IngestUs);

/// <summary>Messages that are decoded and whose fate is their ticket's.</summary>
internal sealed class OpenDelivery(string id, Decoded decoded, CommitTicket ticket, IReadOnlyList<(string Source, ulong Number)> numbers)
{
    /// <summary>Under this name machines keep what they were shown ahead of the store.</summary>
    public string Id => id;

    public Decoded Decoded => decoded;

    public CommitTicket Ticket => ticket;

    /// <summary>Numbers of arrival of its messages; those of messages without one are left out.</summary>
    public IReadOnlyList<(string Source, ulong Number)> Numbers => numbers;

    /// <summary>Its machines were shown what the store does not hold yet.</summary>
    public bool ShownAhead { get; set; }

    /// <summary>Committed, and its machines have applied it.</summary>
    public bool Done { get; set; }
}
