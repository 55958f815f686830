namespace OeeOrleans.Host.Hosting;

/// <summary>Every log line of this room.</summary>
internal static partial class Log
{
    [LoggerMessage(1001, LogLevel.Warning, "waiting for the store: {Reason}")]
    public static partial void WaitingForStore(ILogger log, string reason);

    [LoggerMessage(1008, LogLevel.Information, "the certificate {File} is another one, good until {Until}")]
    public static partial void CertificateRenewed(ILogger log, string file, DateTime until);

    [LoggerMessage(1009, LogLevel.Warning, "the certificate {File} was changed and cannot be read; the one before stays in use: {Error}")]
    public static partial void CertificateUnreadable(ILogger log, string file, string error);

    [LoggerMessage(1005, LogLevel.Error, "the work of this process ended by itself; the process ends too")]
    public static partial void EndedByItself(ILogger log);

    [LoggerMessage(
        1004, LogLevel.Information,
        "machine {Machine}: its model ({Part}) is another one from {From} on; windows from there are recomputed")]
    public static partial void ModelChanged(ILogger log, string machine, string part, string from);

    [LoggerMessage(
        1010, LogLevel.Warning, "{Whom}: the change of the plant could not be told: {Reason}; it is seen with the next call")]
    public static partial void ChangeNotTold(ILogger log, string whom, string reason, Exception failure);

    [LoggerMessage(1006, LogLevel.Debug, "nobody looked after silent machines: {Reason}; done within a minute")]
    public static partial void NotLooked(ILogger log, string reason, Exception failure);
}
