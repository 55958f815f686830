using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Edge.Queue;
using OeeOrleans.Edge.Sessions;
using OeeOrleans.Edge.Sources;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Sparkplug.Edge;

namespace OeeOrleans.Edge.Commands;

/// <summary>
/// Carries out what the host asks to be written: one after the other for each source, in the order in which it came, and beside those of
/// other sources, so that a slow PLC holds up no other. Whatever became of it stands in the audit, and the host is told.
/// </summary>
internal sealed class PlcWriter
{
    private const int MaxWaiting = 1_000;

    private readonly EdgeOptions _options;
    private readonly RecordQueue _queue;
    private readonly WakeEvent _wake;
    private readonly Func<IReadOnlyList<SourceLoop>> _loops;
    private readonly Func<string, bool> _isDevice;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly WriteAudit _audit;
    private readonly CommandGate _gate;
    private readonly RefusalQuota _quota;

    /// <summary>By source.</summary>
    private readonly Dictionary<string, Channel<PlcWrite>> _waiting = new(StringComparer.Ordinal);
    private readonly List<Task> _writing = [];
    private CancellationToken _stopping;
    private bool _isOver;

    /// <param name="loops">As they are in this life of the node.</param>
    /// <param name="isDevice">Whether a device was ever read here.</param>
    public PlcWriter(
        EdgeOptions options, RecordQueue queue, WakeEvent wake, Func<IReadOnlyList<SourceLoop>> loops, Func<string, bool> isDevice,
        TimeProvider clock, ILogger log)
    {
        (_options, _queue, _wake, _loops, _isDevice, _clock, _log) = (options, queue, wake, loops, isDevice, clock, log);
        _audit = new WriteAudit(options, Report, clock, log);
        _gate = new CommandGate(options, queue, clock);
        _quota = new RefusalQuota(clock);
    }

    /// <summary>A plain DCMD: anybody who may publish at the broker can send one.</summary>
    public void Take(EdgeRequest.Write request)
    {
        var write = new PlcWrite(request, null);
        if (_options.UnsignedCommands) Enqueue(write);
        else
        {
            RefuseForeign(Audited(write, LoopOf(request)), "it is not signed; the host writes with POST /api/commands, and an approval");
        }
    }

    /// <summary>A command of the host's, or what somebody wants to be taken for one.</summary>
    /// <param name="device">Whose DCMD brought it.</param>
    /// <param name="text">As it came.</param>
    /// <param name="metricOf">The writable metric of a device by its name; null: it has none.</param>
    public void Take(string? device, string text, Func<string, string, EdgeMetric?> metricOf)
    {
        try
        {
            var (command, entry) = _gate.Admit(device, text);
            Take(command, entry, metricOf(command.Device, command.Metric));
        }
        catch (SignedCommandException error)
        {
            RefuseForeign(new AuditedWrite("signed DCMD", null, device ?? _options.Node, "", null, null, null), error.Message);
        }
    }

    private void Take(SignedCommand command, CommandGate.Entry entry, EdgeMetric? metric)
    {
        // Of a value that is for no metric it is said what was asked for.
        var unread = new AuditedWrite("signed DCMD", null, command.Device, command.Metric, null, null, command.Value) { Command = command };
        switch (entry)
        {
            case CommandGate.Entry.Copy:
                RefuseForeign(unread with { IsCopy = true }, $"its number {command.Number} came before: it is a copy");
                return;
            case CommandGate.Entry.Overtaken:
                Refuse(unread, $"a later command came before it (its number is {command.Number}): the order is kept");
                return;
            case CommandGate.Entry.NotRemembered:
                Refuse(unread, "its number cannot be remembered, and without that it could be carried out twice: is the disk full?");
                return;
            default:
                break;
        }

        if (metric is null)
        {
            Refuse(unread, "there is no such metric that can be written");
            return;
        }

        try
        {
            var write = new PlcWrite(new EdgeRequest.Write(command.Device, metric, CommandGate.ValueFor(metric, command.Value)), command);
            if (_gate.WhyLate(command) is { } late) Refuse(Audited(write, LoopOf(write.Request)), late);
            else Enqueue(write);
        }
        catch (SignedCommandException error)
        {
            Refuse(unread, error.Message);
        }
    }

    /// <summary>Until it is asked to stop.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _audit.EndBegun();
        lock (_waiting) _stopping = cancellationToken;
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Task[] writing;
        lock (_waiting)
        {
            _isOver = true;
            writing = [.. _writing];
        }

