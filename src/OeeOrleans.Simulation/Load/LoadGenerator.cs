using System.Diagnostics;
using MQTTnet;
using MQTTnet.Protocol;
using OeeOrleans.Mqtt;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Simulation.Load;

/// <summary>What to send.</summary>
public sealed record LoadSettings(BrokerAddress Broker, int Nodes, int Devices, int Metrics, double Rate, double Seconds)
{
    public string Group { get; init; } = "load";

    /// <summary>Unacknowledged messages per node at most.</summary>
    public int InFlight { get; init; } = 500;
}

/// <summary>What was sent, for comparison with what arrived.</summary>
public sealed record LoadReport
{
    public required string Group { get; init; }
    public required int Nodes { get; init; }
    public required int Devices { get; init; }
    public required int MetricsPerMessage { get; init; }
    public long Births { get; init; }
    public long Messages { get; init; }
    public long Metrics { get; init; }
    /// <summary>Values published, births included: the rows a host should have.</summary>
    public long Values { get; init; }
    public long Failed { get; init; }
    public double Seconds { get; init; }
    public double MessagesPerS { get; init; }
    public DateTimeOffset FirstTs { get; init; }
    public DateTimeOffset LastTs { get; init; }
}

/// <summary>
/// Edge nodes x devices x metrics at a rate, as real Sparkplug at QoS 1. Every value has a source time of its own, so nothing collapses in
/// the store.
/// </summary>
public sealed class LoadGenerator(LoadSettings settings, TimeProvider clock)
{
    private long _messages;
    private long _births;
    private long _failed;

    public async Task<LoadReport> RunAsync(CancellationToken cancellationToken)
    {
        var first = clock.GetUtcNow();
        var started = Stopwatch.GetTimestamp();
        await Task.WhenAll(
            Enumerable.Range(0, settings.Nodes).Select(n => Task.Run(() => NodeAsync(n, started, cancellationToken), cancellationToken)));
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var metrics = _messages * settings.Metrics;
        return new LoadReport
        {
            Group = settings.Group,
            Nodes = settings.Nodes,
            Devices = settings.Devices,
            MetricsPerMessage = settings.Metrics,
            Births = _births,
            Messages = _messages,
            Metrics = metrics,
            Values = metrics + ((_births - settings.Nodes) * settings.Metrics),
            Failed = _failed,
            Seconds = Math.Round(seconds, 3),
            MessagesPerS = Math.Round(_messages / seconds, 1),
            FirstTs = first,
            LastTs = clock.GetUtcNow(),
        };
    }

    private async Task NodeAsync(int number, long started, CancellationToken cancellationToken)
    {
        var node = $"n{number}";
        using var client = new MqttClientFactory().CreateMqttClient();
        var will = new SparkplugPayloadWriter().BeginWill();
        will.Integer(new MetricHead("bdSeq", null, 0, SparkplugDataType.Int64), 0);
        var options = settings.Broker.ToBuilder($"load-{settings.Group}-{node}")
            .WithCleanSession()
            .WithWillTopic(Topic(SparkplugMessageType.NDeath, node, null))
            .WithWillPayload(will.Written.ToArray())
            .WithWillQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
            .Build();
        await client.ConnectOrThrowAsync(options, cancellationToken);

        var writer = new SparkplugPayloadWriter();
        var seq = (byte)0;
        ulong lastMs = 0;
        async Task SendAsync(SparkplugMessageType type, int? device)
        {
            var message = new MqttApplicationMessageBuilder()
                .WithTopic(Topic(type, node, device is { } d ? $"d{d}" : null))
                    .WithPayload(writer.Written.ToArray())
                    .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
                    .Build();
            try
            {
                await client.PublishAsync(message, cancellationToken);
            }
            catch (Exception) when (!cancellationToken.IsCancellationRequested)
            {
                Interlocked.Increment(ref _failed);
            }
        }

        ulong NextMs() => lastMs = Math.Max(lastMs + 1, (ulong)clock.GetUtcNow().ToUnixTimeMilliseconds());

        writer.Begin(NextMs(), seq++);
        writer.Integer(new MetricHead("bdSeq", null, lastMs, SparkplugDataType.Int64), 0);
        writer.Boolean(new MetricHead(NodeCommands.RebirthName, null, lastMs, SparkplugDataType.Boolean), false);
        await SendAsync(SparkplugMessageType.NBirth, null);
        for (var device = 0; device < settings.Devices; device++)
        {
            writer.Begin(NextMs(), seq++);
            for (var m = 0; m < settings.Metrics; m++)
            {
                writer.Double(new MetricHead($"m{m}", (ulong)((device * settings.Metrics) + m + 1), lastMs, SparkplugDataType.Double), m);
            }

            await SendAsync(SparkplugMessageType.DBirth, device);
        }

        Interlocked.Add(ref _births, settings.Devices + 1);
        using var room = new SemaphoreSlim(settings.InFlight, settings.InFlight);
        var perNode = settings.Rate / settings.Nodes;
        var loadStarted = Stopwatch.GetTimestamp();
        for (long sent = 0; !cancellationToken.IsCancellationRequested; sent++)
        {
            var due = sent / perNode;
            if (due >= settings.Seconds) break;
            var early = due - Stopwatch.GetElapsedTime(loadStarted).TotalSeconds;
            if (early > 0.002) await Task.Delay(TimeSpan.FromSeconds(early), clock, cancellationToken);
            if (Stopwatch.GetElapsedTime(loadStarted).TotalSeconds > settings.Seconds * 2) break;
            await room.WaitAsync(cancellationToken);
            var device = (int)(sent % settings.Devices);
            writer.Begin(NextMs(), seq++);
            for (var m = 0; m < settings.Metrics; m++)
            {
                writer.Double(
                    new MetricHead(null, (ulong)((device * settings.Metrics) + m + 1), lastMs, SparkplugDataType.Unknown),
                    sent + (m * 0.5));
            }

            Interlocked.Increment(ref _messages);
            _ = SendAsync(SparkplugMessageType.DData, device).ContinueWith(
                _ => room.Release(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        // Everything in flight is acknowledged before the node leaves in good order.
        for (var i = 0; i < settings.InFlight; i++) await room.WaitAsync(cancellationToken);
        await client.DisconnectAsync(cancellationToken: cancellationToken);
    }

    private string Topic(SparkplugMessageType type, string node, string? device) =>
        new SparkplugTopic(type, settings.Group, node, device).ToString();
}
