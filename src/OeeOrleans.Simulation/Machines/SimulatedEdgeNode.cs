using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using OeeOrleans.Mqtt;
using OeeOrleans.Sparkplug.Edge;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Simulation.Machines;

/// <summary>Settings of one simulated edge node.</summary>
public sealed record EdgeNodeSettings(string Group, string Node, BrokerAddress Broker)
{
    /// <summary>Seconds between losses of the connection, on average; 0 = never.</summary>
    public double LosesConnectionEveryS { get; init; }

    /// <summary>What lies before this instant (milliseconds) is told coarsely: it is long gone.</summary>
    public long CoarseUntilMs { get; init; }
}

/// <summary>
/// An edge node with some machines, publishing real Sparkplug B at QoS 1: will, births with aliases, data by exception, rebirth on request.
/// One loop does everything, so `seq` needs no lock.
/// </summary>
public sealed class SimulatedEdgeNode(
    EdgeNodeSettings settings, IReadOnlyList<SimulatedMachine> machines, NodeMemory memory, TimeProvider clock, ILogger log)
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private readonly EdgeNodeSession _session = new(
        new EdgeNodeDefinition(settings.Group, settings.Node, [], [.. machines.Select(Device)]));
    private readonly Random _random = new(settings.Node.Length * 7919);
    private readonly List<MetricChange>[] _changes = [.. machines.Select(_ => new List<MetricChange>())];
    private volatile bool _rebirth;

    /// <summary>Lives until cancelled; reconnects by itself.</summary>
    /// <param name="history">Publish what happened from this instant (milliseconds) to now first, as historical values.</param>
    public async Task RunAsync(long? history, CancellationToken cancellationToken)
    {
        // What happened before anything was connected: lived through, and kept for the history.
        if (history is not null) Advance();
        else foreach (var list in _changes) list.Clear();
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await LiveOnceAsync(history is not null, cancellationToken);
                history = null;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                log.LogDebug("edge node {Node}: {Error}", settings.Node, error.Message);
            }

            try
            {
                await Task.Delay(TimeSpan.FromSeconds(1), clock, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Publishes what its machines lived through up to now, as historical values, and goes again: somebody else speaks for them
    /// from
    /// now on. A broker that is not there yet is waited for.</summary>
    public async Task TellPastAsync(CancellationToken cancellationToken)
    {
        Advance();
        while (!cancellationToken.IsCancellationRequested)
        {
            using var client = new MqttClientFactory().CreateMqttClient();
            try
            {
                var bdSeq = memory.NextBdSeq();
                await client.ConnectAsync(Options(bdSeq), cancellationToken);
                await BirthAsync(client, cancellationToken);
                await PublishHistoryAsync(client, cancellationToken);
                // Told and acknowledged before anybody else is born under this name; a will might come after that.
                await PublishAsync(client, _session.Will(bdSeq), cancellationToken);
                await client.DisconnectAsync(new MqttClientDisconnectOptions(), cancellationToken);
                return;
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested)
            {
                log.LogDebug("edge node {Node}: {Error}", settings.Node, error.Message);
            }

            await Task.Delay(TimeSpan.FromSeconds(1), clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task LiveOnceAsync(bool history, CancellationToken cancellationToken)
    {
        var bdSeq = memory.NextBdSeq();
        var client = new MqttClientFactory().CreateMqttClient();
        try
        {
            client.ApplicationMessageReceivedAsync += _ =>
            {
                _rebirth = true;
                return Task.CompletedTask;
            };
            await client.ConnectAsync(Options(bdSeq), cancellationToken);
            await client.SubscribeAsync(
                new SparkplugTopic(SparkplugMessageType.NCommand, settings.Group, settings.Node, null).ToString(),
                MqttQualityOfServiceLevel.AtLeastOnce, cancellationToken);
            var endsMs = settings.LosesConnectionEveryS > 0
                ? NowMs() + (long)(settings.LosesConnectionEveryS * 1000 * (0.6 + (0.8 * _random.NextDouble())))
                : long.MaxValue;
            if (!history) Advance();
            await BirthAsync(client, cancellationToken);
            if (history) await PublishHistoryAsync(client, cancellationToken);
            foreach (var list in _changes) list.Clear();
            while (NowMs() < endsMs)
            {
                await Task.Delay(Period, clock, cancellationToken);
                Advance();
                if (_rebirth) await BirthAsync(client, cancellationToken);
                await PublishChangesAsync(client, cancellationToken);
            }
        }
        finally
        {
            // Disposed, not disconnected: the broker publishes the will, as after a broken cable.
            client.Dispose();
        }

        var awayMs = NowMs() + 15_000 + _random.Next(20_000);
        while (NowMs() < awayMs)
        {
            await Task.Delay(Period, clock, cancellationToken);
            Advance();
            foreach (var list in _changes) list.Clear();
        }
    }

    private MqttClientOptions Options(byte bdSeq)
    {
        var will = _session.Will(bdSeq);
        return settings.Broker.ToBuilder($"sim-{settings.Group}-{settings.Node}")
            .WithCleanSession()
            .WithWillTopic(will.Topic.ToString())
            .WithWillPayload(will.Payload.ToArray())
            .WithWillQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
            .Build();
    }

    private async Task BirthAsync(IMqttClient client, CancellationToken cancellationToken)
    {
        _rebirth = false;
        await PublishAsync(client, _session.NodeBirth((ulong)NowMs(), []), cancellationToken);
        for (var i = 0; i < machines.Count; i++)
        {
            var device = _session.Definition.Devices[i];
            // The values are those of the machine's last step, and so is their time: a later one would put the next change before the
            // birth, and a counter would seem to go back.
            var shown = machines[i]
                .Shown()
                .Select(s => new EdgeValue(device.Metrics[s.Metric], (ulong)machines[i].NowMs, s.Value))
                .ToList();
            await PublishAsync(client, _session.DeviceBirth(device, (ulong)NowMs(), shown), cancellationToken);
        }
    }

    private async Task PublishChangesAsync(IMqttClient client, CancellationToken cancellationToken)
    {
        for (var i = 0; i < machines.Count; i++)
        {
            if (_changes[i].Count == 0) continue;
            await PublishDataAsync(client, i, _changes[i], historical: false, cancellationToken);
            _changes[i].Clear();
        }
    }

    /// <summary>The past as it would come from a store-and-forward buffer: in order, minute by minute, marked historical.</summary>
    private async Task PublishHistoryAsync(IMqttClient client, CancellationToken cancellationToken)
    {
        const int ChangesPerMessage = 500;
        for (var i = 0; i < machines.Count; i++)
        {
            foreach (var part in _changes[i].Chunk(ChangesPerMessage))
            {
                await PublishDataAsync(client, i, part, historical: true, cancellationToken);
            }
        }
    }

    private Task PublishDataAsync(
        IMqttClient client, int machine, IReadOnlyList<MetricChange> changes, bool historical, CancellationToken cancellationToken)
    {
        var device = _session.Definition.Devices[machine];
        var values = changes.Select(c => new EdgeValue(device.Metrics[c.Metric], (ulong)c.TimeMs, c.Value)).ToList();
        return PublishAsync(client, _session.Data(device, (ulong)NowMs(), values, historical), cancellationToken);
    }

    private static async Task PublishAsync(IMqttClient client, EdgeMessage message, CancellationToken cancellationToken) =>
        await client.PublishAsync(
        new MqttApplicationMessageBuilder()
            .WithTopic(message.Topic.ToString())
            .WithPayload(message.Payload.ToArray())
            .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
            .Build(),
        cancellationToken);

    private static EdgeDevice Device(SimulatedMachine machine, int index) => new(
        machine.Device, [.. machine.Metrics.Select((m, i) => new EdgeMetric(m.Name, m.Type, (ulong)((index * 100) + i + 1), m.Unit))]);

    private void Advance()
    {
        for (var i = 0; i < machines.Count; i++)
        {
            machines[i].AdvanceThroughPast(settings.CoarseUntilMs, _changes[i]);
            machines[i].AdvanceTo(NowMs(), _changes[i]);
        }
    }

    private long NowMs() => clock.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>What an edge node remembers over restarts.</summary>
public sealed class NodeMemory
{
    public int BdSeq { get; set; } = -1;

    /// <summary>One per connection, 0..255 (tck-id-payloads-nbirth-bdseq-repeat).</summary>
    public byte NextBdSeq()
    {
        BdSeq = (BdSeq + 1) & 0xFF;
        return (byte)BdSeq;
    }
}