        await Task.WhenAll(writing);
    }

    private void Enqueue(PlcWrite write)
    {
        var loop = LoopOf(write.Request);
        if (loop is null) Refuse(Audited(write, loop), "no source has it");
        else if (WriterOf(loop.Id) is not { } writer) Refuse(Audited(write, loop), "the edge was asked to stop before its turn");
        else if (!writer.TryWrite(write)) Refuse(Audited(write, loop), $"{MaxWaiting} commands wait already");
    }

    /// <summary>Those of a source wait for each other; it may have come while the node lives.</summary>
    private ChannelWriter<PlcWrite>? WriterOf(string source)
    {
        lock (_waiting)
        {
            if (_isOver) return null;
            if (_waiting.TryGetValue(source, out var known)) return known.Writer;
            var channel = Channel.CreateBounded<PlcWrite>(
                new BoundedChannelOptions(MaxWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
            _waiting[source] = channel;
            _writing.Add(WriteAllAsync(channel.Reader, _stopping));
            return channel.Writer;
        }
    }

    private SourceLoop? LoopOf(EdgeRequest.Write write) =>
        _loops().FirstOrDefault(l => l.AddressOf(write.Device, write.Metric) is not null);

    private AuditedWrite Audited(PlcWrite write, SourceLoop? loop)
    {
        var (request, command) = write;
        var by = request.Device is null ? "NCMD" : "DCMD";
        return new AuditedWrite(
            command is null ? by : $"signed {by}", loop?.Id, request.Device ?? _options.Node, request.Metric.Name,
            loop?.AddressOf(request.Device, request.Metric), null, request.Value)
        { Command = command };
    }

    /// <summary>To the host, on the way of the values: it comes once, whatever dies.</summary>
    private void Report(string device, string report)
    {
        // The node itself has no metrics to write to, and no records.
        if (!_isDevice(device)) return;
        var payload = CommitMetrics.ReportPayload(report, (ulong)_clock.GetUtcNow().ToUnixTimeMilliseconds());
        _queue.Append([(device, payload, 1)]);
        _wake.Set();
    }

    /// <summary>Who knows who says this: so many are written down, and the rest is counted. Nobody fills the disk or the buffer.</summary>
    private void RefuseForeign(in AuditedWrite write, string why)
    {
        EdgeMetrics.CommandsRefused.Inc();
        if (!_quota.Takes(out var skipped)) return;
        Refuse(write, skipped == 0 ? why : $"{why}; {skipped} more were refused before and not written down");
    }

    private void Refuse(in AuditedWrite write, string why, Exception? error = null)
    {
        _audit.Note(write, why);
        Log.CommandRefused(_log, write.Device, write.Metric, why, error);
    }

    private async Task WriteAllAsync(ChannelReader<PlcWrite> writes, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var write in writes.ReadAllAsync(cancellationToken)) await WriteAsync(write, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            while (writes.TryRead(out var write))
            {
                Refuse(Audited(write, LoopOf(write.Request)), "the edge was asked to stop before its turn");
            }
        }
    }

    /// <summary>Carried out by the source that the metric comes from; the value is published when it is read back.</summary>
    private async Task WriteAsync(PlcWrite write, CancellationToken cancellationToken)
    {
        var (request, command) = write;
        var loop = LoopOf(request);
        var audited = Audited(write, loop);
        try
        {
            if (loop is null) throw new InvalidOperationException("no source has it");
            // It may have waited behind others.
            if (command is not null && _gate.WhyLate(command) is { } late) throw new InvalidOperationException(late);
            // Whoever dies in the middle has said that it began.
            audited = audited with { Begun = _audit.Begin(audited) };
            var done = await loop.WriteAsync(
                request.Device, request.Metric, request.Value, readsBack: command is not null, cancellationToken);
            _audit.Note(audited with { Before = done.Before, After = done.After, IsShown = done.IsShown }, null);
            Log.CommandDone(_log, audited.Device, audited.Metric);
        }
        catch (Exception error)
        {
            // A boundary: whatever the source says against it, the edge goes on; and whatever became of it stands in the audit.
            var isOpen = error is OperationCanceledException or PlcException { IsAway: true };
            var before = (error as PlcException)?.Before;
            Refuse(audited with { Before = before }, isOpen ? $"not known whether it was carried out: {error.Message}" : error.Message,
                error);
            if (cancellationToken.IsCancellationRequested && error is OperationCanceledException) throw;
        }
    }
}

/// <summary>A value to write, and the host's command that says so; null: a plain DCMD.</summary>
internal sealed record PlcWrite(EdgeRequest.Write Request, SignedCommand? Command);
