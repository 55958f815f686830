using Microsoft.Extensions.Logging;

namespace OeeOrleans.Gateway;

/// <summary>Every log line of this room.</summary>
internal static partial class Log
{
    [LoggerMessage(6004, LogLevel.Information, "machine {Machine}: a reason for a stop was refused: {Reason}")]
    public static partial void ReasonRefused(ILogger log, string machine, string reason);

    [LoggerMessage(6001, LogLevel.Error, "request {Path} failed")]
    public static partial void RequestFailed(ILogger log, string path, Exception error);

    [LoggerMessage(6002, LogLevel.Warning, "live push: cannot subscribe yet: {Error}")]
    public static partial void SubscribeFailed(ILogger log, string error);

    [LoggerMessage(6003, LogLevel.Warning, "live push: an update of {Machine} was lost: {Error}")]
    public static partial void UpdateLost(ILogger log, string machine, string error);
}
