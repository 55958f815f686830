using Microsoft.Extensions.Logging;

namespace OeeOrleans.Ingress;

/// <summary>Every log line of this room.</summary>
internal static partial class Log
{
    [LoggerMessage(4001, LogLevel.Information, "partition {Partition}: {From} -> {To} ({Why})")]
    public static partial void StateChanged(ILogger log, string partition, ConnectionState from, ConnectionState to, string why);

    [LoggerMessage(4002, LogLevel.Warning, "stream {Stream}: delivery of {Count} messages failed, attempt {Attempt}; offered again in {PauseMs} ms")]
    public static partial void DeliveryFailed(ILogger log, string stream, int count, int attempt, int pauseMs);

    [LoggerMessage(4003, LogLevel.Warning, "partition {Partition}: {Count} QoS 0 messages dropped so far because {Max} wait already")]
    public static partial void Dropped(ILogger log, string partition, long count, int max);

    [LoggerMessage(4004, LogLevel.Debug, "partition {Partition}: acknowledging stopped with its connection: {Reason}")]
    public static partial void AcknowledgingStopped(ILogger log, string partition, string reason);

    [LoggerMessage(4005, LogLevel.Information, "commands: connected to {Url}")]
    public static partial void CommandsConnected(ILogger log, Uri url);

    [LoggerMessage(4006, LogLevel.Debug, "commands: not connected: {Reason}")]
    public static partial void CommandsAway(ILogger log, string reason);
}
