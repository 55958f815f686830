using Microsoft.Extensions.Logging;

namespace OeeOrleans.Edge;

/// <summary>Every log line of this room.</summary>
internal static partial class Log
{
    [LoggerMessage(8001, LogLevel.Information, "edge node {EdgeNode}: {From} -> {To} ({Why})")]
    public static partial void StateChanged(ILogger log, string edgeNode, Sessions.EdgeState from, Sessions.EdgeState to, string why);

    [LoggerMessage(8002, LogLevel.Warning, "the buffer is full ({MaxMb} MB): {Values} values dropped so far, oldest first; the broker or host has been away too long for it")]
    public static partial void Dropping(ILogger log, int maxMb, long values);

    [LoggerMessage(8003, LogLevel.Warning, "source {Source}: {Error}; its devices are dead until it answers again")]
    public static partial void SourceFailed(ILogger log, string source, string error);

    [LoggerMessage(8004, LogLevel.Information, "source {Source} answers")]
    public static partial void SourceUp(ILogger log, string source);

    [LoggerMessage(8005, LogLevel.Warning, "unreadable command on {Topic}: {Reason}")]
    public static partial void BadCommand(ILogger log, string topic, string reason);

    [LoggerMessage(8006, LogLevel.Information, "queue {Queue}: {Records} records to send, numbers {First} to {Last}")]
    public static partial void QueueOpened(ILogger log, string queue, long records, ulong first, ulong last);

    [LoggerMessage(8007, LogLevel.Information, "sampling every {IntervalMs} ms: the buffer is {Percent} % full")]
    public static partial void SamplingChanged(ILogger log, int intervalMs, int percent);

    [LoggerMessage(8008, LogLevel.Information, "the host has not confirmed records {First} to {Last} for {Seconds} s; they are sent again")]
    public static partial void Resending(ILogger log, ulong first, ulong last, int seconds);

    [LoggerMessage(8010, LogLevel.Warning, "record {Number} is of the device {Device}, which is configured no more; it is not sent")]
    public static partial void RecordWithoutDevice(ILogger log, ulong number, string device);

    [LoggerMessage(8012, LogLevel.Information, "command: {Device} {Metric} was written")]
    public static partial void CommandDone(ILogger log, string device, string metric);

    [LoggerMessage(8011, LogLevel.Debug, "results: not connected: {Reason}")]
    public static partial void ResultsAway(ILogger log, string reason);

    [LoggerMessage(8009, LogLevel.Information, "command: {Device} {Metric} was not carried out: {Why}")]
    public static partial void CommandRefused(ILogger log, string device, string metric, string why);
}
