using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OeeOrleans.OpcUa.Binary;
using OeeOrleans.OpcUa.Services;
using OeeOrleans.OpcUa.Sessions;
using OeeOrleans.OpcUa.Transport;

namespace OeeOrleans.OpcUa.Subscriptions;

/// <summary>
/// Keeps publish requests waiting at the server and hands what comes to the subscriptions, in the server's order, one after the other
/// (OPC 10000-4, 5.13.5). After a lost connection it finds out what was missed. One loop owns it.
/// </summary>
internal sealed class Publisher(OpcUaClient client, OpcUaClientOptions options, TimeProvider clock, ILogger log)
{
    /// <summary>Notifications asked for again at most; of more the rest counts as lost.</summary>
    private const uint MaxRepublish = 1_000;

    /// <summary>Publish refused this often in a row: the session is of no use.</summary>
    private const int MaxRefusals = 5;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan KnownWithin = TimeSpan.FromSeconds(10);
    private const long Told = -1;

    private readonly Lock _lock = new();
    private readonly List<Subscription> _subscriptions = [];
    private readonly List<(uint Subscription, uint Number)> _acknowledged = [];
    private TaskCompletionSource _news = NewSource();
    private volatile int _handling;

    /// <summary>Subscriptions of this session that nobody has, since when, or <see cref="Told"/> once they were told to go.</summary>
    private readonly Dictionary<uint, long> _unknown = [];

    /// <summary>A notification is with its handler, or was just now: silence is ours then, and no server's.</summary>
    public bool IsHandling => _handling > 0;

    public IReadOnlyList<Subscription> Subscriptions
    {
        get
        {
            lock (_lock) return [.. _subscriptions];
        }
    }

    public void Add(Subscription subscription)
    {
        lock (_lock) _subscriptions.Add(subscription);
        Wake();
    }

    /// <summary>A subscription was made: there is something to publish for.</summary>
    public void Wake() => Volatile.Read(ref _news).TrySetResult();

    public void Remove(Subscription subscription)
    {
        lock (_lock) _subscriptions.Remove(subscription);
    }

