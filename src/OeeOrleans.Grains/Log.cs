using Microsoft.Extensions.Logging;

namespace OeeOrleans.Grains;

/// <summary>Every log line of this room.</summary>
internal static partial class Log
{
    [LoggerMessage(5001, LogLevel.Warning, "unreadable message on {Topic} ({Size} bytes): {Reason}; kept in dead_letter")]
    public static partial void Unreadable(ILogger log, string topic, int size, string reason);

    [LoggerMessage(5002, LogLevel.Information, "edge node {EdgeNode}: asked for a rebirth ({Reason})")]
    public static partial void RebirthRequested(ILogger log, string edgeNode, string reason);

    [LoggerMessage(5003, LogLevel.Warning, "edge node {EdgeNode}: cannot ask for a rebirth: {Error}; tried again with the next message")]
    public static partial void RebirthFailed(ILogger log, string edgeNode, string error, Exception failure);

    [LoggerMessage(5004, LogLevel.Warning, "edge node {EdgeNode}: {Count} messages are missing ({Reason})")]
    public static partial void MessagesMissed(ILogger log, string edgeNode, int count, string reason);

    [LoggerMessage(5005, LogLevel.Information, "edge node {EdgeNode}: {Device} is dead")]
    public static partial void Died(ILogger log, string edgeNode, string device);

    [LoggerMessage(5006, LogLevel.Information, "machine {Machine}: recomputed from {From}, {Changed} windows changed")]
    public static partial void Recomputed(ILogger log, string machine, string from, int changed);

    [LoggerMessage(5007, LogLevel.Warning, "machine {Machine}: {What} failed: {Error}; tried again")]
    public static partial void MachineWorkFailed(ILogger log, string machine, string what, string error, Exception? bug);

    [LoggerMessage(5008, LogLevel.Debug, "edge node {EdgeNode}: restored with {Births} births, seq {Seq}")]
    public static partial void Restored(ILogger log, string edgeNode, int births, int seq);

    [LoggerMessage(5010, LogLevel.Debug, "edge node {EdgeNode}: cannot tell its commit mark: {Error}; told with the next commit")]
    public static partial void MarkFailed(ILogger log, string edgeNode, string error, Exception failure);

    [LoggerMessage(5009, LogLevel.Debug, "line {Line}: an observer was not told: {Error}")]
    public static partial void LiveNotTold(ILogger log, string line, string error, Exception failure);

    [LoggerMessage(5011, LogLevel.Information, "edge node {EdgeNode}: the store is away ({Reason}); machines are kept live ahead of it")]
    public static partial void AheadOfStore(ILogger log, string edgeNode, string reason);

    [LoggerMessage(5012, LogLevel.Debug, "edge node {EdgeNode}: machines cannot be kept live ahead of the store: {Error}")]
    public static partial void NotAhead(ILogger log, string edgeNode, string error, Exception? bug);

    [LoggerMessage(5013, LogLevel.Debug, "{Machines} machines looked at, {Failed} did not answer yet")]
    public static partial void LookedAt(ILogger log, int machines, int failed);

    [LoggerMessage(5014, LogLevel.Debug, "not woken: {Error}; looked at again")]
    public static partial void NotWoken(ILogger log, string error, Exception failure);

    [LoggerMessage(
        5015, LogLevel.Warning,
        "edge node {EdgeNode}: a machine did not take back what it was shown ahead of the store: {Error}; it does so by itself")]
    public static partial void NotTakenBack(ILogger log, string edgeNode, string error, Exception failure);

    [LoggerMessage(5016, LogLevel.Error, "edge node {EdgeNode}: its stored birth on {Topic} cannot be taken up; a rebirth is asked for")]
    public static partial void BirthNotRestored(ILogger log, string edgeNode, string topic, Exception error);

    [LoggerMessage(5017, LogLevel.Warning, "results: cannot hear the machines yet: {Reason}")]
    public static partial void ResultsNotSubscribed(ILogger log, string reason, Exception failure);

    [LoggerMessage(
        5019, LogLevel.Warning, "edge node {EdgeNode}: machines could not be told to read their new values: {Error}; tried again")]
    public static partial void NotReread(ILogger log, string edgeNode, string error, Exception failure);

    [LoggerMessage(
        5018, LogLevel.Warning,
        "machine {Machine} cannot be read from the store ({Failed} such failures since this was said last): {Error}; tried again")]
    public static partial void NotOpened(ILogger log, string machine, int failed, string error, Exception? bug);

    [LoggerMessage(5020, LogLevel.Warning, "edge node {EdgeNode}: a command was not sent: {Reason}")]
    public static partial void CommandNotSent(ILogger log, string edgeNode, string reason, Exception error);
}
