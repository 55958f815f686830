using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OeeOrleans.OpcUa;

namespace OeeOrleans.Edge.Sources.OpcUa;

/// <summary>
/// Fetches from the server's history what a lost subscription did not tell, tag by tag, and hands it over as values of the past. What is
/// not
/// to be had is said.
/// </summary>
internal sealed class GapFiller : IAsyncDisposable
{
    /// <summary>Gaps that wait; of more the oldest is said to stay.</summary>
    private const int MaxGaps = 100;
    private const int Page = 1_000;
    private const int MaxAttempts = 20;

    /// <summary>A gap is looked into when the values after it have come: a server's history may lag behind its values.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(2);
    private const uint ServerTime = 2258;

    private readonly string _source;
    private readonly OpcUaClient _client;
    private readonly PendingValues _pending;
    private readonly Func<int, DataValue, SourceValue> _convert;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Channel<List<TagGap>> _gaps;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _running;

    public GapFiller(
        string source, OpcUaClient client, PendingValues pending, Func<int, DataValue, SourceValue> convert, TimeProvider clock,
            ILogger log)
    {
        (_source, _client, _pending, _convert, _clock, _log) = (source, client, pending, convert, clock, log);
        _gaps = Channel.CreateBounded<List<TagGap>>(
            new BoundedChannelOptions(MaxGaps) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }, Dropped);
        EdgeMetrics.OpcUaGaps.WithLabels(source, "filled").IncTo(0);
        EdgeMetrics.OpcUaGaps.WithLabels(source, "unfilled").IncTo(0);
        _running = Task.Run(RunAsync);
    }

    /// <summary>The subscription lost something: each tag misses what came after its last value.</summary>
    public void Found(SubscriptionGap gap) => Add(
        [.. gap.Subscription.Items.Where(i => i.LastSourceTime > DateTime.MinValue).Select(i =>
            new TagGap((int)i.Context!, i.Node, i.LastSourceTime))]);

    /// <summary>Nobody was there since this time.</summary>
    public void SinceMs(long newestMs, IReadOnlyList<SourceTag> tags)
    {
        if (newestMs <= 0) return;
        var since = DateTimeOffset.FromUnixTimeMilliseconds(newestMs).UtcDateTime;
        Add([.. tags.Select((t, i) => new TagGap(i, ExpandedNodeId.Parse(t.Tag.Address), since))]);
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _running;
        _ended.Dispose();
    }

    private void Add(List<TagGap> gaps)
    {
        if (gaps.Count > 0) _gaps.Writer.TryWrite(gaps);
    }

    private void Dropped(List<TagGap> gaps) => Stays(gaps[0], _clock.GetUtcNow().UtcDateTime, $"{MaxGaps} gaps wait already");

    private async Task RunAsync()
    {
        try
        {
            await foreach (var gaps in _gaps.Reader.ReadAllAsync(_ended.Token))
            {
                await Task.Delay(Settle, _clock, _ended.Token);
                await FillAsync(gaps);
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            return;
        }
        catch (Exception error)
        {
            // A boundary: live values go on; this says why gaps stay from now on.
            Log.GapBroke(_log, _source, error);
        }
    }

    private async Task FillAsync(List<TagGap> gaps)
    {
        var to = _clock.GetUtcNow().UtcDateTime;
        var (values, tags) = (0L, 0);
        foreach (var gap in gaps)
        {
            try
            {
                // The server's clock counts: its values have its times.
                if (tags == 0) to = await ServerTimeAsync(to);
                values += await FillWhenThereAsync(gap, to);
                tags++;
            }
            catch (OpcUaException error)
            {
                Stays(gap, to, error.Message);
            }
        }

        if (tags == 0) return;
        EdgeMetrics.OpcUaGaps.WithLabels(_source, "filled").Inc();
        Log.GapFilled(_log, _source, values, tags);
    }

    private async Task<DateTime> ServerTimeAsync(DateTime ours)
    {
        await ConnectedAsync();
        return (await _client.ReadAsync(new NodeId(ServerTime), _ended.Token)).Value.Value is DateTime now ? now : ours;
    }

    /// <summary>Lost again on the way: what is missing is missing from the same value on, so it is asked for again.</summary>
    private async Task<long> FillWhenThereAsync(TagGap gap, DateTime to)
    {
        for (var attempt = 1; ; attempt++)
        {
            await ConnectedAsync();
            try
            {
                return await FillAsync(gap, to);
            }
            catch (OpcUaException error) when (IsAway(error.Status) && attempt < MaxAttempts)
            {
                await Task.Delay(Settle, _clock, _ended.Token);
            }
        }
    }

    private async Task ConnectedAsync()
    {
        while (_client.State != ConnectionState.Connected) await Task.Delay(Settle, _clock, _ended.Token);
    }

    private async Task<long> FillAsync(TagGap gap, DateTime to)
    {
        var node = _client.Resolve(gap.Node) ?? throw new OpcUaException(StatusCodes.BadNodeIdUnknown, "its namespace is not there");
        var (page, count) = (new SourceValue[Page], 0);
        var total = 0L;
        await foreach (var value in _client.ReadHistoryAsync(node, gap.Since, to, _ended.Token))
        {
            // The last one that came is the first of the range.
            if (value.SourceTime <= gap.Since) continue;
            page[count++] = _convert(gap.Tag, value);
            total++;
            if (count < Page) continue;
            await _pending.AddAsync(page, _ended.Token);
            count = 0;
        }

        await _pending.AddAsync(page.AsSpan(0, count), _ended.Token);
        return total;
    }

    private static bool IsAway(StatusCode status) =>
        status.Code is StatusCodes.BadServerNotConnected or StatusCodes.BadConnectionClosed or StatusCodes.BadTimeout;

    private void Stays(TagGap gap, DateTime to, string reason)
    {
        EdgeMetrics.OpcUaGaps.WithLabels(_source, "unfilled").Inc();
        Log.GapStays(_log, _source, gap.Node.ToString(), gap.Since, to, reason);
    }

    /// <param name="Tag">Index of the tag.</param>
    /// <param name="Node">Its address.</param>
    /// <param name="Since">Source time of the last value that came.</param>
    private readonly record struct TagGap(int Tag, ExpandedNodeId Node, DateTime Since);
}
