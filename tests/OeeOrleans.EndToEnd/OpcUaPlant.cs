using System.Globalization;
using MQTTnet;
using Npgsql;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>One machine behind an OPC UA server: our edge as a process of its own, over a wire that can be cut.</summary>
internal sealed class OpcUaPlant : IAsyncDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);
    private readonly TestPlant _plant;
    private readonly string _config;
    private readonly int _port = ServerProcess.FreePort();
    private ServerProcess? _edge;

    private OpcUaPlant(TestPlant plant, OpcUaPeer server, ChaosProxy proxy, Oee host, string config) =>
        (_plant, Server, Proxy, Host, _config) = (plant, server, proxy, host, config);

    public OpcUaPeer Server { get; }

    /// <summary>Between the edge and the server.</summary>
    public ChaosProxy Proxy { get; }

    public Oee Host { get; }

    public string EdgeOutput => _edge!.Output;

    /// <param name="server">Options of the server.</param>
    /// <param name="source">Options of the source.</param>
    /// <param name="queue">Values of the counter that the server keeps.</param>
    public static async Task<OpcUaPlant> StartAsync(PostgresServer postgres, string server, string source = "", int queue = 4000)
    {
        var plant = await TestPlant.CreateAsync(postgres);
        var peer = await OpcUaPeer.StartAsync(server);
        var proxy = new ChaosProxy(peer.Port);
        var config = await plant.WriteOpcUaEdgeConfigAsync($"opc.tcp://127.0.0.1:{proxy.Port}/UA", peer.NamespaceIndex, source, queue);
        var running = new OpcUaPlant(plant, peer, proxy, await plant.StartAsync(), config);
        await running.StartEdgeAsync();
        return running;
    }

    public async Task StartEdgeAsync()
    {
        _edge = ServerProcess.Start("dotnet",
            [Oee.Program, "run", "--config", _config, "--role", "edge", "--urls", $"http://127.0.0.1:{_port}"]);
        await Eventually.TrueAsync(
            "the edge to be born", Soon,
            () => _edge.HasExited
                ? throw new InvalidOperationException(_edge.Output)
                : Task.FromResult(_edge.Output.Contains("-> Born", StringComparison.Ordinal)));
    }

    public async Task KillEdgeAsync()
    {
        await _edge!.KillAsync();
        await _edge.DisposeAsync();
    }

    /// <summary>Waits until this counter value is stored.</summary>
    public Task StoredAsync(long value) => Eventually.HoldsAsync(
        $"counter {value} to be stored", Soon,
        async () => $"{await ScalarAsync("select coalesce(max(value), 0)::bigint from telemetry where name = 'counter.good'")}; "
            + $"{_edge!.Output.Split('\n').TakeLast(5).Aggregate("", (a, b) => a + '\n' + b)}",
        found => long.Parse(found[..found.IndexOf(';', StringComparison.Ordinal)], CultureInfo.InvariantCulture) >= value);

    /// <summary>Every stored value of the counter, in the order of their times; the server starts with 0.</summary>
    public async Task<List<double>> ValuesAsync()
    {
        await using var connection = new NpgsqlConnection(_plant.Connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "select value from telemetry where name = 'counter.good' and value > 0 order by ts", connection);
        await using var reader = await command.ExecuteReaderAsync();
        var values = new List<double>();
        while (await reader.ReadAsync()) values.Add(reader.GetDouble(0));
        return values;
    }

    /// <summary>Waits until exactly these are stored, each once.</summary>
    public Task AllStoredAsync(List<double> expected) => Eventually.HoldsAsync(
        $"{expected.Count} values to be stored, each once", Soon,
        async () =>
        {
            var values = await ValuesAsync();
            var missing = expected.Except(values).Take(10);
            return $"{values.Count} values, missing {string.Join(' ', missing)}{(values.SequenceEqual(expected) ? " equal" : "")}";
        },
        found => found.EndsWith("equal", StringComparison.Ordinal));

    public Task<long> ScalarAsync(string sql) => _plant.ScalarAsync(sql);

    /// <summary>Sum of a metric of the edge over its labels.</summary>
    public async Task<double> EdgeMetricAsync(string name, Func<double, bool>? until = null) => await Eventually.HoldsAsync(
        name, Soon,
        async () =>
        {
            using var http = new HttpClient();
            var text = await http.GetStringAsync(new Uri($"http://127.0.0.1:{_port}/metrics"));
            return text.Split('\n')
                .Where(l => l.StartsWith(name, StringComparison.Ordinal))
                .Sum(l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
        },
        until ?? (_ => true));

    /// <summary>DCMD to the machine, as any Sparkplug host sends it.</summary>
    public async Task CommandAsync(string metric, double value)
    {
        var writer = new SparkplugPayloadWriter();
        var now = (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        writer.Begin(now, null);
        writer.Double(new MetricHead(metric, null, now, SparkplugDataType.Double), value);
        using var client = new MqttClientFactory().CreateMqttClient();
        await client.ConnectAsync(
            new MqttClientOptionsBuilder().WithConnectionUri(new Uri(_plant.Broker.Url)).WithClientId("commander").Build());
        await client.PublishAsync(
            new MqttApplicationMessageBuilder().WithTopic("spBv1.0/e2e/DCMD/edge1/press1").WithPayload(writer.Written.ToArray()).Build());
        await client.DisconnectAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_edge is not null) await _edge.DisposeAsync();
        await Host.DisposeAsync();
        await Proxy.DisposeAsync();
        await Server.DisposeAsync();
        await _plant.DisposeAsync();
    }
}
