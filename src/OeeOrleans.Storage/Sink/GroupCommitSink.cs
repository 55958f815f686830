using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace OeeOrleans.Storage.Sink;

/// <summary>
/// Group commit: while groups are being written, the next one fills; the first unit of a group waits at most
/// <see cref="SinkOptions.FlushMs"/>. Rows that wait are bounded. While the store is away a group is tried again until it is there, or its
/// owners take their units back. An error that is not the store's is looked for among the units of the group: the one that provokes it is
/// refused, all others are stored. </summary>
public sealed class GroupCommitSink : ICommitSink, IAsyncDisposable
{
    private readonly IStore _store;
    private readonly SinkOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<GroupCommitSink> _log;
    private readonly Channel<Pending>[] _queues;
    private readonly Room _room;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loops;
    private string? _trouble;

    public GroupCommitSink(IStore store, SinkOptions options, TimeProvider clock, ILogger<GroupCommitSink> log)
    {
        (_store, _options, _clock, _log) = (store, options, clock, log);
        _room = new Room(options.MaxPendingRows);
        // Bounded by the room that every unit has taken.
        _queues =
        [
            .. Enumerable.Range(0, options.Writers).Select(
                _ => Channel.CreateUnbounded<Pending>(new UnboundedChannelOptions { SingleReader = true })),
        ];
        _loops = Task.WhenAll(_queues.Select(q => Task.Run(() => RunAsync(q.Reader))));
    }

    /// <inheritdoc/>
    public string? Trouble => Volatile.Read(ref _trouble);

    /// <summary>Rows that wait for their commit.</summary>
    public int PendingRows => _room.Taken;

    /// <inheritdoc/>
    public async Task<CommitTicket> WriteAsync(CommitUnit unit, CancellationToken cancellationToken)
    {
        await TakeRoomAsync(unit.Weight, cancellationToken);
        var ticket = new CommitTicket(unit, t => _room.Give(t.Unit.Weight));
        // What one owner writes stays in its order: it always goes to the same writer.
        var queue = _queues[(uint)string.GetHashCode(unit.Owner, StringComparison.Ordinal) % _queues.Length];
        if (queue.Writer.TryWrite(new Pending(ticket, _clock.GetTimestamp()))) return ticket;
        ticket.TryWithdraw();
        throw new StoreUnavailableException("the store is shutting down");
    }

    /// <summary>Writes what is waiting, then stops; what could not be written in time is withdrawn.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_queues.Aggregate(false, (completed, q) => q.Writer.TryComplete() | completed)) return;
        _stop.CancelAfter(TimeSpan.FromSeconds(5));
        await _loops;
        _stop.Dispose();
    }

    private async Task TakeRoomAsync(int weight, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_options.Timeout);
        try
        {
            await _room.TakeAsync(weight, deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StoreUnavailableException(
                $"there was no room for {weight} rows within {_options.Timeout.TotalSeconds:0} s; {_room.Taken} rows are waiting");
        }
    }

    private async Task RunAsync(ChannelReader<Pending> reader)
    {
        var group = new List<CommitTicket>();
        // One wait for news lasts until there are any, over the end of groups: ending it each time would throw in a quiet plant.
        var news = reader.WaitToReadAsync(CancellationToken.None).AsTask();
        while (await news)
        {
            news = await FillAsync(group, reader);
            await SettleAsync(group);
            group.Clear();
        }
    }

    /// <summary>Fills a group until it is heavy enough or its first unit has waited long enough.</summary>
    /// <returns>The wait for what comes next.</returns>
    private async Task<Task<bool>> FillAsync(List<CommitTicket> group, ChannelReader<Pending> reader)
    {
        var (weight, since) = (0, _clock.GetTimestamp());
        while (true)
        {
            while (weight < _options.FlushRows && reader.TryRead(out var pending))
            {
                if (group.Count == 0) since = pending.Since;
                group.Add(pending.Ticket);
                weight += pending.Ticket.Unit.Weight;
            }

            var news = reader.WaitToReadAsync(CancellationToken.None).AsTask();
            var left = TimeSpan.FromMilliseconds(_options.FlushMs) - _clock.GetElapsedTime(since);
            if (weight >= _options.FlushRows || left <= TimeSpan.Zero) return news;
            if (await Task.WhenAny(news, Task.Delay(left)) != news || !await news) return news;
        }
    }

    /// <summary>Sees every ticket to its end.</summary>
    private async Task SettleAsync(IReadOnlyList<CommitTicket> group)
    {
        for (var attempt = 1; ; attempt++)
        {
            var begun = group.Where(t => t.TryBegin()).ToList();
            if (begun.Count == 0) return;
            try
            {
                await CommitAsync(begun);
                return;
            }
            catch (Exception error) when (error is StoreUnavailableException or OperationCanceledException)
            {
                Volatile.Write(ref _trouble, error.Message);
                foreach (var ticket in begun) ticket.Again(error.Message);
                if (await PauseAsync(begun, error, attempt)) continue;
                // The process ends: whoever is not stored hears of it.
                foreach (var ticket in begun) ticket.TryWithdraw();
                return;
            }
            catch (Exception error)
            {
                StorageMetrics.WriteFailures.Inc();
                if (begun.Count == 1)
                {
                    Log.UnitFailed(_log, begun[0].Unit.Owner, begun[0].Unit.Weight, error);
                    begun[0].Refuse(error.Message, error);
                    return;
                }

                foreach (var ticket in begun) ticket.Again(error.Message);
                await SettleAsync([.. begun.Take(begun.Count / 2)]);
                await SettleAsync([.. begun.Skip(begun.Count / 2)]);
                return;
            }
        }
    }

    private async Task CommitAsync(List<CommitTicket> tickets)
    {
        var started = Stopwatch.GetTimestamp();
        var refused = await _store.CommitAsync([.. tickets.Select(t => t.Unit)], _stop.Token);
        Volatile.Write(ref _trouble, null);
        StorageMetrics.WriteSeconds.Observe(Stopwatch.GetElapsedTime(started).TotalSeconds);
        StorageMetrics.Rows.Inc(tickets.Sum(t => t.Unit.SampleRows.Length));
        foreach (var (unit, reason, rowsOnly) in refused)
        {
            var ticket = tickets.First(t => ReferenceEquals(t.Unit, unit));
            if (rowsOnly)
            {
                Log.RowsRefused(_log, unit.Owner, reason);
                ticket.WithoutRows();
                continue;
            }

            Log.UnitRefused(_log, unit.Owner, unit.Weight, reason);
            ticket.Refuse(reason, null);
        }

        foreach (var ticket in tickets) ticket.Commit();
    }

    /// <summary>
    /// A lost connection, a deadlock, a restart of the server: over soon; a full disk takes longer. False when the process ends.
    /// </summary>
    private async Task<bool> PauseAsync(List<CommitTicket> tickets, Exception error, int attempt)
    {
        if (_stop.IsCancellationRequested) return false;
        var doubled = _options.RetryPause * Math.Pow(2, Math.Min(attempt - 1, 16));
        var pause = doubled < _options.MaxRetryPause ? doubled : _options.MaxRetryPause;
        StorageMetrics.Retries.Inc();
        StorageMetrics.WriteFailures.Inc();
        Log.CommitRetried(_log, tickets.Count, tickets.Sum(t => t.Unit.Weight), error.Message, attempt + 1, (int)pause.TotalMilliseconds);
        await Task.Delay(pause, _clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !_stop.IsCancellationRequested;
    }

    private readonly record struct Pending(CommitTicket Ticket, long Since);
}
