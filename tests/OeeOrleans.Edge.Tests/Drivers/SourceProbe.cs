using System.Collections.Concurrent;
using System.Diagnostics;
using OeeOrleans.Edge.Sources;

namespace OeeOrleans.Edge.Tests.Drivers;

/// <summary>Reads a source as the edge does, again and again, and remembers what came and when it failed.</summary>
internal sealed class SourceProbe : IAsyncDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(50);

    private readonly CancellationTokenSource _ended = new();
    private readonly Task _reading;

    public SourceProbe(ISource source)
    {
        Source = source;
        _reading = Task.Run(ReadAsync);
    }

    public ISource Source { get; }

    /// <summary>All that came, in its order.</summary>
    public ConcurrentQueue<SourceValue> Came { get; } = new();

    /// <summary>Why the last reading failed; null when it did not.</summary>
    public volatile string? Failure;

    /// <summary>Readings that failed.</summary>
    public volatile int Failures;

    public IReadOnlyList<object?> Values(int tag) => [.. Came.Where(v => v.Tag == tag && v.Quality >= 192).Select(v => v.Value)];

    public SourceValue? Last(int tag) => Came.LastOrDefault(v => v.Tag == tag) is { TimeMs: > 0 } value ? value : null;

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _reading;
        await Source.DisposeAsync();
        _ended.Dispose();
    }

    private async Task ReadAsync()
    {
        var values = new List<SourceValue>();
        while (!_ended.IsCancellationRequested)
        {
            values.Clear();
            var timeMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
            try
            {
                if (Source.Redescribed.IsCompleted) Source.Describe();
                await Source.ReadAsync([.. Enumerable.Range(0, Source.Tags.Count)], timeMs, values, _ended.Token);
                foreach (var value in values) Came.Enqueue(value);
                Source.Stored(timeMs);
                Failure = null;
            }
            catch (Exception) when (_ended.IsCancellationRequested)
            {
                // Ended in the middle of a reading: cancelled, or failed for a reason of its own at that very moment.
                return;
            }
            catch (Exception error)
            {
                Failure = error.Message;
                Failures++;
            }

            await Task.Delay(Every, _ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
