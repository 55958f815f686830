using Microsoft.Extensions.Logging;

namespace OeeOrleans.Edge;

/// <summary>Every log line of this room.</summary>
internal static partial class Log
{
    [LoggerMessage(8001, LogLevel.Information, "edge node {EdgeNode}: {From} -> {To} ({Why})")]
    public static partial void StateChanged(ILogger log, string edgeNode, Sessions.EdgeState from, Sessions.EdgeState to, string why);

    [LoggerMessage(
        8002, LogLevel.Warning,
        "the buffer is full ({MaxMb} MB): {Values} values dropped so far, oldest first; the broker or host has been away too long for it")]
    public static partial void Dropping(ILogger log, int maxMb, long values);

    [LoggerMessage(8003, LogLevel.Warning, "source {Source}: {Reason}; its devices are dead until it answers again")]
    public static partial void SourceFailed(ILogger log, string source, string reason, Exception error);

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

    [LoggerMessage(
        8019, LogLevel.Information, "{Device} stays dead; it is born without values to tell what it said before, and dies again")]
    public static partial void TellingOfDead(ILogger log, string device);

    [LoggerMessage(8010, LogLevel.Warning, "record {Number} is of the device {Device}, which is configured no more; it is not sent")]
    public static partial void RecordWithoutDevice(ILogger log, ulong number, string device);

    [LoggerMessage(8012, LogLevel.Information, "command: {Device} {Metric} was written")]
    public static partial void CommandDone(ILogger log, string device, string metric);

    [LoggerMessage(8011, LogLevel.Warning, "results: not published: {Reason}; tried again")]
    public static partial void ResultsAway(ILogger log, string reason, Exception? bug);

    [LoggerMessage(
        8013, LogLevel.Warning, "a commit mark of {Mark} names records that were never sent (the last one is {Sent}); it is not believed")]
    public static partial void ForgedMark(ILogger log, ulong mark, ulong sent);

    [LoggerMessage(
        8014, LogLevel.Warning, "host {Host} speaks of a time far in the future ({TimestampMs}); its word counts, the time does not")]
    public static partial void HostFromTheFuture(ILogger log, string host, ulong timestampMs);

    [LoggerMessage(8017, LogLevel.Error, "edge node {EdgeNode}: the connection ended by an error of ours; the next attempt follows")]
    public static partial void LinkFailed(ILogger log, string edgeNode, Exception error);

    [LoggerMessage(8015, LogLevel.Error, "looking at the buffer failed; looked at again in a second")]
    public static partial void WatchFailed(ILogger log, Exception error);

    [LoggerMessage(
        8016, LogLevel.Warning, "the buffer cannot be written: {Reason}; what is in it stays, and is released when the disk takes it")]
    public static partial void BufferNotWritten(ILogger log, string reason);

    [LoggerMessage(8009, LogLevel.Information, "command: {Device} {Metric} was not carried out: {Why}")]
    public static partial void CommandRefused(ILogger log, string device, string metric, string why, Exception? error = null);

    [LoggerMessage(8020, LogLevel.Information, "edge node {EdgeNode}: the types of some tags are known now, or changed; it is born anew")]
    public static partial void Redescribed(ILogger log, string edgeNode);

    [LoggerMessage(8021, LogLevel.Warning, "source {Source}: what {Address} missed since {From:O} stays missing ({Tags} tags): {Reason}")]
    public static partial void GapStays(ILogger log, string source, string address, int tags, DateTime from, string reason);

    [LoggerMessage(8022, LogLevel.Information, "source {Source}: {Values} values of {Tags} tags came from the server's history for a gap")]
    public static partial void GapFilled(ILogger log, string source, long values, int tags);

    [LoggerMessage(8023, LogLevel.Information, "source {Source}: {Address} was written: {Before} -> {After}")]
    public static partial void Written(ILogger log, string source, string address, object? before, object? after);

    [LoggerMessage(8024, LogLevel.Error, "source {Source}: filling a gap from history failed by an error of ours")]
    public static partial void GapBroke(ILogger log, string source, Exception error);

    [LoggerMessage(8026, LogLevel.Warning, "source {Source}: {Reason}; what came while nobody was there is not known")]
    public static partial void MemoryLost(ILogger log, string source, string reason);