    /// <summary>Publishes over one session until that is of no use any more; returns why.</summary>
    public async Task<OpcUaException> RunAsync(ServerLink link, CancellationToken cancellationToken)
    {
        _unknown.Clear();
        var answers = Channel.CreateBounded<Answer>(new BoundedChannelOptions(options.MaxPublishRequests + 1) { SingleReader = true });
        var target = new AnswerTarget(answers.Writer);
        var (outstanding, most, refusals) = (0, options.MaxPublishRequests, 0);
        // Requests that were sent before the subscriptions were made anew: all of them say that there are none.
        var stale = 0;
        try
        {
            while (true)
            {
                while (!Subscriptions.Any(s => s.Id != 0)) await WaitForNewsAsync(cancellationToken).ConfigureAwait(false);
                for (; outstanding < Math.Max(1, most); outstanding++) await AskAsync(link, target, cancellationToken)
                    .ConfigureAwait(false);
                var answer = await answers.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
                outstanding--;
                try
                {
                    await TakeAsync(link, answer, cancellationToken).ConfigureAwait(false);
                    refusals = 0;
                }
                catch (OpcUaException error) when (error.Status.Code == StatusCodes.BadTooManyPublishRequests && outstanding > 0)
                {
                    most = Math.Max(1, outstanding);
                }
                catch (OpcUaException error) when (error.Status.Code == StatusCodes.BadNoSubscription)
                {
                    if (stale-- > 0) continue;
                    stale = outstanding;
                    await RecreateAllAsync(link, "the server has no subscription any more", cancellationToken).ConfigureAwait(false);
                }
                catch (OpcUaException error) when (!IsEnd(error.Status) && ++refusals < MaxRefusals)
                {
                    // Its time was up, or the server is busy: asked again, not at once.
                    await Task.Delay(Pause, clock, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        catch (OpcUaException error)
        {
            return error;
        }
        finally
        {
            foreach (var subscription in Subscriptions) subscription.IsCurrent = false;
            target.End();
            while (answers.Reader.TryRead(out var rest)) rest.Return();
        }
    }

    /// <summary>After the session was activated on another channel: what was sent meanwhile is asked for again.</summary>
    public async Task ReclaimAsync(ServerLink link, CancellationToken cancellationToken)
    {
        foreach (var subscription in Subscriptions)
        {
            if (subscription.Id == 0 || !await TryReclaimAsync(link, subscription, cancellationToken).ConfigureAwait(false))
            {
                await RecreateAsync(link, subscription, "the server has it no more", cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>In a new session: the subscriptions of the old one are taken over, or made anew.</summary>
    public async Task TransferAsync(ServerLink link, bool possible, CancellationToken cancellationToken)
    {
        foreach (var subscription in Subscriptions)
        {
            if (!possible || subscription.Id == 0 || !await TryTransferAsync(link, subscription, cancellationToken).ConfigureAwait(false))
            {
                await RecreateAsync(link, subscription, "the server did not keep it", cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>A subscription that is silent although its session answers.</summary>
    public async Task RebuildAsync(ServerLink link, Subscription subscription, CancellationToken cancellationToken)
    {
        var silence = subscription.Silence - subscription.KeepAlive;
        Log.SilentSubscription(log, client.Url, subscription.Id, silence.TotalSeconds);
        try
        {
            await subscription.DeleteAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OpcUaException)
        {
            // It is being given up; whether the server knew it makes no difference.
            subscription.Forget();
        }

        await RecreateAsync(link, subscription, "it was silent", cancellationToken).ConfigureAwait(false);
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Refusals after which nothing more comes over this session.</summary>
    private static bool IsEnd(StatusCode status) => status.Code is StatusCodes.BadSessionIdInvalid or StatusCodes.BadSessionClosed
        or StatusCodes.BadSessionNotActivated or StatusCodes.BadConnectionClosed or StatusCodes.BadSecureChannelIdInvalid
        or StatusCodes.BadTcpSecureChannelUnknown or StatusCodes.BadServerHalted or StatusCodes.BadShutdown
        or StatusCodes.BadSecurityChecksFailed or StatusCodes.BadSequenceNumberInvalid or StatusCodes.BadTcpMessageTooLarge
        or StatusCodes.BadTcpMessageTypeInvalid;

    private async Task WaitForNewsAsync(CancellationToken cancellationToken)
    {
        await Volatile.Read(ref _news).Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        Interlocked.Exchange(ref _news, NewSource());
    }

    private async Task AskAsync(ServerLink link, AnswerTarget target, CancellationToken cancellationToken)
    {
        List<(uint, uint)> acknowledged;
        lock (_lock)
        {
            acknowledged = _acknowledged.Count == 0 ? [] : [.. _acknowledged];
            _acknowledged.Clear();
        }

        await link.Session.SendAsync(new PublishRequest(acknowledged), TimeSpan.Zero, target, cancellationToken).ConfigureAwait(false);
    }

    private async Task TakeAsync(ServerLink link, Answer answer, CancellationToken cancellationToken)
    {
        if (answer.Error is { } error) throw new OpcUaException(error.Status, error.Message, error);
        ReadNotification read;
        using (answer.Message)
        {
            read = link.Session.Channel.Read<PublishRequest, ReadNotification>(answer.Message, ReadPublish);
        }

        try
        {
            await TakeAsync(link, read, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            read.Return();
        }
    }

    private ReadNotification ReadPublish(ref UaReader reader) => NotificationReader.Publish(ref reader, ById);

    private Subscription? ById(uint id)
    {
        lock (_lock) return _subscriptions.Find(s => s.Id == id);
    }

    private async Task TakeAsync(ServerLink link, ReadNotification read, CancellationToken cancellationToken)
    {
        if (read.Subscription is not { } subscription)
        {
            await DropUnknownAsync(link, read.SubscriptionId, cancellationToken).ConfigureAwait(false);
            return;
        }

        var expected = NotificationNumbers.Next(subscription.LastNumber);
        // A number from long ago is no repetition: no server keeps so many, so this one counts anew.
        var anew = NotificationNumbers.IsBefore(read.Number, expected) && NotificationNumbers.Steps(read.Number, expected) > MaxRepublish;
        if (read.Number != expected && !anew && NotificationNumbers.IsBefore(expected, read.Number))
        {
            await FillAsync(link, subscription, read.Number, cancellationToken).ConfigureAwait(false);
        }

        subscription.Heard();
        // A keep-alive has the number of the message that comes next (OPC 10000-4, 7.21.2).
        if (!read.IsKeepAlive)
        {
            var isNew = anew || !NotificationNumbers.IsBefore(read.Number, expected);
            if (isNew) await DeliverAsync(read, false, cancellationToken).ConfigureAwait(false);
            Acknowledge(subscription.Id, read);
        }

        subscription.IsCurrent = !read.HasMore;
        if (read.StatusChange is not { } status || subscription.Id != read.SubscriptionId) return;
        // Its time was over, or somebody else has it now.
        if (!status.IsBad && status.Code != StatusCodes.GoodSubscriptionTransferred) return;
        await RecreateAsync(link, subscription, $"the server ended it ({status.Name})", cancellationToken).ConfigureAwait(false);
    }

    /// <summary>One that was removed or made anew while this was on its way; or that was left behind, and would live as long as the
    /// session.</summary>
    private async Task DropUnknownAsync(ServerLink link, uint id, CancellationToken cancellationToken)
    {
        if (!_unknown.TryGetValue(id, out var since)) _unknown[id] = since = clock.GetTimestamp();
        // It may be about to become known: what it said is asked for again then.
        if (since < 0 || clock.GetElapsedTime(since) < KnownWithin) return;
        _unknown[id] = Told;
        try
        {
            await link.CallAsync(new DeleteSubscriptionsRequest(id), DeleteSubscriptionsRequest.Read, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (OpcUaException error) when (!IsEnd(error.Status))
        {
            // It was gone already.
            return;
        }
    }

    /// <summary>Asks again for what lies between the last notification handled and another one.</summary>
    private async Task FillAsync(ServerLink link, Subscription subscription, uint upTo, CancellationToken cancellationToken)
    {
        var first = NotificationNumbers.Next(subscription.LastNumber);
        var (missing, from) = (NotificationNumbers.Steps(first, upTo), subscription.LastHeardUtc);
        var last = subscription.LastTimes();
        var lost = missing > MaxRepublish ? missing - MaxRepublish : 0;
        if (lost == 0)
        {
            for (var number = first; number != upTo; number = NotificationNumbers.Next(number))
            {
                if (!await TryRepublishAsync(link, subscription, number, cancellationToken).ConfigureAwait(false)) lost++;
            }
        }

        subscription.LastNumber = upTo == 1 ? uint.MaxValue : upTo - 1;
        if (lost > 0) subscription.Lost(from, last, $"{lost} notifications", "the server does not have them any more");
    }

    /// <summary>False when the server has no such notification (any more).</summary>
    private async Task<bool> TryRepublishAsync(ServerLink link, Subscription subscription, uint number, CancellationToken cancellationToken)
    {
        ReadNotification read;
        try
        {
            read = await link.CallAsync(
                new RepublishRequest(subscription.Id, number),
                (ref UaReader reader) => NotificationReader.Message(ref reader, subscription.Id, subscription), cancellationToken)
                .ConfigureAwait(false);
        }
        catch (OpcUaException error) when (error.Status.Code is StatusCodes.BadMessageNotAvailable or StatusCodes.BadServiceUnsupported)
        {
            return false;
        }

        try
        {
            if (read.Number != number) return false;
            await DeliverAsync(read, true, cancellationToken).ConfigureAwait(false);
            Acknowledge(subscription.Id, read);
            return true;
        }
        finally
        {
            read.Return();
        }
    }

    private async Task DeliverAsync(ReadNotification read, bool republished, CancellationToken cancellationToken)
    {
        var subscription = read.Subscription!;
        var count = WithoutRepeats(read.Changes.AsSpan(0, read.Count));
        var notification = new Notification(subscription, read.Changes.AsMemory(0, count), read.PublishTime, republished);
        _handling++;
        try
        {
            while (count > 0 && !await TryHandleAsync(notification, cancellationToken).ConfigureAwait(false))
            {
                await Task.Delay(Pause, clock, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            _handling--;
        }

        // Only now: what was not taken came not, and must not be missed when it comes again.
        foreach (var change in notification.Changes.Span)
        {
            change.Item.Last = change.Value;
            if (change.Value.SourceTime > change.Item.LastSourceTime) change.Item.LastSourceTime = change.Value.SourceTime;
        }

        subscription.Heard();
        client.Count(count, republished);
        // It may have been made anew meanwhile, with numbers of its own.
        if (subscription.Id == read.SubscriptionId) subscription.LastNumber = read.Number;
    }

    private async Task<bool> TryHandleAsync(Notification notification, CancellationToken cancellationToken)
    {
        try
        {
            await notification.Subscription.Handler(notification, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception error) when (error is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // A boundary: whatever the handler did, it has not taken this; nothing later goes past it.
            Log.HandlerFailed(log, client.Url, error);
            return false;
        }
    }

    /// <summary>A server that hands a subscription over tells every value once more: what came already is taken out.</summary>
    private static int WithoutRepeats(Span<DataChange> changes)
    {
        var kept = 0;
        foreach (var change in changes)
        {
            var (last, value) = (change.Item.Last, change.Value);
            if (value.SourceTicks != 0 && value.SourceTicks == last.SourceTicks && value.Status == last.Status && value.Value == last.Value)
            {
                continue;
            }

            changes[kept++] = change;
        }

        return kept;
    }

    private void Acknowledge(uint subscriptionId, in ReadNotification read)
    {
        if (subscriptionId != read.SubscriptionId) return;
        lock (_lock) _acknowledged.Add((read.SubscriptionId, read.Number));
    }

    private async Task<bool> TryReclaimAsync(ServerLink link, Subscription subscription, CancellationToken cancellationToken)
    {
        try
        {
            var count = 0;
            for (var next = NotificationNumbers.Next(subscription.LastNumber);
                await TryRepublishAsync(link, subscription, next, cancellationToken).ConfigureAwait(false);
                next = NotificationNumbers.Next(next))
            {
                count++;
            }

            subscription.Heard();
            Log.SubscriptionRecovered(log, client.Url, subscription.Id, $"kept; {count} notifications came late");
            return true;
        }
        catch (OpcUaException error) when (error.Status.Code is StatusCodes.BadSubscriptionIdInvalid or StatusCodes.BadNoSubscription)
        {
            return false;
        }
    }

    private async Task<bool> TryTransferAsync(ServerLink link, Subscription subscription, CancellationToken cancellationToken)
    {
        List<(StatusCode Status, uint[] Available)> results;
        try
        {
            results = await link.CallAsync(
                new TransferSubscriptionsRequest([subscription.Id]), TransferSubscriptionsRequest.Read, cancellationToken)
                    .ConfigureAwait(false);
        }
        catch (OpcUaException error) when (!IsEnd(error.Status))
        {
            // Many servers do not know the service, or refuse it to other users: made anew instead.
            return false;
        }

        return results is [{ Status.IsBad: false }]
            && await TryReclaimAsync(link, subscription, cancellationToken).ConfigureAwait(false);
    }

    private async Task RecreateAllAsync(ServerLink link, string why, CancellationToken cancellationToken)
    {
        foreach (var subscription in Subscriptions)
        {
            await RecreateAsync(link, subscription, why, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Its items tell their present values by themselves; what was between is lost, and said.</summary>
    private async Task RecreateAsync(ServerLink link, Subscription subscription, string why, CancellationToken cancellationToken)
    {
        var existed = subscription.KeepAlive > TimeSpan.Zero;
        var (from, last, items) = (subscription.LastHeardUtc, subscription.LastTimes(), subscription.Items.Count);
        subscription.Forget();
        await subscription.CreateAsync(link, cancellationToken).ConfigureAwait(false);
        client.CountRecreated();
        if (!existed) return;
        Log.SubscriptionRecovered(log, client.Url, subscription.Id, $"made anew with {items} items: {why}");
        subscription.Lost(from, last, "values", why);
    }

    /// <summary>What came for a publish request.</summary>
    private readonly record struct Answer(ReceivedMessage Message, OpcUaException? Error)
    {
        public void Return()
        {
            if (Error is null) Message.Dispose();
        }
    }

    /// <summary>Called on the loop that reads the socket, so the order is the server's.</summary>
    private sealed class AnswerTarget(ChannelWriter<Answer> writer) : IAnswerTarget
    {
        public void Answer(ReceivedMessage message)
        {
            // There are never more than were asked for; after the end nobody reads.
            if (!writer.TryWrite(new Answer(message, null))) message.Dispose();
        }

        public void Fail(OpcUaException error) => writer.TryWrite(new Answer(default, error));

        public void End() => writer.TryComplete();
    }
}
