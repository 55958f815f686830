using System.Collections.Concurrent;
using System.Text.Json;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.TestServers;

namespace OeeOrleans.Benchmarks;

/// <summary>
/// From the source time of a state change to its visibility in /api/machines/status, while other devices publish 200 messages a second.
/// usage: latency [SECONDS [RATE]]
/// </summary>
internal static class Latency
{
    public static async Task<int> RunAsync(string[] args)
    {
        var seconds = args.Length > 0 ? int.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture) : 30;
        var rate = args.Length > 1 ? args[1] : "200";
        await using var rig = await Rig.StartAsync("          - { id: press1, ideal_cycle_s: 1, edge_node: bench/edge1 }");
        await using var load = ServerProcess.Start(
            "dotnet",
            [
                Rig.Program,
                "load",
                "--broker",
                rig.Broker.ToString(),
                "--nodes",
                "10",
                "--devices",
                "5",
                "--metrics",
                "20",
                "--rate",
                rate,
                "--seconds",
                $"{seconds + 10}",
            ]);
        using var client = new MqttClientFactory().CreateMqttClient();
        await client.ConnectAsync(
            new MqttClientOptionsBuilder()
                .WithTcpServer("127.0.0.1", rig.BrokerPort)
                .WithProtocolVersion(MqttProtocolVersion.V311)
                .Build());
        var writer = new SparkplugPayloadWriter();
        byte seq = 0;
        Task SendAsync(string type, string? device) => client.PublishAsync(new MqttApplicationMessageBuilder()
            .WithTopic($"spBv1.0/bench/{type}/edge1{(device is null ? "" : "/" + device)}")
                .WithPayload(writer.Written.ToArray())
                .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
                .Build());
        static ulong Now() => (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

        writer.Begin(Now(), seq++);
        writer.Integer(new MetricHead("bdSeq", null, Now(), SparkplugDataType.Int64), 0);
        await SendAsync("NBIRTH", null);
        writer.Begin(Now(), seq++);
        writer.Boolean(new MetricHead("state.run", 1, Now(), SparkplugDataType.Boolean), true);
        await SendAsync("DBIRTH", "press1");
        using var http = TestAccess.Client();
        await Eventually.TrueAsync("the machine to run", TimeSpan.FromSeconds(20), async () => await StateAsync(http, rig.Url) == "run");
        // The load has found its pace by then.
        await Task.Delay(3000);

        var latencies = new ConcurrentBag<double>();
        var running = true;
        for (var started = DateTime.UtcNow; (DateTime.UtcNow - started).TotalSeconds < seconds;)
        {
            running = !running;
            var changedAt = Now();
            writer.Begin(changedAt, seq++);
            writer.Boolean(new MetricHead(null, 1, changedAt, SparkplugDataType.Unknown), running);
            await SendAsync("DDATA", "press1");
            while (await StateAsync(http, rig.Url) != (running ? "run" : "stop")) await Task.Delay(5);
            latencies.Add(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - (long)changedAt);
            await Task.Delay(Random.Shared.Next(20, 120));
        }

        await load.WaitForExitAsync(TimeSpan.FromSeconds(60));
        var sorted = latencies.Order().ToList();
        Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                changes = sorted.Count,
                p50_ms = sorted[sorted.Count / 2],
                p95_ms = sorted[(int)(sorted.Count * 0.95)],
                p99_ms = sorted[(int)(sorted.Count * 0.99)],
                max_ms = sorted[^1],
                load = JsonDocument.Parse(load.Output).RootElement.GetProperty("messages_per_s").GetDouble(),
            },
            new JsonSerializerOptions { WriteIndented = true }));
        return 0;
    }

    private static async Task<string?> StateAsync(HttpClient http, string url)
    {
        using var json = JsonDocument.Parse(await http.GetStringAsync(new Uri($"{url}/api/machines/status?machine_id=press1")));
        return json.RootElement.GetProperty("items")[0].GetProperty("state").GetString();
    }
}