    [LoggerMessage(8028, LogLevel.Warning, "source {Source}: up to where its tags are complete could not be written; tried again")]
    public static partial void MemoryNotWritten(ILogger log, string source, Exception error);

    [LoggerMessage(8027, LogLevel.Error, "edge node {EdgeNode} cannot be born with its new types yet; tried again")]
    public static partial void NoLife(ILogger log, string edgeNode, Exception error);

    [LoggerMessage(8030, LogLevel.Information, "source {Source}: connected to {Url}")]
    public static partial void PlcConnected(ILogger log, string source, Uri url);

    [LoggerMessage(8031, LogLevel.Warning, "source {Source}: the connection was lost: {Why}")]
    public static partial void PlcLost(ILogger log, string source, string why);

    [LoggerMessage(8032, LogLevel.Warning, "source {Source}: no connection: {Why}; tried again, next in {Seconds:F1} s")]
    public static partial void PlcAway(ILogger log, string source, string why, double seconds);

    [LoggerMessage(8033, LogLevel.Error, "source {Source}: connecting failed by an error of ours; tried again")]
    public static partial void PlcBroke(ILogger log, string source, Exception error);

    [LoggerMessage(8034, LogLevel.Warning, "source {Source}: {Address} is bad: {Why}")]
    public static partial void TagBad(ILogger log, string source, string address, string why);

    [LoggerMessage(8035, LogLevel.Information, "source {Source}: {Address} is good again")]
    public static partial void TagGood(ILogger log, string source, string address);

    [LoggerMessage(8036, LogLevel.Error, "the audit of writes could not be written; this is its line: {Line}")]
    public static partial void AuditNotWritten(ILogger log, string line, Exception error);

    [LoggerMessage(8042, LogLevel.Warning, "the audit of writes {File} cannot be read; whether one was cut short is not known")]
    public static partial void AuditNotRead(ILogger log, string file, Exception error);

    [LoggerMessage(8041, LogLevel.Warning, "source {Source}: {Address} was written, and could not be read back")]
    public static partial void NotReadBack(ILogger log, string source, string address, Exception error);

    [LoggerMessage(8040, LogLevel.Error, "a write could not be reported to the host, only the file of writes has it: {Line}")]
    public static partial void AuditNotReported(ILogger log, string line, Exception error);

    [LoggerMessage(8037, LogLevel.Warning, "device {Device}: source {Second} speaks now instead of {First}: {Why}")]
    public static partial void FallbackBegins(ILogger log, string device, string second, string first, string why);

    [LoggerMessage(8038, LogLevel.Information, "device {Device}: source {First} speaks again instead of {Second}: {Why}")]
    public static partial void FallbackEnds(ILogger log, string device, string first, string second, string why);

    [LoggerMessage(8039, LogLevel.Warning, "source {Source}: the controller's list of tags cannot be kept: {Why}; it is asked for again")]
    public static partial void TableNotKept(ILogger log, string source, string why);

    [LoggerMessage(8043, LogLevel.Information, "{EdgeNode}: reads {Count} sources of the plant now (number {Number})")]
    public static partial void SourcesTaken(ILogger log, string edgeNode, long number, int count);

    [LoggerMessage(8044, LogLevel.Error, "{EdgeNode}: sources of the plant (number {Number}) are not read: {Why}")]
    public static partial void SourcesNotTaken(ILogger log, string edgeNode, long number, string why);

    [LoggerMessage(8045, LogLevel.Warning, "{EdgeNode}: sources were refused that are not the host's word: {Why}; {Skipped} more before")]
    public static partial void SourcesRefused(ILogger log, string edgeNode, string why, long skipped);

    [LoggerMessage(8046, LogLevel.Error, "the sources that the plant told cannot be read from {File}; they are asked for anew")]
    public static partial void SourcesNotRead(ILogger log, string file, Exception error);

    [LoggerMessage(8047, LogLevel.Warning, "source {Source}: its connection does not end within {Seconds} s; it is not waited for")]
    public static partial void NotClosed(ILogger log, string source, double seconds);

    [LoggerMessage(8025, LogLevel.Warning, "source {Source}: {Address} has no type to be had ({Reason}); it is published as Double")]
    public static partial void TypeUnknown(ILogger log, string source, string address, string reason);
}
