using Microsoft.Extensions.Logging;
using OeeOrleans.Model.Delivery;

namespace OeeOrleans.Ingress;

/// <summary>Every log line of this room.</summary>
internal static partial class Log
{
    [LoggerMessage(4001, LogLevel.Information, "partition {Partition}: {From} -> {To} ({Why})")]
    public static partial void StateChanged(ILogger log, string partition, ConnectionState from, ConnectionState to, string why);

    [LoggerMessage(4002, LogLevel.Warning,
        "stream {Stream}: delivery of {Count} messages failed ({Failure}: {Reason}), attempt {Attempt}; offered again in {PauseMs} ms")]
    public static partial void DeliveryFailed(
        ILogger log, string stream, int count, FailureClass failure, string reason, int attempt, int pauseMs, Exception? bug);

    [LoggerMessage(4003, LogLevel.Warning, "partition {Partition}: {Count} QoS 0 messages dropped so far because {Max} wait already")]
    public static partial void Dropped(ILogger log, string partition, long count, int max);

    [LoggerMessage(4004, LogLevel.Debug, "partition {Partition}: acknowledging stopped with its connection: {Reason}")]
    public static partial void AcknowledgingStopped(ILogger log, string partition, string reason, Exception? bug);

    [LoggerMessage(4005, LogLevel.Information, "commands: connected to {Url}")]
    public static partial void CommandsConnected(ILogger log, string url);

    [LoggerMessage(4006, LogLevel.Warning, "commands: not connected to {Url}: {Reason}; tried again")]
    public static partial void CommandsAway(ILogger log, string url, string reason, Exception? bug);

    [LoggerMessage(4007, LogLevel.Error,
        "stream {Stream}: a message on {Topic} ({Size} bytes) failed alone {Tries} times ({Failure}: {Reason}); it is put aside in "
            + "dead_letter")]
    public static partial void PutAside(
        ILogger log, string stream, string topic, int size, int tries, FailureClass failure, string reason, Exception? bug);

    [LoggerMessage(4008, LogLevel.Error, "a message on {Topic} ({Size} bytes) is lost: not even dead_letter takes it ({Reason})")]
    public static partial void Lost(ILogger log, string topic, int size, string reason, Exception? bug);

    [LoggerMessage(4009, LogLevel.Warning,
        "partition {Partition}: {Bytes} bytes wait, more than there is room for; the connection is made anew with a Receive Maximum of "
            + "{Window}")]
    public static partial void WindowShrunk(ILogger log, string partition, long bytes, int window);

    [LoggerMessage(
        4010, LogLevel.Warning, "edge node {EdgeNode} is refused: {Max} edge nodes that are not in the plant model talk already")]
    public static partial void TooManyEdgeNodes(ILogger log, string edgeNode, int max);

    [LoggerMessage(4011, LogLevel.Information, "host {Host} is said to be offline since {TimestampMs}, which it is not; it says so")]
    public static partial void SaidToBeOffline(ILogger log, string host, ulong timestampMs);

    [LoggerMessage(4012, LogLevel.Error, "partition {Partition}: a message on {Topic} could not be taken in; the connection is made anew")]
    public static partial void ReceivingFailed(ILogger log, string partition, string topic, Exception error);

    [LoggerMessage(
        4013, LogLevel.Warning,
        "the store is away ({Reason}): {Count} messages of {Stream} wait, and {Times} deliveries failed since this was said last; they are "
            + "offered again until it is back")]
    public static partial void StoreAway(ILogger log, string stream, int count, string reason, int times);
}
