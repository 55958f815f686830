using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OeeOrleans.OpcUa;

namespace OeeOrleans.Edge.Sources.OpcUa;

/// <summary>A tag that misses what came after a time, by the source's clock.</summary>
/// <param name="Tag">Index of the tag.</param>
/// <param name="Address">What it is called.</param>
/// <param name="Since">Source time of the last value before.</param>
internal readonly record struct TagGap(int Tag, string Address, DateTime Since);

/// <summary>
/// Fetches from the server's history what a lost subscription, or one whose queues overflowed, did not tell, tag by tag, and hands it over
/// as
/// values of the past. What is not to be had is said.
/// </summary>
internal sealed class GapFiller : IAsyncDisposable
{
    /// <summary>Sets of gaps that wait; of more the oldest is said to stay.</summary>
    private const int MaxWaiting = 100;
    private const int Page = 1_000;
    private const int MaxAttempts = 20;
    private const uint ServerTime = 2258;

    /// <summary>A gap is looked into when the values after it have come: a server's history may lag behind its values.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(2);

    /// <summary>Gaps that come again and again are said no more often.</summary>
    private static readonly TimeSpan SayEvery = TimeSpan.FromMinutes(1);

    private readonly string _source;
    private readonly OpcUaClient _client;
    private readonly Func<int, NodeId?> _resolve;
    private readonly PendingValues _pending;
    private readonly SourceMemory _memory;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Channel<List<TagGap>> _gaps;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _running;
    private readonly HashSet<int> _waiting = [];
    private long? _said;

