using System.Buffers;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Protocol;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Edge.Commands;
using OeeOrleans.Edge.Queue;
using OeeOrleans.Edge.Sources;
using OeeOrleans.Mqtt;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;
using OeeOrleans.Sparkplug.Host;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Edge.Sessions;

/// <summary>
/// Keeps one edge node connected: brokers in turn, will, births, and then whatever the queue holds. See <see cref="EdgeState"/>; one loop
/// owns the session, so `seq` needs no lock. Every connection has its own will with the next `bdSeq`.
/// </summary>
internal sealed class EdgeLink(
    EdgeOptions options, EdgeNodeSession session, EdgeImage image, RecordQueue queue, WakeEvent wake, TimeProvider clock, ILogger log,
    PlcWriter writer, ToldBook told)
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    /// <summary>No host's clock is further ahead than a wrong time zone; who says so is not believed the time.</summary>
    private static readonly TimeSpan MaxAhead = TimeSpan.FromHours(26);

    private readonly string _name = $"{options.Group}/{options.Node}";
    private readonly AckTracker _acks = new();
    private bool _rebirth;
    private bool _hostSpoke;
    private bool _ours = queue.GetNumber("ours") == 1;
    private ulong _anyHostTimestamp;
    private ulong _hostTimestamp;
    private byte? _bdSeq;

    /// <summary>
    /// The highest record number that this life sent, or announced as done: no host can have committed more under this queue's name.
    /// </summary>
    private ulong _sentUpTo;
    private TaskCompletionSource _hostOnline = NewSource();
    private TaskCompletionSource _hostOffline = NewSource();

    public EdgeState State { get; private set; } = EdgeState.Stopped;

    public string Why { get; private set; } = "not started";

    /// <summary>Whether records are kept until the host says that they are committed. Asked for every record.</summary>
    public bool ByCommit =>
        options.Acknowledge == AcknowledgeMode.Commit || (options.Acknowledge == AcknowledgeMode.Auto && Volatile.Read(ref _ours));

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var pause = TimeSpan.FromMilliseconds(500);
        for (var attempt = 0; !cancellationToken.IsCancellationRequested; attempt++)
        {
            var broker = options.Brokers[attempt % options.Brokers.Count];
            Move(EdgeState.Connecting, $"trying {broker.Url}");
            var (born, why) = await LiveAsync(broker, cancellationToken);
            EdgeMetrics.Connected.WithLabels(_name).Set(0);
            if (cancellationToken.IsCancellationRequested) break;
            Move(EdgeState.Connecting, why);
            pause = born
                ? TimeSpan.FromMilliseconds(500)
                : TimeSpan.FromMilliseconds(Math.Min(pause.TotalMilliseconds * 1.6, LongestPause.TotalMilliseconds));
            // Jitter: a thousand edge nodes must not come back in the same instant.
            await Task.Delay(pause * (0.75 + (Random.Shared.NextDouble() / 2)), clock, cancellationToken).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing);
        }

        Move(EdgeState.Stopped, "asked to stop");
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task<(bool Born, string Why)> LiveAsync(BrokerAddress broker, CancellationToken cancellationToken)
    {
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var client = new MqttClientFactory().CreateMqttClient();
        var reason = "connection lost";
        client.DisconnectedAsync += args =>
        {
            reason = $"connection lost: {args.Reason}";
            return gone.CancelAsync();
        };
        client.ApplicationMessageReceivedAsync += args =>
        {
            Hear(args.ApplicationMessage);
            return Task.CompletedTask;
        };
        _hostOnline = NewSource();
        _hostOffline = NewSource();
        var born = false;
        try
        {
            await ConnectAsync(client, broker, cancellationToken);
            if (options.PrimaryHost is { } host)
            {
                Move(EdgeState.WaitingForHost, $"the primary host {host} is not online");
                await _hostOnline.Task.WaitAsync(gone.Token);
                _ = _hostOffline.Task.ContinueWith(
                    _ => gone.CancelAsync(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }

            born = true;
            var sender = new EdgeSender(
                options, session, image, queue, _acks, client, wake, clock, log, () => ByCommit, () => Take(ref _hostSpoke), Sent,
                () => told.Report);
            await sender.BirthAsync(gone.Token);
            Move(EdgeState.Born, $"at {broker.Url}");
            EdgeMetrics.Connected.WithLabels(_name).Set(1);
            await sender.RunAsync(() => Take(ref _rebirth), gone.Token);
            return (true, reason);
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested)
        {
            var hostGone = _hostOffline.Task.IsCompleted;
            if (client.IsConnected) await LeaveAsync(client, born);
            return (born, hostGone ? "the primary host went offline" : reason);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // A boundary: whatever the network did, the records are kept and the next attempt comes.
            if (!MqttConnections.IsNetwork(error)) Log.LinkFailed(log, _name, error);
            return (born, $"{broker.Url}: {error.Message}");
        }
        finally
        {
            _acks.Clear();
        }
    }

    private async Task ConnectAsync(IMqttClient client, BrokerAddress broker, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ConnectTimeout);
        await client.ConnectOrThrowAsync(
            EdgeTransport.Settings(broker, $"edge-{options.Group}-{options.Node}", session.Will(NextBdSeq())), limit.Token);
        // Any host that comes up may have missed what the broker did not keep for it; the primary host decides whether we publish at all.
        string[] filters =
        [
            $"spBv1.0/{options.Group}/NCMD/{options.Node}", $"spBv1.0/{options.Group}/DCMD/{options.Node}/#",
            $"spBv1.0/STATE/{options.PrimaryHost ?? "+"}",
        ];
        var subscribe = new MqttClientSubscribeOptionsBuilder();
        foreach (var filter in filters) subscribe.WithTopicFilter(filter, MqttQualityOfServiceLevel.AtLeastOnce);
        await client.SubscribeOrThrowAsync(subscribe.Build(), limit.Token);
    }

    /// <summary>On the disk before it is used: the next connection has another one, whatever happens to this
    /// (tck-id-payloads-nbirth-bdseq-repeat). While the disk is full it is remembered in memory: the buffer empties through connections, so
    /// one must be possible.</summary>
    private byte NextBdSeq()
    {
        var bdSeq = _bdSeq ?? (byte)queue.GetNumber("bdseq");
        _bdSeq = (byte)((bdSeq + 1) & 0xFF);
        try
        {
            queue.SetNumber("bdseq", _bdSeq.Value);
        }
        catch (IOException error)
        {
            Log.BufferNotWritten(log, error.Message);
        }

        return bdSeq;
    }

    /// <summary>An intentional end publishes the death itself: a clean DISCONNECT makes the broker forget the will
    /// (tck-id-payloads-ndeath-will-message-publisher-disconnect-mqtt311).</summary>
    private async Task LeaveAsync(IMqttClient client, bool born)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            if (born) await client.PublishAsync(EdgeTransport.Message(session.Death(), qos: 1), limit.Token);
            await client.DisconnectAsync(new MqttClientDisconnectOptions(), limit.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or MQTTnet.Exceptions.MqttCommunicationException)
        {
            // The broker publishes the will instead.
            return;
        }
    }

    private static bool Take(ref bool flag) => Interlocked.Exchange(ref flag, false);

    private void Hear(MqttApplicationMessage message)
    {
        if (!SparkplugTopic.TryParse(message.Topic, out var topic, out var reason))
        {
            Log.BadCommand(log, message.Topic, reason);
            return;
        }

        var payload = message.Payload.ToArray();
        if (topic.Type == SparkplugMessageType.State)
        {
            HearHost(topic, payload);
            return;
        }

        if (message.Retain)
        {
            Log.BadCommand(
                log, message.Topic, "it was kept by the broker for whoever comes; commands are of the moment and never retained");
            return;
        }

        try
        {
            var requests = session.Accept(topic, payload);
            if (CommitMetrics.MarkIn(requests) is { } committed) HearMark(committed.Queue, committed.Mark);
            var sentMs = new SparkplugPayloadReader(payload).Timestamp;
            foreach (var request in requests) Carry(request, sentMs);
        }
        catch (SparkplugFormatException error)
        {
            Log.BadCommand(log, message.Topic, error.Message);
        }
    }

    private void Carry(EdgeRequest request, ulong? sentMs)
    {
        switch (request)
        {
            case EdgeRequest.Rebirth:
                Volatile.Write(ref _rebirth, true);
                wake.Set();
                break;
            case EdgeRequest.Write command when sentMs < NowMs() - options.MaxCommandAge.TotalMilliseconds:
                Log.CommandRefused(
                    log, command.Device ?? options.Node, command.Metric.Name,
                    $"it was sent at {sentMs} ms, more than {options.MaxCommandAge} ago");
                break;
            case EdgeRequest.Write command:
                writer.Take(command);
                break;
            case EdgeRequest.Control { Name: SignedCommand.MetricName, Value: string text } command:
                writer.Take(command.Device, text, Writable);
                break;
            case EdgeRequest.Control { Name: SignedSources.MetricName, Device: null, Value: string text }:
                if (!told.Take(text)) break;
                Volatile.Write(ref _rebirth, true);
                wake.Set();
                break;
            case EdgeRequest.Unknown unknown:
                Log.CommandRefused(log, unknown.Device ?? options.Node, unknown.Name, "there is no such metric that can be written");
                break;
            default:
                break;
        }
    }

    private EdgeMetric? Writable(string device, string metric) => session.Definition.Devices.FirstOrDefault(d => d.Id == device)
        ?.Metrics.FirstOrDefault(m => m.Name == metric && m.Writable);

    /// <summary>Everything up to a number is committed. A mark beyond what was ever sent is nobody's who has committed anything.</summary>
    private void HearMark(string queueId, ulong mark)
    {
        if (queueId != queue.Id || options.Acknowledge == AcknowledgeMode.Puback) return;
        var sent = Interlocked.Read(ref _sentUpTo);
        if (mark > sent)
        {
            Log.ForgedMark(log, mark, sent);
            return;
        }

        if (!_ours)
        {
            Volatile.Write(ref _ours, true);
            RememberOurs();
        }

        queue.Release(mark);
        Volatile.Write(ref _hostSpoke, true);
        wake.Set();
    }

    private void Sent(ulong number)
    {
        if (number > _sentUpTo) Interlocked.Exchange(ref _sentUpTo, number);
    }

    private void RememberOurs()
    {
        try
        {
            queue.SetNumber("ours", 1);
        }
        catch (IOException error)
        {
            // Known to this life; the next one hears it again.
            Log.BufferNotWritten(log, error.Message);
        }
    }

    /// <summary>A STATE with an older time than the last one is the will of a connection that is over
    /// (tck-id-message-flow-edge-node-birth-publish-phid-wait-timestamp). A time far in the future counts as none: it would make every
    /// later word an old one.</summary>
    private void HearHost(in SparkplugTopic topic, byte[] payload)
    {
        if (!HostState.TryParse(payload, out var state)) return;
        if (state.TimestampMs > NowMs() + MaxAhead.TotalMilliseconds)
        {
            Log.HostFromTheFuture(log, topic.Node, state.TimestampMs);
            state = state with { TimestampMs = 0 };
        }

        if (state.Online && state.TimestampMs > _anyHostTimestamp)
        {
            _anyHostTimestamp = state.TimestampMs;
            Volatile.Write(ref _hostSpoke, true);
        }

        if (topic.Node != options.PrimaryHost) return;
        if (state.TimestampMs != 0 && state.TimestampMs < _hostTimestamp) return;
        _hostTimestamp = Math.Max(_hostTimestamp, state.TimestampMs);
        if (state.Online) _hostOnline.TrySetResult();
        else if (_hostOnline.Task.IsCompleted) _hostOffline.TrySetResult();
    }

    private ulong NowMs() => (ulong)clock.GetUtcNow().ToUnixTimeMilliseconds();

    private void Move(EdgeState to, string why)
    {
        if (State != to || to == EdgeState.Connecting && why != Why) Log.StateChanged(log, _name, State, to, why);
        (State, Why) = (to, why);
    }
}
