using Microsoft.Extensions.Logging;
using MQTTnet.Protocol;

namespace OeeOrleans.Broker;

/// <summary>Every log line of this room.</summary>
internal static partial class Log
{
    [LoggerMessage(9001, LogLevel.Warning, "client {Client} of {User} from {Origin} may not connect: {Code}")]
    public static partial void ConnectionRefused(ILogger log, string client, string user, string origin, MqttConnectReasonCode code);

    [LoggerMessage(9005, LogLevel.Warning, "client {Client} may not publish on {Topic}")]
    public static partial void PublishRefused(ILogger log, string client, string topic);

    [LoggerMessage(9006, LogLevel.Warning, "client {Client} may not subscribe to {Filter}")]
    public static partial void SubscriptionRefused(ILogger log, string client, string filter);

    [LoggerMessage(9007, LogLevel.Information, "client {Client} is sent away: what it may do is another thing than before, or nothing")]
    public static partial void SentAway(ILogger log, string client);

    [LoggerMessage(9008, LogLevel.Error, "clients that may not stay were not sent away")]
    public static partial void NotSentAway(ILogger log, Exception error);

    [LoggerMessage(9009, LogLevel.Warning, "client {Client} is sent away with its session: {Count} messages wait for it")]
    public static partial void TooFarBehind(ILogger log, string client, long count);

    [LoggerMessage(9010, LogLevel.Warning, "a connection could not be accepted: {Reason}")]
    public static partial void NotAccepted(ILogger log, string reason);

    [LoggerMessage(9013, LogLevel.Warning, "there are {Most} connections over TLS; more are closed at once")]
    public static partial void Full(ILogger log, int most);

    [LoggerMessage(9011, LogLevel.Debug, "the connection from {Remote} broke: {Reason}")]
    public static partial void ConnectionBroke(ILogger log, string remote, string reason);

    [LoggerMessage(9012, LogLevel.Error, "the connection from {Remote} ended by an error of ours")]
    public static partial void ConnectionFailed(ILogger log, string remote, Exception error);

    [LoggerMessage(
        9002, LogLevel.Warning,
        "a message of {Client} on {Topic} is not durable and not acknowledged: {Reason}; the publisher has to send it again")]
    public static partial void NotDurable(ILogger log, string client, string topic, string reason);

    [LoggerMessage(9003, LogLevel.Error, "what a former life left cannot be given to ingress; publishers are sent away until a restart")]
    public static partial void ReplayFailed(ILogger log, Exception error);

    [LoggerMessage(9004, LogLevel.Information, "{Count} messages that a former life left are given to ingress first")]
    public static partial void Replaying(ILogger log, long count);
}
