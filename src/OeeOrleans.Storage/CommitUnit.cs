using OeeOrleans.Model;
using OeeOrleans.Model.Commands;

namespace OeeOrleans.Storage;

/// <summary>What one owner wants durable, all or nothing. Units of many owners share a transaction (group commit).</summary>
public abstract record CommitUnit
{
    /// <summary>Who writes it: an edge node or a machine. Units of one owner are committed in the order in which they were given.</summary>
    public string Owner { get; init; } = "";

    /// <summary>Deeds that go into the audit log with it.</summary>
    public IReadOnlyList<AuditEntry> Audit { get; init; } = [];

    /// <summary>How much this unit weighs in a group: rows, and something for the rest.</summary>
    public abstract int Weight { get; }

    /// <summary>Its rows of `sample`; empty for units that have none.</summary>
    internal virtual ReadOnlyMemory<SampleRow> SampleRows => default;
}

/// <summary>What an edge node said: samples, births, its session, and what could not be read.</summary>
public sealed record TelemetryUnit : CommitUnit
{
    public ReadOnlyMemory<SampleRow> Rows { get; init; }

    /// <summary>Bad rows that turned out never to have been (a death that was heard of late): signal and source time.</summary>
    public IReadOnlyList<RowKey> RemovedRows { get; init; } = [];

    public IReadOnlyList<BirthRecord> Births { get; init; } = [];

    /// <summary>Session state of an edge node after these rows; (node, state).</summary>
    public (string EdgeNode, string State)? EdgeNode { get; init; }

    public IReadOnlyList<DeadLetter> DeadLetters { get; init; } = [];

    /// <summary>What became of commands.</summary>
    public IReadOnlyList<CommandAnswer> Answers { get; init; } = [];

    public override int Weight => Rows.Length + Births.Count + DeadLetters.Count + RemovedRows.Count + Audit.Count + 1;

    internal override ReadOnlyMemory<SampleRow> SampleRows => Rows;
}

/// <summary>What was computed of a machine, or said of it by people: windows, events, reasons, a snapshot.</summary>
public sealed record ResultUnit : CommitUnit
{
    public IReadOnlyList<OeeWindow> Windows { get; init; } = [];

    public IReadOnlyList<FaultEvent> Faults { get; init; } = [];

    public IReadOnlyList<StopEvent> Stops { get; init; } = [];

    /// <summary>Ids of faults and stops that turned out never to have been.</summary>
    public IReadOnlyList<string> RemovedEvents { get; init; } = [];

    public ReasonChange? Reason { get; init; }

    public SnapshotRecord? Snapshot { get; init; }

    public override int Weight => Windows.Count + Faults.Count + Stops.Count + RemovedEvents.Count + 1;
}

/// <summary>Key of a sample row.</summary>
public readonly record struct RowKey(int SignalId, long TimeUs);

/// <summary>A reason given for a stop; reasons that begin in [ClearFromUs, ClearToUs) make room for it.</summary>
public sealed record ReasonChange(long ClearFromUs, long ClearToUs, GivenReason Given);

/// <summary>A unit of which the database refuses something, with its words. Giving that again does not help.</summary>
/// <param name="Unit">As it was given.</param>
/// <param name="Reason">The database's words.</param>
/// <param name="RowsOnly">Only some of its rows are refused and in `dead_letter`; everything else of it is stored.</param>
public sealed record RefusedUnit(CommitUnit Unit, string Reason, bool RowsOnly = false);
