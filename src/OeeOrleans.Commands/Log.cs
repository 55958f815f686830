using Microsoft.Extensions.Logging;

namespace OeeOrleans.Commands;

internal static partial class Log
{
    [LoggerMessage(9701, LogLevel.Error, "command {Id}: whether it may be written could not be looked at again; it is not sent")]
    public static partial void NotChecked(ILogger logger, string id, Exception error);

    [LoggerMessage(9702, LogLevel.Warning, "command {Id}: not known whether it is on its way; its answer tells, or its time ends")]
    public static partial void NotKnown(ILogger logger, string id, Exception error);

    [LoggerMessage(9704, LogLevel.Error, "command {Id}: it could not be signed, and is not sent")]
    public static partial void NotSigned(ILogger logger, string id, Exception error);

    [LoggerMessage(9705, LogLevel.Information, "{EdgeNode}: told its sources (number {Number}, {Characters} characters)")]
    public static partial void SourcesTold(ILogger logger, string edgeNode, long number, int characters);

    [LoggerMessage(9706, LogLevel.Warning, "{EdgeNode}: its sources could not be told: {Why}; tried again")]
    public static partial void SourcesNotTold(ILogger logger, string edgeNode, string why);

    [LoggerMessage(9707, LogLevel.Warning, "what edge nodes are to read cannot be looked at: {Reason}; looked at again every second")]
    public static partial void SourcesNotLookedAt(ILogger logger, string reason, Exception? error);

    [LoggerMessage(9703, LogLevel.Warning, "whether the time of commands is over cannot be seen: {Reason}; looked at again every second")]
    public static partial void NotWatched(ILogger logger, string reason, Exception? error);
}
