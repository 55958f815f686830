using Microsoft.Extensions.Logging;

namespace OeeOrleans.Storage;

/// <summary>Every log line of this room.</summary>
internal static partial class Log
{
    [LoggerMessage(3001, LogLevel.Error, "a unit of {Owner} ({Weight} rows) fails alone by an error of ours; it is refused")]
    public static partial void UnitFailed(ILogger log, string owner, int weight, Exception error);

    [LoggerMessage(3010, LogLevel.Error, "the store refuses a unit of {Owner} ({Weight} rows): {Reason}")]
    public static partial void UnitRefused(ILogger log, string owner, int weight, string reason);

    [LoggerMessage(3011, LogLevel.Warning, "the store refuses rows of {Owner}; they are in dead_letter, all else is stored: {Reason}")]
    public static partial void RowsRefused(ILogger log, string owner, string reason);

    [LoggerMessage(3002, LogLevel.Information, "schema of {Store} is up to date ({Scripts} scripts run)")]
    public static partial void Migrated(ILogger log, string store, int scripts);

    [LoggerMessage(
        3003, LogLevel.Warning,
        "TimescaleDB is on the server but cannot be used ({Reason}); the schema is made for plain PostgreSQL. To use it, let an "
            + "administrator create the extension before the first start")]
    public static partial void NoTimescale(ILogger log, string reason);

    [LoggerMessage(
        3004, LogLevel.Warning,
        "the database has TimescaleDB, but its schema was made without it and stays so; docs/sql.md says how to move")]
    public static partial void TimescaleUnused(ILogger log);

    [LoggerMessage(3005, LogLevel.Information, "partition of {Day} added")]
    public static partial void PartitionAdded(ILogger log, string day);

    [LoggerMessage(3006, LogLevel.Information, "{Partition} dropped: samples are kept for {Days} days")]
    public static partial void PartitionDropped(ILogger log, string partition, int days);

    [LoggerMessage(3007, LogLevel.Warning, "upkeep of the store failed: {Reason}; it is tried again")]
    public static partial void UpkeepFailed(ILogger log, string reason, Exception? bug);

    [LoggerMessage(3008, LogLevel.Warning,
        "cannot commit {Units} units ({Weight} rows): {Reason}; attempt {Attempt} follows in {PauseMs} ms")]
    public static partial void CommitRetried(ILogger log, int units, int weight, string reason, int attempt, int pauseMs);

    [LoggerMessage(3009, LogLevel.Information, "{What} in the next round: {Reason}")]
    public static partial void HeldUp(ILogger log, string what, string reason);

    [LoggerMessage(
        3013, LogLevel.Warning,
        "store.retention is not set in the database, whose owner is another role: {Reason}; its policies stay as they are")]
    public static partial void PoliciesNotOurs(ILogger log, string reason);

    [LoggerMessage(
        3012, LogLevel.Warning,
        "PostgreSQL has room for {Free} connections only (its max_connections is {Allowed}); store.max_connections is {Wanted}")]
    public static partial void FewConnections(ILogger log, int free, int allowed, int wanted);
}
