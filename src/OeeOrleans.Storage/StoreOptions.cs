namespace OeeOrleans.Storage;

/// <summary>How a database is written; of SQLite only <see cref="MaxSignals"/> and <see cref="AuditKey"/>.</summary>
public sealed record StoreOptions
{
    /// <summary>Connections that write at the same time, 1..8.</summary>
    public int Writers { get; init; } = 2;

    /// <summary>
    /// Connections of this process to PostgreSQL at most, writers among them and those of the cluster's membership beside them; when the
    /// server has room for fewer, there are fewer. At least <see cref="Fewest"/>.
    /// </summary>
    public int MaxConnections { get; init; } = 8;

    /// <summary>The writers, upkeep, and two that read.</summary>
    public int Fewest => Writers + 3;

    /// <summary>False: rows go in by INSERT, for servers and poolers that know no COPY.</summary>
    public bool Copy { get; init; } = true;

    /// <summary>
    /// A group of no more rows goes in by INSERT, together with all else of it in one round trip: COPY takes several, and they cost more
    /// than it saves. Only where COPY is used.
    /// </summary>
    public int SmallGroup { get; init; } = 500;

    /// <summary>Signals in the store at most; beyond it only machines of the plant model get new ones.</summary>
    public int MaxSignals { get; init; } = 1_000_000;

    /// <summary>
    /// Of the audit log's chain, see <see cref="Access.AuditChain"/>; every process that writes to one database needs the same.
    /// </summary>
    public ReadOnlyMemory<byte> AuditKey { get; init; }

    /// <summary>Roles of the database that a migration grants what they need; see <see cref="Postgres.DatabaseRoles"/>.</summary>
    public string? WriterRole { get; init; }

    /// <summary>As <see cref="WriterRole"/>, for gateways by themselves.</summary>
    public string? GatewayRole { get; init; }

    /// <summary>TimescaleDB only, when the schema is made: chunks are divided by signal as well; 0 = they are not.</summary>
    public int SpacePartitions { get; init; }
}

/// <summary>How long data is kept; null: for ever. In whole days, by source time.</summary>
public sealed record Retention
{
    /// <summary>
    /// A sample may come 92 days late and counters are followed 35 days back: with less, figures could not be computed again.
    /// </summary>
    public const int MinSampleDays = 128;

    public int? Samples { get; init; }

    public int? Minutes { get; init; }

    public int? FiveMinutes { get; init; }

    public int? Hours { get; init; }

    public int? Events { get; init; }
}

/// <summary>What a round of maintenance found.</summary>
/// <param name="FreshnessS">How far behind the materialized rollups are, seconds, by view. Queries see newer samples all the same.</param>
/// <param name="CompressionRatio">Bytes before to bytes after compression, by table; only where something is compressed.</param>
public sealed record MaintenanceReport(
    IReadOnlyDictionary<string, double> FreshnessS, IReadOnlyDictionary<string, double> CompressionRatio);
