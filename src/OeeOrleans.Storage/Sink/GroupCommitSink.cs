using System.Diagnostics;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace OeeOrleans.Storage.Sink;

/// <summary>
/// Group commit: while groups are being written, the next one fills; the first unit of a group waits at most <see cref="SinkOptions.FlushMs"/>.
/// Rows that wait are bounded; a group that fails is tried again a few times, then fails all of its units, whose owners offer them again.
/// </summary>
public sealed class GroupCommitSink : ISampleSink, IAsyncDisposable
{
    private readonly IStore _store;
    private readonly SinkOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<GroupCommitSink> _log;
    private readonly Channel<Pending>[] _queues;
    private readonly Lock _room = new();
    private readonly Queue<(TaskCompletionSource Turn, int Weight)> _waiting = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loops;
    private int _pending;

    public GroupCommitSink(IStore store, SinkOptions options, TimeProvider clock, ILogger<GroupCommitSink> log)
    {
        (_store, _options, _clock, _log) = (store, options, clock, log);
        _queues = [.. Enumerable.Range(0, options.Writers).Select(_ => Channel.CreateUnbounded<Pending>(new UnboundedChannelOptions { SingleReader = true }))];
        _loops = Task.WhenAll(_queues.Select(q => Task.Run(() => RunAsync(q.Reader))));
    }

    /// <inheritdoc/>
    public async Task WriteAsync(CommitUnit unit, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(_options.Timeout);
        try
        {
            await TakeRoomAsync(unit.Weight, deadline.Token);
            var pending = new Pending(unit, _clock.GetTimestamp());
            // What one owner writes stays in its order: it always goes to the same writer.
            var queue = _queues[(uint)string.GetHashCode(unit.Owner, StringComparison.Ordinal) % _queues.Length];
            await queue.Writer.WriteAsync(pending, deadline.Token);
            await pending.Done.Task.WaitAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StoreUnavailableException($"the store did not commit within {_options.Timeout.TotalSeconds:0} s; {Volatile.Read(ref _pending)} rows are waiting");
        }
        catch (ChannelClosedException)
        {
            throw new StoreUnavailableException("the store is shutting down");
        }
    }

    /// <summary>Writes what is waiting, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_queues.Aggregate(false, (completed, q) => q.Writer.TryComplete() | completed)) return;
        _stop.CancelAfter(TimeSpan.FromSeconds(5));
        await _loops;
        _stop.Dispose();
    }

    private async Task RunAsync(ChannelReader<Pending> reader)
    {
        var group = new List<Pending>();
        while (await reader.WaitToReadAsync(CancellationToken.None))
        {
            var weight = 0;
            while (weight < _options.FlushRows)
            {
                if (reader.TryRead(out var pending))
                {
                    group.Add(pending);
                    weight += pending.Unit.Weight;
                    continue;
                }

                var left = TimeSpan.FromMilliseconds(_options.FlushMs) - _clock.GetElapsedTime(group[0].Since);
                if (left <= TimeSpan.Zero || reader.Completion.IsCompleted || !await MoreWithinAsync(reader, left)) break;
            }

            await CommitAsync(group, weight);
            group.Clear();
        }
    }

    private static async Task<bool> MoreWithinAsync(ChannelReader<Pending> reader, TimeSpan left)
    {
        using var wait = new CancellationTokenSource(left);
        try
        {
            return await reader.WaitToReadAsync(wait.Token);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private async Task CommitAsync(List<Pending> group, int weight)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            await WriteAsync([.. group.Select(p => p.Unit)]);
            StorageMetrics.WriteSeconds.Observe(Stopwatch.GetElapsedTime(started).TotalSeconds);
            StorageMetrics.Rows.Inc(group.Sum(p => p.Unit.Rows.Length));
            foreach (var pending in group) pending.Done.TrySetResult();
        }
        catch (Exception error)
        {
            // A boundary: whatever went wrong, the group is not stored and every owner must know.
            StorageMetrics.WriteFailures.Inc();
            Log.CommitFailed(_log, group.Count, weight, error.Message);
            var failure = error as StoreUnavailableException ?? new StoreUnavailableException($"the commit failed: {error.Message}", error);
            foreach (var pending in group) pending.Done.TrySetException(failure);
        }
        finally
        {
            GiveRoom(weight);
        }
    }

    /// <summary>A lost connection, a deadlock, a restart of the server: over soon, and then nobody need hear of it.</summary>
    private async Task WriteAsync(CommitUnit[] units)
    {
        var started = _clock.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await _store.CommitAsync(units, _stop.Token);
                return;
            }
            catch (StoreUnavailableException error) when (attempt < _options.Attempts && _clock.GetElapsedTime(started) < _options.RetryFor)
            {
                var pause = _options.RetryPause * Math.Pow(2, attempt - 1);
                StorageMetrics.Retries.Inc();
                Log.CommitRetried(_log, units.Length, error.Message, attempt + 1, (int)pause.TotalMilliseconds);
                await Task.Delay(pause, _clock, _stop.Token);
            }
        }
    }

    private Task TakeRoomAsync(int weight, CancellationToken cancellationToken)
    {
        lock (_room)
        {
            // A unit larger than the limit may go when nothing else waits.
            if (_waiting.Count == 0 && (_pending + weight <= _options.MaxPendingRows || _pending == 0))
            {
                _pending += weight;
                StorageMetrics.PendingRows.Set(_pending);
                return Task.CompletedTask;
            }

            var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue((turn, weight));
            return WaitAsync(turn, weight, cancellationToken);
        }
    }

    private async Task WaitAsync(TaskCompletionSource turn, int weight, CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.Register(() => turn.TrySetCanceled(cancellationToken));
        await turn.Task;
    }

    private void GiveRoom(int weight)
    {
        lock (_room)
        {
            _pending -= weight;
            while (_waiting.TryPeek(out var next) && (_pending + next.Weight <= _options.MaxPendingRows || _pending == 0))
            {
                _waiting.Dequeue();
                if (next.Turn.TrySetResult()) _pending += next.Weight;
            }

            StorageMetrics.PendingRows.Set(_pending);
        }
    }

    private sealed record Pending(CommitUnit Unit, long Since)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
