using Microsoft.Extensions.Logging;
using MQTTnet;
using OeeOrleans.Edge.Queue;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;

namespace OeeOrleans.Edge.Sessions;

/// <summary>
/// Sends over one connection: births, then live records as they are appended, and beside them what waited in the queue, marked historical and no
/// faster than allowed, so that live values keep their latency. Lives as long as its connection.
/// </summary>
internal sealed class EdgeSender
{
    private const int ReadAhead = 64;

    private readonly EdgeOptions _options;
    private readonly EdgeNodeSession _session;
    private readonly EdgeImage _image;
    private readonly RecordQueue _queue;
    private readonly AckTracker _acks;
    private readonly IMqttClient _client;
    private readonly Signal _wake;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Func<bool> _byCommit;
    private readonly Func<bool> _takeHostSpoke;
    private readonly Dictionary<string, EdgeDevice> _devices;
    private readonly Queue<QueueRecord> _ahead = new();
    private readonly SemaphoreSlim _room;
    private ulong _live;
    private ulong _replay;
    private ulong _replayEnd;
    private double _budget;
    private long _budgetAt;
    private ulong _announcedFirst;
    private ulong _lastFirst;
    private long _lastProgress;

    public EdgeSender(
        EdgeOptions options, EdgeNodeSession session, EdgeImage image, RecordQueue queue, AckTracker acks, IMqttClient client, Signal wake, TimeProvider clock, ILogger log, Func<bool> byCommit, Func<bool> takeHostSpoke)
    {
        (_options, _session, _image, _queue, _acks, _client, _wake, _clock, _log, _byCommit, _takeHostSpoke) = (options, session, image, queue, acks, client, wake, clock, log, byCommit, takeHostSpoke);
        _devices = session.Definition.Devices.ToDictionary(d => d.Id, StringComparer.Ordinal);
        _room = new SemaphoreSlim(options.MaxInFlight, options.MaxInFlight);
        (_live, _replay, _replayEnd) = (queue.Next, queue.First, queue.Next);
        _budgetAt = _lastProgress = clock.GetTimestamp();
        _lastFirst = queue.First;
    }

    private int InFlight => _options.MaxInFlight - _room.CurrentCount;

    public async Task BirthAsync(CancellationToken cancellationToken)
    {
        _announcedFirst = _queue.First;
        await PublishAsync(_session.NodeBirth(NowMs(), [], (_queue.Id, _announcedFirst)), cancellationToken);
        foreach (var device in _image.TakeOnline()) await PublishAsync(_session.DeviceBirth(device, NowMs(), _image.Values(device.Id), numbered: true), cancellationToken);
        EdgeMetrics.Births.Inc();
    }

