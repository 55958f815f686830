using Microsoft.Extensions.Logging;

namespace OeeOrleans.Broker;

/// <summary>Every log line of this room.</summary>
internal static partial class Log
{
    [LoggerMessage(
        9001, LogLevel.Warning,
        "the client id {Client} is that of ingress; a connection from {Endpoint} that does not know its password is refused")]
    public static partial void ForeignIngress(ILogger log, string client, string endpoint);

    [LoggerMessage(
        9002, LogLevel.Warning,
        "a message of {Client} on {Topic} is not durable and not acknowledged: {Reason}; the publisher has to send it again")]
    public static partial void NotDurable(ILogger log, string client, string topic, string reason);

    [LoggerMessage(9003, LogLevel.Error, "what a former life left cannot be given to ingress; publishers are sent away until a restart")]
    public static partial void ReplayFailed(ILogger log, Exception error);

    [LoggerMessage(9004, LogLevel.Information, "{Count} messages that a former life left are given to ingress first")]
    public static partial void Replaying(ILogger log, long count);
}
