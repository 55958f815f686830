using System.Text;
using Microsoft.Extensions.Logging;
using OeeOrleans.Model;
using OeeOrleans.Mqtt;
using OeeOrleans.Mqtt.Inlet;
using Prometheus;

namespace OeeOrleans.Ingress.Connection;

/// <summary>What becomes of a message that came.</summary>
internal enum Reception
{
    Taken,
    /// <summary>There are enough messages; asked for QoS 0 only.</summary>
    Dropped,
    /// <summary>Taken, but there was no room for its bytes: the broker must send less at a time.</summary>
    Overflow,
}

/// <summary>
/// Keeps one MQTT session connected: MQTT 5 where the broker speaks it, 3.1.1 otherwise; the session is resumed, never cleaned.
/// <code>
/// Stopped -> Connecting -> Online -> (lost, or more bytes than there is room for) Connecting ...
///                          Online -> (session taken over, or closed by a broker that is up) TakenOver -> (waited, still owner) Connecting
/// </code>
/// Every connection has a client and an acknowledgement queue of its own, so nothing of an old connection can be said on a new one.
/// </summary>
internal sealed class PartitionConnection : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(5);

    /// <summary>Whoever took the session over gets this long to be the rightful owner.</summary>
    private static readonly TimeSpan TakeOverPause = TimeSpan.FromSeconds(8);

    private static readonly TimeSpan SubscribeLimit = TimeSpan.FromSeconds(10);

    /// <summary>No window is smaller: so many of the largest packets fit into memory.</summary>
    private const int SmallestWindow = 8;

    private readonly MqttOptions _options;
    private readonly string _filter;
    private readonly string _clientId;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Func<InFlightMessage, Reception> _received;
    private readonly Action _readAll;
    private readonly IngressStatus _status;
    private readonly TopicRoutes _routes;
    private readonly Counter.Child _receivedCount;
    private readonly Gauge.Child _connected;
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;
    private bool _version5 = true;
    private AckQueue? _previous;
    private int _window;
    private int _handshakesFailed;
    private long _dropped;

    /// <param name="received">Takes a message.</param>
    /// <param name="readAll">Told when all is taken that was read at once.</param>
    public PartitionConnection(
        MqttOptions options, string filter, string clientId, TimeProvider clock, ILogger log, Func<InFlightMessage, Reception> received,
        Action readAll, IngressStatus status)
    {
        (_options, _filter, _clientId, _clock, _log) = (options, filter, clientId, clock, log);
        (_received, _readAll, _status) = (received, readAll, status);
        _routes = new TopicRoutes(options, log);
        _window = options.ReceiveMaximum;
        _receivedCount = IngressMetrics.Received.WithLabels(filter);
        _connected = IngressMetrics.Connected.WithLabels(filter);
        _connected.Set(0);
    }

    public ConnectionState State { get; private set; }

    public void Start()
    {
        _status.Bad(_filter, "connecting");
        _loop = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
        _status.Fine(_filter);
        Move(ConnectionState.Stopped, "the queue was given up");
    }

    private async Task RunAsync()
    {
        var failures = 0;
        while (!_stop.IsCancellationRequested)
        {
            var ended = await LiveOnceAsync();
            if (_stop.IsCancellationRequested) return;
            failures = ended.WasOnline ? 0 : failures + 1;
            _status.Bad(_filter, ended.Why);
            Move(ended.TakenOver ? ConnectionState.TakenOver : ConnectionState.Connecting, ended.Why);
            var pause = ended.TakenOver ? TakeOverPause : PauseAfter(failures);
            await Task.Delay(pause, _clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static TimeSpan PauseAfter(int failures)
    {
        var pause = Math.Min(MaxPause.TotalMilliseconds, FirstPause.TotalMilliseconds * Math.Pow(2, Math.Min(failures, 8)));
        return TimeSpan.FromMilliseconds(pause * (0.5 + (Random.Shared.NextDouble() / 2)));
    }

    /// <summary>One connection from its CONNECT to its end.</summary>
    private async Task<(bool WasOnline, bool TakenOver, string Why)> LiveOnceAsync()
    {
        MqttInlet? inlet = null;
        AckQueue? acks = null;
        try
        {
            inlet = await MqttInlet.ConnectAsync(Settings(), _stop.Token);
            _handshakesFailed = 0;
            var answer = inlet.Answer;
            if (answer.RefusesVersion)
            {
                _version5 = false;
                return (false, false, "the broker does not speak MQTT 5; trying 3.1.1");
            }

            if (!answer.Accepted) return (false, false, $"the broker at {_options.Broker} refuses: {answer}");
            // What is in memory of the connection before comes again only if the broker still knows the session.
            if (answer.SessionPresent) _previous?.SessionResumed();
            _previous = acks = new AckQueue(_filter, inlet.AcknowledgeAsync, _log);
            return await LiveAsync(inlet, acks);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return (false, false, "stopping");
        }
        catch (Exception error)
        {
            NoteHandshakeFailure(error);
            return (false, false, $"cannot connect to {_options.Broker}: {error.Message}");
        }
        finally
        {
            acks?.Close();
            _connected.Set(0);
            if (inlet is not null) await inlet.DisposeAsync();
        }
    }

    /// <summary>From the broker's yes to the end.</summary>
    private async Task<(bool WasOnline, bool TakenOver, string Why)> LiveAsync(MqttInlet inlet, AckQueue acks)
    {
        string? overflow = null;
        using var giveUp = new CancellationTokenSource();
        // Elsewhere: while the socket is never empty, receiving does not pause once.
        var running = Task.Run(() => inlet.RunAsync((in InletMessage m) => (overflow = Receive(m, acks)) is null, _readAll, giveUp.Token));
        try
        {
            await SubscribedAsync(inlet);
            Move(
                ConnectionState.Online,
                $"MQTT {(_version5 ? "5" : "3.1.1")}, session {(inlet.Answer.SessionPresent ? "resumed" : "new")}");
            _status.Fine(_filter);
            _connected.Set(1);
            var end = await running.WaitAsync(_stop.Token);
            acks.Close();
            var takenOver = end == InletEnd.TakenOver || (end == InletEnd.Closed && await BrokerListensAsync());
            var why = takenOver
                ? "another client has the session, or the broker closed the connection without a word"
                : overflow ?? $"connection lost: {inlet.Why}";
            // Whoever says what is no MQTT may say it again at once: that counts as a failure.
            return (end != InletEnd.ProtocolError, takenOver, why);
        }
        catch (IOException) when (overflow is not null)
        {
            // What was in flight comes before the answer to the subscription.
            return (true, false, overflow);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            await acks.FinishAsync(TimeSpan.FromSeconds(2));
            await inlet.DisconnectAsync();
            return (true, false, "stopping");
        }
        finally
        {
            await giveUp.CancelAsync();
            await running;
        }
    }

    /// <summary>Waits for the answer; behind a whole window of messages of a resumed session, for as long as they come.</summary>
    private async Task SubscribedAsync(MqttInlet inlet)
    {
        for (long seen = 0; ;)
        {
            try
            {
                await inlet.Subscribed.WaitAsync(SubscribeLimit, _clock, _stop.Token);
                return;
            }
            catch (TimeoutException) when (inlet.Messages > seen)
            {
                seen = inlet.Messages;
            }
        }
    }

    private InletOptions Settings() => new(_options.Broker, _clientId, _filter)
    {
        Version5 = _version5,
        SessionExpiry = _options.SessionExpiry,
        ReceiveMaximum = (ushort)_window,
        MaxPacketBytes = _options.MaxPacketBytes,
        Gather = _options.Gather,
    };

    /// <summary>
    /// A broker that only knows 3.1.1 may also close the connection at a version 5 CONNECT. So after two
    /// handshakes that failed though the broker listens, the other version is tried; a broker that cannot be reached says nothing about
    /// versions. </summary>
    private void NoteHandshakeFailure(Exception error)
    {
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            if (cause is System.Net.Sockets.SocketException { SocketErrorCode: not System.Net.Sockets.SocketError.ConnectionReset }) return;
        }

        if (++_handshakesFailed < 2) return;
        _handshakesFailed = 0;
        _version5 = !_version5;
    }

    /// <summary>
    /// Whether the broker accepts connections right after it closed ours. Brokers (all of them with MQTT 3.1.1, mosquitto 2.0 with 5 as
    /// well) close a session that was taken over without saying why; one that is going down does not listen. Fighting back would throw out
    /// the other owner, and be thrown out in turn, many times a second.
    /// </summary>
    private async Task<bool> BrokerListensAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(TimeSpan.FromSeconds(2));
        using var socket = new System.Net.Sockets.TcpClient();
        try
        {
            await socket.ConnectAsync(_options.Broker.Url.Host, _options.Broker.Port, limit.Token);
            return true;
        }
        catch (Exception error) when (error is System.Net.Sockets.SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <returns>Why the connection must be made anew; null when it need not.</returns>
    private string? Receive(in InletMessage mqtt, AckQueue acks)
    {
        try
        {
            _receivedCount.Inc();
            var route = _routes.Of(mqtt.Topic);
            var acknowledge = mqtt.PacketId != 0;
            var message = new InFlightMessage(
                new BrokerMessage(route.Topic, route.ForUs ? mqtt.Payload : default, UnixMicros.Now(_clock))
                {
                    Redelivered = mqtt.Duplicate, Refusal = route.Refusal,
                },
                route.StreamKey, acknowledge ? acks : null, mqtt.PacketId);
            if (acknowledge) acks.Arrived(message);
            if (route.ForUs) return Note(_received(message));
            if (acknowledge) acks.Done(message);
            return null;
        }
        catch (Exception error)
        {
            // Not taken in, so not acknowledged, and everything behind it would wait: on the next connection it comes again.
            Log.ReceivingFailed(_log, _filter, DeadLetter.Clip(Encoding.UTF8.GetString(mqtt.Topic), DeadLetter.MaxTopic), error);
            return "a message could not be taken in";
        }
    }

    private string? Note(Reception reception)
    {
        if (reception == Reception.Dropped)
        {
            IngressMetrics.Dropped.WithLabels("overflow").Inc();
            if (Interlocked.Increment(ref _dropped) % 10_000 == 1) Log.Dropped(_log, _filter, _dropped, _options.MaxBuffered);
        }

        if (reception != Reception.Overflow || _window <= SmallestWindow) return null;
        _window = Math.Max(SmallestWindow, _window / 4);
        Log.WindowShrunk(_log, _filter, _options.MaxBufferedBytes, _window);
        return "more bytes than there is room for; the broker is asked to send less at a time";
    }

    private void Move(ConnectionState to, string why)
    {
        if (State != to || to == ConnectionState.Connecting) Log.StateChanged(_log, _filter, State, to, why);
        State = to;
    }
}
