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
    public static partial void SubscribeFailed(ILogger log, string error, Exception failure);

    [LoggerMessage(6003, LogLevel.Error, "live push: an update was lost")]
    public static partial void UpdateLost(ILogger log, Exception error);

    [LoggerMessage(
        6005, LogLevel.Warning, "live push: connection {Connection} does not keep up ({Capacity} messages wait for it); it is closed")]
    public static partial void SubscriberDropped(ILogger log, string connection, int capacity);

    [LoggerMessage(6006, LogLevel.Warning, "live push: connection {Connection} failed; it is closed")]
    public static partial void SubscriberFailed(ILogger log, string connection, Exception error);

    [LoggerMessage(6010, LogLevel.Error, "the board's page {Page} could not be read; it is read again")]
    public static partial void PageFailed(ILogger log, string page, Exception error);

    [LoggerMessage(6008, LogLevel.Warning, "a sign-in by the authority failed: {Reason}")]
    public static partial void ExternalFailed(ILogger log, string reason);

    [LoggerMessage(
        6009, LogLevel.Warning, "{Name} was signed in by the authority, and no value of its claim '{Claim}' grants anything here")]
    public static partial void ExternalWithoutGrants(ILogger log, string name, string claim);

    [LoggerMessage(6007, LogLevel.Warning, "live push: the strip of {Machine} was not read: {Error}")]
    public static partial void TimelineMissed(ILogger log, string machine, string error, Exception failure);
}
