using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Simulation.Machines;

/// <summary>Settings of one simulated edge node.</summary>
public sealed record EdgeNodeSettings(string Group, string Node, string Host, int Port)
{
    /// <summary>Seconds between losses of the connection, on average; 0 = never.</summary>
    public double LosesConnectionEveryS { get; init; }
}

/// <summary>
/// An edge node with some machines, publishing real Sparkplug B at QoS 1: will, births with aliases, data by exception, rebirth on request.
/// One loop does everything, so `seq` needs no lock.
/// </summary>
public sealed class SimulatedEdgeNode(EdgeNodeSettings settings, IReadOnlyList<SimulatedMachine> machines, NodeMemory memory, TimeProvider clock, ILogger log)
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private readonly SparkplugPayloadWriter _writer = new();
    private readonly Random _random = new(settings.Node.Length * 7919);
    private readonly List<MetricChange>[] _changes = [.. machines.Select(_ => new List<MetricChange>())];
    private byte _seq;
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
            await client.SubscribeAsync(Topic(SparkplugMessageType.NCommand, null), MqttQualityOfServiceLevel.AtLeastOnce, cancellationToken);
            var endsMs = settings.LosesConnectionEveryS > 0 ? NowMs() + (long)(settings.LosesConnectionEveryS * 1000 * (0.6 + (0.8 * _random.NextDouble()))) : long.MaxValue;
            if (!history) Advance();
            await BirthAsync(client, bdSeq, cancellationToken);
            if (history) await PublishHistoryAsync(client, cancellationToken);
            foreach (var list in _changes) list.Clear();
            while (NowMs() < endsMs)
            {
                await Task.Delay(Period, clock, cancellationToken);
                Advance();
                if (_rebirth) await BirthAsync(client, bdSeq, cancellationToken);
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
        _writer.BeginWill();
        _writer.Integer(new MetricHead("bdSeq", null, 0, SparkplugDataType.Int64), bdSeq);
        return new MqttClientOptionsBuilder()
            .WithTcpServer(settings.Host, settings.Port)
            .WithClientId($"sim-{settings.Group}-{settings.Node}")
            .WithProtocolVersion(MqttProtocolVersion.V311)
            .WithCleanSession()
            .WithWillTopic(Topic(SparkplugMessageType.NDeath, null))
            .WithWillPayload(_writer.Written.ToArray())
            .WithWillQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
            .Build();
    }

    private async Task BirthAsync(IMqttClient client, byte bdSeq, CancellationToken cancellationToken)
    {
        _rebirth = false;
        _seq = 0;
        // The values are those of the machines' last step, and so is their time: a later one would put the next change before the birth, and a counter would seem to go back.
        var now = (ulong)machines.Max(m => m.NowMs);
        _writer.Begin((ulong)NowMs(), _seq++);
        _writer.Integer(new MetricHead("bdSeq", null, now, SparkplugDataType.Int64), bdSeq);
        _writer.Boolean(new MetricHead("Node Control/Rebirth", null, now, SparkplugDataType.Boolean), false);
        await PublishAsync(client, SparkplugMessageType.NBirth, null, cancellationToken);
        for (var i = 0; i < machines.Count; i++)
        {
            _writer.Begin((ulong)NowMs(), _seq++);
            foreach (var (metric, value) in machines[i].Shown())
            {
                var info = machines[i].Metrics[metric];
                Write(new MetricHead(info.Name, Alias(i, metric), now, info.Type), value);
            }

            await PublishAsync(client, SparkplugMessageType.DBirth, machines[i].Device, cancellationToken);
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
        const int ChangesPerMessage = 200;
        for (var i = 0; i < machines.Count; i++)
        {
            foreach (var part in _changes[i].Chunk(ChangesPerMessage)) await PublishDataAsync(client, i, part, historical: true, cancellationToken);
        }
    }

    private async Task PublishDataAsync(IMqttClient client, int machine, IReadOnlyList<MetricChange> changes, bool historical, CancellationToken cancellationToken)
    {
        _writer.Begin((ulong)NowMs(), _seq++);
        foreach (var change in changes)
        {
            Write(new MetricHead(null, Alias(machine, change.Metric), (ulong)change.TimeMs, machines[machine].Metrics[change.Metric].Type, historical), change.Value);
        }

        await PublishAsync(client, SparkplugMessageType.DData, machines[machine].Device, cancellationToken);
    }

    private async Task PublishAsync(IMqttClient client, SparkplugMessageType type, string? device, CancellationToken cancellationToken) => await client.PublishAsync(
        new MqttApplicationMessageBuilder().WithTopic(Topic(type, device)).WithPayload(_writer.Written.ToArray()).WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).Build(),
        cancellationToken);

    private void Write(in MetricHead head, object value)
    {
        switch (value)
        {
            case bool flag: _writer.Boolean(head, flag); break;
            case long number: _writer.Integer(head, number); break;
            case double number: _writer.Double(head, number); break;
            default: _writer.String(head, (string)value); break;
        }
    }

    private void Advance()
    {
        for (var i = 0; i < machines.Count; i++) machines[i].AdvanceTo(NowMs(), _changes[i]);
    }

    private static ulong Alias(int machine, int metric) => (ulong)((machine * 100) + metric + 1);

    private string Topic(SparkplugMessageType type, string? device) => new SparkplugTopic(type, settings.Group, settings.Node, device).ToString();

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