    /// <param name="source">Its id.</param>
    /// <param name="client">Where history is.</param>
    /// <param name="resolve">The node of a tag in the present session.</param>
    /// <param name="pending">Where values go.</param>
    /// <param name="memory">What is told of gaps that are open.</param>
    public GapFiller(
        string source, OpcUaClient client, Func<int, NodeId?> resolve, PendingValues pending, SourceMemory memory, TimeProvider clock,
        ILogger log)
    {
        (_source, _client, _resolve, _pending, _memory, _clock, _log) = (source, client, resolve, pending, memory, clock, log);
        _gaps = Channel.CreateBounded<List<TagGap>>(
            new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true },
            Dropped);
        EdgeMetrics.OpcUaGaps.WithLabels(source, "filled").IncTo(0);
        EdgeMetrics.OpcUaGaps.WithLabels(source, "unfilled").IncTo(0);
        _running = Task.Run(RunAsync);
    }

    /// <summary>These tags miss something. One that waits already is left out: it will be asked for up to then.</summary>
    public void Add(IEnumerable<TagGap> gaps)
    {
        List<TagGap> news;
        lock (_waiting) news = [.. gaps.Where(g => _waiting.Add(g.Tag))];
        foreach (var gap in news) _memory.Open(gap.Address, Ms(gap.Since));
        if (news.Count > 0) _gaps.Writer.TryWrite(news);
    }

    public async ValueTask DisposeAsync()
    {
        // What is open stays so in the memory, and is looked into after the next start.
        await _ended.CancelAsync();
        await _running;
        _ended.Dispose();
    }

    private static long Ms(DateTime time) => new DateTimeOffset(time).ToUnixTimeMilliseconds();

    private async Task RunAsync()
    {
        try
        {
            await foreach (var gaps in _gaps.Reader.ReadAllAsync(_ended.Token))
            {
                await Task.Delay(Settle, _clock, _ended.Token);
                await FillOrStayAsync(gaps);
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            return;
        }
    }

    private void Dropped(List<TagGap> gaps)
    {
        Begin(gaps);
        Stay(gaps, $"{MaxWaiting} gaps wait already");
    }

    /// <summary>What is missed from now on is another gap.</summary>
    private void Begin(List<TagGap> gaps)
    {
        lock (_waiting) _waiting.ExceptWith(gaps.Select(g => g.Tag));
    }

    private async Task FillOrStayAsync(List<TagGap> gaps)
    {
        Begin(gaps);
        try
        {
            await FillAsync(gaps);
        }
        catch (Exception error) when (!_ended.IsCancellationRequested)
        {
            // A boundary: an error of ours with these must not be the end for others.
            Log.GapBroke(_log, _source, error);
            Stay(gaps, error.Message);
        }
    }

    private async Task FillAsync(List<TagGap> gaps)
    {
        var to = await WhenThereAsync(ServerTimeAsync);
        var (values, tags) = (0L, 0);
        var stay = new List<TagGap>();
        var reason = "";
        foreach (var gap in gaps)
        {
            try
            {
                values += await FillAsync(gap, to);
                tags++;
            }
            catch (OpcUaException error)
            {
                reason = error.Message;
                stay.Add(gap);
            }
        }

        if (stay.Count > 0) Stay(stay, reason);
        if (tags == 0) return;
        EdgeMetrics.OpcUaGaps.WithLabels(_source, "filled").Inc(tags);
        Log.GapFilled(_log, _source, values, tags);
    }

    /// <summary>The server's clock counts: its values have its times.</summary>
    private async Task<DateTime> ServerTimeAsync() =>
        (await _client.ReadAsync(new NodeId(ServerTime), _ended.Token)).Value.Value is DateTime now ? now : _clock.GetUtcNow().UtcDateTime;

    /// <summary>A connection that is lost on the way is found again, and the same is asked for once more.</summary>
    private async Task<T> WhenThereAsync<T>(Func<Task<T>> ask)
    {
        for (var attempt = 1; ; attempt++)
        {
            while (_client.State != ConnectionState.Connected) await Task.Delay(Settle, _clock, _ended.Token);
            try
            {
                return await ask();
            }
            catch (OpcUaException error) when (IsAway(error.Status) && attempt < MaxAttempts)
            {
                await Task.Delay(Settle, _clock, _ended.Token);
            }
        }
    }

    private async Task<long> FillAsync(TagGap gap, DateTime to)
    {
        if (gap.Since >= to) throw new OpcUaException(StatusCodes.BadInvalidTimestamp, $"its last value is of {gap.Since:O}, after the "
            + $"server's own time");
        var (since, total) = (gap.Since, 0L);
        await WhenThereAsync(async () =>
        {
            var node = _resolve(gap.Tag) ?? throw new OpcUaException(StatusCodes.BadNodeIdUnknown, "its namespace is not there");
            var page = new List<PendingValue>(Page);
            var last = since;
            await foreach (var value in _client.ReadHistoryAsync(node, since, to, _ended.Token))
            {
                // The last one that came is the first of the range.
                if (value.SourceTime <= since) continue;
                page.Add(new PendingValue(gap.Tag, OpcUaValues.TimeMs(value, _clock.GetUtcNow()), value, PendingKind.Historical));
                last = value.SourceTime > last ? value.SourceTime : last;
                if (page.Count < Page) continue;
                await _pending.AddAsync(page.ToArray(), _ended.Token);
                total += page.Count;
                page.Clear();
                // From here on, when the connection is lost now.
                since = last;
            }

            // Behind it the gap is closed, as soon as all this is durable.
            page.Add(new PendingValue(gap.Tag, 0, default, PendingKind.GapEnd));
            await _pending.AddAsync(page.ToArray(), _ended.Token);
            total += page.Count - 1;
            return true;
        });
        return total;
    }

    private static bool IsAway(StatusCode status) => status.Code is StatusCodes.BadServerNotConnected or StatusCodes.BadConnectionClosed
        or StatusCodes.BadTimeout or StatusCodes.BadSessionIdInvalid or StatusCodes.BadSessionClosed
        or StatusCodes.BadSecureChannelIdInvalid or StatusCodes.BadShutdown;

    private void Stay(List<TagGap> gaps, string reason)
    {
        foreach (var gap in gaps) _memory.Close(gap.Address);
        EdgeMetrics.OpcUaGaps.WithLabels(_source, "unfilled").Inc(gaps.Count);
        if (_said is { } said && _clock.GetElapsedTime(said) < SayEvery) return;
        _said = _clock.GetTimestamp();
        Log.GapStays(_log, _source, gaps[0].Address, gaps.Count, gaps[0].Since, reason);
    }
}
