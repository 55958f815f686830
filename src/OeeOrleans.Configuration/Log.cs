using Microsoft.Extensions.Logging;

namespace OeeOrleans.Configuration;

internal static partial class Log
{
    [LoggerMessage(9601, LogLevel.Information, "the plant is revision {Revision} of {At}, by {Author}")]
    public static partial void Taken(ILogger logger, long revision, string at, string author);

    [LoggerMessage(9602, LogLevel.Warning, "whether the plant model changed cannot be seen: {Reason}; it stays as it is")]
    public static partial void NotRefreshed(ILogger logger, string reason, Exception? error);

}