    public async Task RunAsync(Func<bool> takeRebirth, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (takeRebirth()) await BirthAsync(cancellationToken);
            else if (_image.NextChanged() is { } device) await TellDeviceAsync(device, cancellationToken);
            else if (Dropped()) await PublishAsync(_session.QueueFirst(_announcedFirst = _queue.DroppedUpTo + 1, NowMs()), cancellationToken);
            else if (_live < _queue.Next) await SendLiveAsync(cancellationToken);
            else if (!await TryReplayAsync(cancellationToken))
            {
                NoteProgress();
                await _wake.WaitAsync(TimeSpan.FromMilliseconds(_replay < _replayEnd ? 20 : 250), cancellationToken);
            }
        }
    }

    /// <summary>Records were dropped that the host still waits for: it must hear that they do not come.</summary>
    private bool Dropped() => _queue.DroppedUpTo >= _announcedFirst;

    private async Task TellDeviceAsync(EdgeDevice device, CancellationToken cancellationToken)
    {
        var message = _image.IsOnline(device.Id)
            ? _session.DeviceBirth(device, NowMs(), _image.Values(device.Id), numbered: true)
            : _session.DeviceDeath(device, NowMs());
        await PublishAsync(message, cancellationToken);
    }

    private async Task SendLiveAsync(CancellationToken cancellationToken)
    {
        var number = _live++;
        if (_queue.Read(number) is { } record) await SendAsync(record, historical: false, cancellationToken);
    }

    private async Task<bool> TryReplayAsync(CancellationToken cancellationToken)
    {
        if (_replay < _queue.First) _replay = _queue.First;
        if (_replay >= _replayEnd) return Resend();
        // Half of the window stays free for live records.
        if (!TakeBudget() || InFlight >= Math.Max(1, _options.MaxInFlight / 2)) return false;
        if (_ahead.Count == 0)
        {
            foreach (var read in _queue.ReadFrom(_replay, ReadAhead)) _ahead.Enqueue(read);
        }

        while (_ahead.TryPeek(out var next) && next.Number < _replay) _ahead.Dequeue();
        if (!_ahead.TryPeek(out var record) || record.Number >= _replayEnd)
        {
            _ahead.Clear();
            _replay = _replayEnd;
            return true;
        }

        // A device that is dead may not send, not even its past: it waits for the next birth.
        if (_devices.ContainsKey(record.Device) && !_image.IsOnline(record.Device)) return false;
        _ahead.Dequeue();
        _replay = record.Number + 1;
        _budget -= record.Values;
        await SendAsync(record, historical: true, cancellationToken);
        return true;
    }

    /// <summary>A host spoke (it came up, or told its mark once more), everything was sent and acknowledged by the broker, and yet the mark stands
    /// still: what lies above it is sent again. A host that is silent is no reason: its broker keeps what we sent.</summary>
    private bool Resend()
    {
        if (!_byCommit() || InFlight > 0 || _queue.First >= _live || _clock.GetElapsedTime(_lastProgress) < _options.ResendAfter || !_takeHostSpoke()) return false;
        Log.Resending(_log, _queue.First, _live - 1, (int)_options.ResendAfter.TotalSeconds);
        _lastProgress = _clock.GetTimestamp();
        (_replay, _replayEnd) = (_queue.First, _live);
        _ahead.Clear();
        return true;
    }

    private void NoteProgress()
    {
        if (_queue.First == _lastFirst && _queue.First < _live) return;
        _lastFirst = _queue.First;
        _lastProgress = _clock.GetTimestamp();
    }

    private bool TakeBudget()
    {
        var now = _clock.GetTimestamp();
        _budget = Math.Min(_options.ReplayValuesPerS / 4.0, _budget + (_clock.GetElapsedTime(_budgetAt, now).TotalSeconds * _options.ReplayValuesPerS));
        _budgetAt = now;
        return _budget > 0;
    }

    private async Task SendAsync(QueueRecord record, bool historical, CancellationToken cancellationToken)
    {
        if (!_devices.TryGetValue(record.Device, out var device))
        {
            // A device that is configured no more: its values would be illegal without a birth. The host must not wait for them.
            Log.RecordWithoutDevice(_log, record.Number, record.Device);
            EdgeMetrics.Dropped.WithLabels("device_gone").Inc();
            await PublishAsync(_session.GiveUp(record.Number, NowMs()), cancellationToken);
            Acknowledged(record.Number);
            return;
        }

        var message = _session.Replay(device, NowMs(), record.Payload, record.Number, historical, Known);
        await _room.WaitAsync(cancellationToken);
        EdgeMetrics.InFlight.Set(InFlight);
        // In order onto the wire; only the acknowledgement is awaited aside.
        _ = AcknowledgeAsync(record, historical, _client.PublishAsync(EdgeTransport.Message(message, _options.Qos), cancellationToken));
    }

    private async Task AcknowledgeAsync(QueueRecord record, bool historical, Task<MqttClientPublishResult> published)
    {
        try
        {
            var result = await published;
            if (!result.IsSuccess)
            {
                EdgeMetrics.PublishFailures.Inc();
                return;
            }

            EdgeMetrics.Published.WithLabels(historical ? "replay" : "live").Inc(record.Values);
            Acknowledged(record.Number);
        }
        catch (Exception error) when (error is OperationCanceledException or MQTTnet.Exceptions.MqttCommunicationException or InvalidOperationException)
        {
            // The connection is gone; the record is in the queue and comes with the next one.
            EdgeMetrics.PublishFailures.Inc();
        }
        finally
        {
            _room.Release();
            EdgeMetrics.InFlight.Set(InFlight);
            _wake.Set();
        }
    }

    private void Acknowledged(ulong number)
    {
        if (_byCommit()) return;
        if (_acks.Acknowledged(number, _queue.First) is var mark && mark > 0) _queue.Release(mark);
    }

    private EdgeMetric? Known(ulong alias) => AliasBook.Parse(_queue.Describe(alias), alias);

    private async Task PublishAsync(EdgeMessage message, CancellationToken cancellationToken)
    {
        var result = await _client.PublishAsync(EdgeTransport.Message(message, _options.Qos), cancellationToken);
        if (!result.IsSuccess) throw new InvalidOperationException($"the broker refuses {message.Topic}: {result.ReasonCode}");
    }

    private ulong NowMs() => (ulong)_clock.GetUtcNow().ToUnixTimeMilliseconds();
}
