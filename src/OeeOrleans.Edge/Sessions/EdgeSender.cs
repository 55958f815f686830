using Microsoft.Extensions.Logging;
using MQTTnet;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Edge.Queue;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;

namespace OeeOrleans.Edge.Sessions;

/// <summary>
/// Sends over one connection: births, then live records as they are appended, and beside them what waited in the queue, marked historical
/// and no faster than allowed, so that live values keep their latency. Lives as long as its connection.
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
    private readonly WakeEvent _wake;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Func<bool> _byCommit;
    private readonly Func<bool> _takeHostSpoke;

    /// <summary>Told the number up to which every record was sent, or announced as done.</summary>
    private readonly Action<ulong> _sent;
    private readonly Func<SourcesReport?> _report;
    private readonly Dictionary<string, EdgeDevice> _devices;
    private readonly Queue<QueueRecord> _ahead = new();

    /// <summary>Devices that were born on this connection and did not die since: no other may send.</summary>
    private readonly HashSet<string> _born = new(StringComparer.Ordinal);

    private readonly PostponedRecords _postponed;
    private readonly SemaphoreSlim _room;

    /// <summary>
    /// A dead device that was born only to tell what it said while it lived. Its own return, its death and a rebirth of the node end that.
    /// </summary>
    private EdgeDevice? _lent;
    private ulong _live;
    private ulong _replay;
    private ulong _replayEnd;
    private double _budget;
    private long _budgetAt;
    private ulong _announcedFirst;
    private ulong _lastFirst;
    private long _lastProgress;

    public EdgeSender(
        EdgeOptions options, EdgeNodeSession session, EdgeImage image, RecordQueue queue, AckTracker acks, IMqttClient client,
        WakeEvent wake, TimeProvider clock, ILogger log, Func<bool> byCommit, Func<bool> takeHostSpoke, Action<ulong> sent,
        Func<SourcesReport?> report)
    {
        (_options, _session, _image, _queue, _acks, _client) = (options, session, image, queue, acks, client);
        _postponed = new PostponedRecords(clock);
        (_wake, _clock, _log, _byCommit, _takeHostSpoke, _sent, _report) = (wake, clock, log, byCommit, takeHostSpoke, sent, report);
        _devices = session.Definition.Devices.ToDictionary(d => d.Id, StringComparer.Ordinal);
        _room = new SemaphoreSlim(options.MaxInFlight, options.MaxInFlight);
        (_live, _replay, _replayEnd) = (queue.Next, queue.First, queue.Next);
        _budgetAt = _lastProgress = clock.GetTimestamp();
        _lastFirst = queue.First;
    }

    private int InFlight => _options.MaxInFlight - _room.CurrentCount;

    public async Task BirthAsync(CancellationToken cancellationToken)
    {
        // Those who died since, and whoever was lent a birth: nobody would speak of them any more.
        foreach (var id in _born.Where(id => !_image.IsOnline(id)).ToList()) await DeathAsync(_devices[id], cancellationToken);
        _announcedFirst = _queue.First;
        _sent(_announcedFirst - 1);
        ControlValue[] controls = [.. CommitMetrics.InNodeBirth(_queue.Id, _announcedFirst), .. SourcesControl()];
        await PublishAsync(_session.NodeBirth(NowMs(), [], controls), cancellationToken);
        _born.Clear();
        _lent = null;
        foreach (var device in _image.TakeOnline()) await BirthAsync(device, _image.Values(device.Id), cancellationToken);
        EdgeMetrics.Births.Inc();
    }

    private IEnumerable<ControlValue> SourcesControl() =>
        _report() is { } report ? [new ControlValue(SourcesReport.MetricName, SparkplugDataType.String, report.ToJson())] : [];

    public async Task RunAsync(Func<bool> takeRebirth, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (takeRebirth()) await BirthAsync(cancellationToken);
            else if (_image.NextChanged() is { } device) await TellDeviceAsync(device, cancellationToken);
            else if (Dropped()) await TellDroppedAsync(cancellationToken);
            else if (_live < _queue.Next) await SendLiveAsync(cancellationToken);
            else if (!await TryTellOfDeadAsync(cancellationToken) && !await TryReplayAsync(cancellationToken))
            {
                NoteProgress();
                await _wake.WaitAsync(TimeSpan.FromMilliseconds(_replay < _replayEnd ? 20 : 250), cancellationToken);
            }
        }
    }

    /// <summary>Records were dropped that the host still waits for: it must hear that they do not come.</summary>
    private bool Dropped() => _queue.DroppedUpTo >= _announcedFirst;

    private async Task TellDroppedAsync(CancellationToken cancellationToken)
    {
        _announcedFirst = _queue.DroppedUpTo + 1;
        _sent(_queue.DroppedUpTo);
        await PublishAsync(_session.Control(NowMs(), CommitMetrics.FirstIs(_announcedFirst)), cancellationToken);
    }

    private async Task TellDeviceAsync(EdgeDevice device, CancellationToken cancellationToken)
    {
        if (ReferenceEquals(_lent, device)) _lent = null;
        if (_image.IsOnline(device.Id)) await BirthAsync(device, _image.Values(device.Id), cancellationToken);
        else await DeathAsync(device, cancellationToken);
    }

    private async Task DeathAsync(EdgeDevice device, CancellationToken cancellationToken)
    {
        // Not born on this connection: nothing to take back.
        if (!_born.Remove(device.Id)) return;
        await PublishAsync(_session.DeviceDeath(device, NowMs()), cancellationToken);
    }

    private async Task BirthAsync(EdgeDevice device, IReadOnlyCollection<EdgeValue> values, CancellationToken cancellationToken)
    {
        var birth = _session.DeviceBirth(device, NowMs(), values, CommitMetrics.InDeviceBirth(_session.Definition, device));
        await PublishAsync(birth, cancellationToken);
        _born.Add(device.Id);
        _postponed.Born(device.Id);
    }

    /// <summary>
    /// A device that stays dead would keep what it said before, and with that the queue, for ever. So it is born with no values at all, its
    /// past is sent, and it dies again.
    /// </summary>
    private async Task<bool> TryTellOfDeadAsync(CancellationToken cancellationToken)
    {
        // It may only be that there is no room for the past just now.
        if (_postponed.AnyFree || _replay < _replayEnd) return false;
        if (_lent is { } lent)
        {
            _lent = null;
            await DeathAsync(lent, cancellationToken);
            return true;
        }

        // What was heard meanwhile need not be told again.
        _postponed.Forget(_queue.First);
        if (_postponed.WaitsFor(_options.TellOfDeadAfter) is not { } id) return false;
        _lent = _devices[id];
        Log.TellingOfDead(_log, id);
        await BirthAsync(_lent, [], cancellationToken);
        return true;
    }

    private async Task SendLiveAsync(CancellationToken cancellationToken)
    {
        var number = _live++;
        if (_queue.Read(number) is not { } record) return;
        if (MustWait(record)) _postponed.Postpone(record);
        else await SendAsync(record, historical: false, cancellationToken);
    }

    private bool MustWait(in QueueRecord record) => _devices.ContainsKey(record.Device) && !_born.Contains(record.Device);

    private async Task<bool> TryReplayAsync(CancellationToken cancellationToken)
    {
        if (_replay < _queue.First) _replay = _queue.First;
        if (!_postponed.AnyFree && _replay >= _replayEnd) return Resend();
        // Half of the window stays free for live records.
        if (!TakeBudget() || InFlight >= Math.Max(1, _options.MaxInFlight / 2)) return false;
        // Null when it was dropped meanwhile.
        var next = _postponed.AnyFree ? _queue.Read(_postponed.TakeFree()) : NextOfThePast();
        if (next is not { } record) return true;
        if (MustWait(record))
        {
            _postponed.Postpone(record);
            return true;
        }

        _budget -= record.Values;
        await SendAsync(record, historical: true, cancellationToken);
        return true;
    }

    /// <summary>The next record that waited when the connection was made; null when there is none any more.</summary>
    private QueueRecord? NextOfThePast()
    {
        while (_ahead.TryPeek(out var old) && old.Number < _replay) _ahead.Dequeue();
        if (_ahead.Count == 0)
        {
            foreach (var read in _queue.ReadFrom(_replay, ReadAhead)) _ahead.Enqueue(read);
        }

        if (!_ahead.TryDequeue(out var record) || record.Number >= _replayEnd)
        {
            _ahead.Clear();
            _replay = _replayEnd;
            return null;
        }

        _replay = record.Number + 1;
        return record;
    }

    /// <summary>A host spoke (it came up, or told its mark once more), everything was sent and acknowledged by the broker, and yet the mark
    /// stands still: what lies above it is sent again. A host that is silent is no reason: its broker keeps what we sent.</summary>
    private bool Resend()
    {
        if (!_byCommit() || InFlight > 0 || _queue.First >= _live || _clock.GetElapsedTime(_lastProgress) < _options.ResendAfter)
        {
            return false;
        }

        if (!_takeHostSpoke()) return false;
        Log.Resending(_log, _queue.First, _live - 1, (int)_options.ResendAfter.TotalSeconds);
        _lastProgress = _clock.GetTimestamp();
        (_replay, _replayEnd) = (_queue.First, _live);
        _ahead.Clear();
        _postponed.Clear();
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
        _budget = Math.Min(
            _options.ReplayValuesPerS / 4.0, _budget + (_clock.GetElapsedTime(_budgetAt, now).TotalSeconds * _options.ReplayValuesPerS));
        _budgetAt = now;
        return _budget > 0;
    }

    private async Task SendAsync(QueueRecord record, bool historical, CancellationToken cancellationToken)
    {
        _sent(SentUpTo());
        if (!_devices.TryGetValue(record.Device, out var device))
        {
            // A device that is configured no more: its values would be illegal without a birth. The host must not wait for them.
            Log.RecordWithoutDevice(_log, record.Number, record.Device);
            EdgeMetrics.Dropped.WithLabels("device_gone").Inc();
            await PublishAsync(_session.Control(NowMs(), CommitMetrics.GiveUp(record.Number)), cancellationToken);
            Acknowledged(record.Number);
            return;
        }

        var number = CommitMetrics.RecordOf(_session.Definition, device, record.Number);
        var message = _session.Replay(device, NowMs(), record.Payload, historical, Known, number);
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
        catch (Exception error)
            when (error is OperationCanceledException or MQTTnet.Exceptions.MqttCommunicationException or InvalidOperationException)
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

    /// <summary>
    /// Live records overtake those that waited, and those of dead devices wait longer: below the first that waits, all are sent.
    /// </summary>
    private ulong SentUpTo()
    {
        var first = _replay < _replayEnd ? _replay : _live;
        return Math.Min(first, _postponed.First ?? first) - 1;
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
