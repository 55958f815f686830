using Microsoft.Extensions.Logging;

namespace OeeOrleans.Storage;

/// <summary>Every log line of this room.</summary>
internal static partial class Log
{
    [LoggerMessage(3001, LogLevel.Warning, "cannot commit {Units} units ({Weight} rows): {Reason}; their owners offer them again")]
    public static partial void CommitFailed(ILogger log, int units, int weight, string reason);

    [LoggerMessage(3002, LogLevel.Information, "schema of {Store} is up to date ({Scripts} scripts run)")]
    public static partial void Migrated(ILogger log, string store, int scripts);
}
