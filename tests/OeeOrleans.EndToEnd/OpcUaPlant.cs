using System.Globalization;
using Npgsql;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>One machine behind an OPC UA server: our edge as a process of its own, over a wire that can be cut.</summary>
internal sealed class OpcUaPlant : IAsyncDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);
    private readonly TestPlant _plant;

    private OpcUaPlant(TestPlant plant, OpcUaPeer server, ChaosProxy proxy, Oee host, EdgeProcess edge) =>
        (_plant, Server, Proxy, Host, Edge) = (plant, server, proxy, host, edge);

    public OpcUaPeer Server { get; }

    public string Broker => _plant.Broker.Url;

    /// <summary>Between the edge and the server.</summary>
    public ChaosProxy Proxy { get; }

    public Oee Host { get; }

    public EdgeProcess Edge { get; }

    /// <param name="server">Options of the server.</param>
    /// <param name="source">Options of the source.</param>
    /// <param name="queue">Values of the counter that the server keeps.</param>
    public static async Task<OpcUaPlant> StartAsync(PostgresServer postgres, string server, string source = "", int queue = 4000)
    {
        var plant = await TestPlant.CreateAsync(postgres);
        var peer = await OpcUaPeer.StartAsync(server);
        var proxy = new ChaosProxy(peer.Port);
        var config = await plant.WriteEdgeOfMachineAsync(
            $$"""
            { id: plc1, url: "opc.tcp://127.0.0.1:{{proxy.Port}}/UA", trust: first_use, device: press1, interval_ms: 50, {{source}} tags: [
              { address: "ns={{peer.NamespaceIndex}};s=Counter0", metric: counter.good, queue_size: {{queue}} },
              { address: "ns={{peer.NamespaceIndex}};s=Scalar.Boolean", metric: state.run },
              { address: "ns={{peer.NamespaceIndex}};s=Analog", metric: process.speed, writable: true } ] }
            """);
        var running = new OpcUaPlant(plant, peer, proxy, await plant.StartAsync(), new EdgeProcess(config));
        await running.Edge.StartAsync();
        return running;
    }

    /// <summary>Waits until this counter value is stored.</summary>
    public Task StoredAsync(long value) => Eventually.HoldsAsync(
        $"counter {value} to be stored", Soon,
        async () => $"{await ScalarAsync("select coalesce(max(value), 0)::bigint from telemetry where name = 'counter.good'")}; "
            + $"{Edge.Output.Split('\n').TakeLast(5).Aggregate("", (a, b) => a + '\n' + b)}",
        found => long.Parse(found[..found.IndexOf(';', StringComparison.Ordinal)], CultureInfo.InvariantCulture) >= value);

    /// <summary>Every stored value of the counter and when it was, in the order of their times; the server starts with 0.</summary>
    private async Task<List<(double Value, DateTime At)>> ValuesAsync()
    {
        await using var connection = new NpgsqlConnection(_plant.Connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "select value, ts from telemetry where name = 'counter.good' and value > 0 order by ts", connection);
        await using var reader = await command.ExecuteReaderAsync();
        var values = new List<(double, DateTime)>();
        while (await reader.ReadAsync()) values.Add((reader.GetDouble(0), reader.GetDateTime(1)));
        return values;
    }

    /// <summary>Waits until exactly these are stored, each once.</summary>
    public Task AllStoredAsync(List<double> expected) => Eventually.HoldsAsync(
        $"{expected.Count} values to be stored, each once", Soon,
        async () =>
        {
            var stored = await ValuesAsync();
            var values = stored.ConvertAll(s => s.Value);
            var missing = expected.Except(values).Take(10);
            // What was stored twice, or out of turn, beside its neighbours.
            var odd = stored.Index().Where(s => s.Index > 0 && s.Item.Value != stored[s.Index - 1].Value + 1).Take(5)
                .Select(s => $"{stored[s.Index - 1]} {s.Item}");
            return $"{values.Count} values, missing {string.Join(' ', missing)}, odd {string.Join("; ", odd)}"
                + (values.SequenceEqual(expected) ? " equal" : $", edge said:\n{Edge.Output}");
        },
        found => found.EndsWith("equal", StringComparison.Ordinal));

    public Task<long> ScalarAsync(string sql) => _plant.ScalarAsync(sql);

    public async ValueTask DisposeAsync()
    {
        await Edge.DisposeAsync();
        await Host.DisposeAsync();
        await Proxy.DisposeAsync();
        await Server.DisposeAsync();
        await _plant.DisposeAsync();
    }
}
