using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>
/// Sparkplug with code that is not ours: our edge node under a host on the npm libraries, and what we encode read by their codec. Their
/// edge nodes under our host, with failures: NoLossTests.
/// </summary>
public sealed class SparkplugInteropTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(40);

    [Fact]
    public async Task A_host_on_the_npm_libraries_understands_our_edge_node_commands_it_and_sees_its_rebirth_and_its_death()
    {
        await using var broker = await MosquittoServer.StartAsync();
        var directory = Directory.CreateTempSubdirectory("oee-interop-").FullName;
        var config = Path.Combine(directory, "edge.yaml");
        await File.WriteAllTextAsync(config,
            $$"""
            site: { id: e2e, name: End to end, time_zone: UTC }
            {{TestAccess.Section("e2e")}}
            broker: { url: "{{broker.Url}}" }
            data_dir: {{directory}}
            edge:
              group: e2e
              node: edge3
              unsigned_commands: true
              sources:
                - id: sim1
                  url: "sim://plant"
                  device: press1
                  interval_ms: 100
                  tags:
                    - { address: counter, metric: counter.good, unit: pcs }
                    - { address: "bool:1", metric: state.run }
                    - { address: sine, metric: process.temperature, scale: 0.1, unit: "°C" }
                    - { address: text, metric: product.code }
                    - { address: "sine:9", metric: setpoint, writable: true }
            """);
        await using var host = ServerProcess.Start("node", [Path.Combine(Oee.Peers, "host.mjs"), broker.Url, "e2e", "edge3", "60"]);
        await using var edge = ServerProcess.Start(
            "dotnet", [Oee.Program, "run", "--config", config, "--role", "edge", "--urls", $"http://127.0.0.1:{ServerProcess.FreePort()}"]);
        await Eventually.TrueAsync(
            "the host to have seen enough", Soon,
            () => edge.HasExited
                ? throw new InvalidOperationException(edge.Output)
                : Task.FromResult(host.Output.Contains("enough", StringComparison.Ordinal)));

        // Its socket dies with it: the broker publishes the will.
        await edge.KillAsync();
        await host.WaitForExitAsync(Soon);
        var seen = JsonDocument.Parse(host.Output.Split('\n').First(l => l.StartsWith('{'))).RootElement;
        Assert.Equal(
            (2, 2, 1),
            (seen.GetProperty("nbirth").GetInt32(), seen.GetProperty("dbirth").GetInt32(), seen.GetProperty("ndeath").GetInt32()));
        Assert.Equal(
            (0, 0, true),
            (
                seen.GetProperty("unknown_aliases").GetInt32(), seen.GetProperty("sequence_errors").GetInt32(),
                seen.GetProperty("bdseq_matches").GetBoolean()));
        Assert.Contains("counter.good", seen.GetProperty("names").EnumerateArray().Select(n => n.GetString()));
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task An_edge_node_on_the_npm_client_is_born_here_and_dead_when_its_socket_dies()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var oee = await plant.StartAsync();
        await using var edge = ServerProcess.Start(
            "node", [Path.Combine(Oee.Peers, "edge-qos0.mjs"), plant.Broker.Url, "e2e", "edge1", "press1", "10", "60"]);
        async Task<JsonElement> MachineAsync() => (await oee.GetAsync("/api/machines/status")).GetProperty("items")[0];
        await Eventually.HoldsAsync(
            "the machine to run and count", Soon, MachineAsync,
            m => m.GetProperty("state").GetString() == "run" && m.GetProperty("good").GetInt64() > 5);
        await edge.KillAsync();
        var dead = await Eventually.HoldsAsync("the machine to be dead", Soon, MachineAsync, m => !m.GetProperty("connected").GetBoolean());
        Assert.Equal(("unknown", "bad"), (dead.GetProperty("state").GetString(), dead.GetProperty("quality").GetString()));
    }

    [Fact]
    public async Task What_we_encode_means_the_same_to_the_npm_codec()
    {
        var vectors = JsonDocument.Parse(
            File.ReadAllText(
                Path.Combine(Oee.Root, "tests", "OeeOrleans.Sparkplug.Tests", "vectors", "payloads.json"))).RootElement.GetProperty(
            "payloads");
        var lines = new List<string>();
        // Their codec reads an Int16 that was written as two bytes without its sign; ours reads and writes what was meant.
        foreach (var vector in vectors.EnumerateArray().Where(
            v => !v.TryGetProperty("error", out _)
                && !v.GetProperty("name").GetString()!.StartsWith("Int16 -1 written", StringComparison.Ordinal)))
        {
            var hex = vector.GetProperty("hex").GetString()!;
            using var buffer = new MemoryStream();
            using (var json = new Utf8JsonWriter(buffer)) Sparkplug.Payload.SparkplugJson.Write(json, Convert.FromHexString(hex));
            var again = Sparkplug.Payload.SparkplugJsonReader.Encode(JsonDocument.Parse(buffer.ToArray()).RootElement);
            lines.Add($"{vector.GetProperty("name").GetString()}\t{hex}\t{Convert.ToHexString(again)}");
        }

        var file = Path.GetTempFileName();
        await File.WriteAllLinesAsync(file, lines);
        var report = await ServerProcess.RunAsync("sh", "-c", $"node {Path.Combine(Oee.Peers, "same-meaning.mjs")} < {file}");
        File.Delete(file);
        Assert.Contains($"\"compared\":{lines.Count},\"failed\":0", report, StringComparison.Ordinal);
    }
}
