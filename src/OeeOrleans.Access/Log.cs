using Microsoft.Extensions.Logging;

namespace OeeOrleans.Access;

/// <summary>Every log line of this room.</summary>
internal static partial class Log
{
    [LoggerMessage(9501, LogLevel.Warning, "users and keys were not read again, those of before hold: {Error}")]
    public static partial void NotRefreshed(ILogger log, string error);

    [LoggerMessage(9502, LogLevel.Error, "users and keys were not read again, those of before hold")]
    public static partial void RefreshFailed(ILogger log, Exception error);

    [LoggerMessage(9503, LogLevel.Information, "tokens are signed with a new key, {Id}")]
    public static partial void SigningKeyMade(ILogger log, string id);

    [LoggerMessage(9504, LogLevel.Warning, "a refresh token of {User} was used twice; that sign-in is over")]
    public static partial void RefreshReused(ILogger log, string user);

    [LoggerMessage(9505, LogLevel.Warning, "user {User} is locked until {Until}: too many wrong passwords")]
    public static partial void Locked(ILogger log, string user, string until);

    [LoggerMessage(9506, LogLevel.Warning, "refusals are not in the audit log yet: {Error}")]
    public static partial void AuditWaits(ILogger log, string error);

    [LoggerMessage(9508, LogLevel.Error, "the audit log does not take what was refused")]
    public static partial void AuditFailed(ILogger log, Exception error);

    [LoggerMessage(9507, LogLevel.Warning, "the end of the audit log was not written down in {Path}: {Error}")]
    public static partial void NoAnchor(ILogger log, string path, string error, Exception failure);
}
