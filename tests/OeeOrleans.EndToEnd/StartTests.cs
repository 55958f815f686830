using System.Net;
using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>The first seconds of a process: before its store is there, before its nodes speak, before its history is in.</summary>
public sealed class StartTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    private static readonly HttpClient Http = TestAccess.Client();

    [Fact]
    public async Task While_the_store_is_away_it_listens_says_so_and_goes_on_when_the_store_comes()
    {
        await using var postgres = await PostgresServer.StartAsync();
        await using var plant = await TestPlant.CreateAsync(postgres);
        await postgres.StopAsync();
        var url = $"http://127.0.0.1:{ServerProcess.FreePort()}";
        await using var oee = ServerProcess.Start(
            "dotnet",
            [Oee.Program, "run", "--config", plant.ConfigFile, "--urls", url, "--silo-port", "0", "--gateway-port", "0"]);
        var (status, text) = await Eventually.HoldsAsync(
            "an answer", TimeSpan.FromSeconds(60), () => AskAsync(url + "/health/ready"), a => a.Status != 0);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("127.0.0.1", JsonDocument.Parse(text).RootElement.GetProperty("store").GetString(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(url + "/health/live")).Status);
        await postgres.ResumeAsync();
        await Eventually.HoldsAsync(
            "the work to begin", TimeSpan.FromSeconds(60), () => AskAsync(url + "/health/ready"), a => a.Status == HttpStatusCode.OK);
    }

    [Fact]
    public async Task After_a_restart_an_edge_node_is_what_it_was_though_it_has_said_nothing_since()
    {
        await using var plant = await HostilePlant.CreateAsync(fixture.Postgres);
        await using (var first = await plant.StartAsync())
        {
            await using var forger = await Forger.StartAsync(plant.BrokerPort);
            var now = (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
            await forger.SayAsync("spBv1.0/e2e/NBIRTH/mad1", Forger.NodeBirth(now, 1));
            await forger.SayAsync("spBv1.0/e2e/DBIRTH/mad1/tank", Forger.Run(now + 1, 1, now + 1, running: true));
            await Eventually.HoldsAsync(
                "the birth to be stored", TimeSpan.FromSeconds(20), () => plant.ScalarAsync("select count(*) from edge_birth"),
                n => n == 2);
            // Delivered, and a moment for the acknowledgement, so that nothing comes again.
            await Eventually.HoldsAsync(
                "nothing that waits", TimeSpan.FromSeconds(20), () => first.MetricAsync("mqtt_buffered_messages"), n => n == 0);
            await first.GetAsync("/api/edge-nodes");
            await first.Process.KillAsync();
        }

        await using var second = await plant.StartAsync();
        var node = (await second.GetAsync("/api/edge-nodes")).GetProperty("items").EnumerateArray()
            .Single(n => n.GetProperty("edge_node").GetString() == "e2e/mad1");
        Assert.True(node.GetProperty("online").GetBoolean());
        Assert.Equal(["tank"], node.GetProperty("devices").EnumerateArray().Select(d => d.GetString()));
    }

    [Fact]
    public async Task While_history_comes_in_the_figures_of_the_demo_carry_a_flag_and_none_above_one_is_without()
    {
        var data = Directory.CreateTempSubdirectory("oee-demo-").FullName;
        await using (var demo = await Oee.StartAsync("demo", ServerProcess.FreePort(), "--mqtt-port", "0", "--data", data))
        {
            var flagged = new HashSet<string>();
            var wrong = new List<string>();
            await Eventually.TrueAsync("every machine's history to be in", TimeSpan.FromSeconds(60), async () =>
            {
                var machines = (await demo.GetAsync("/api/machines/status")).GetProperty("items").EnumerateArray().ToList();
                foreach (var machine in machines)
                {
                    var id = machine.GetProperty("machine_id").GetString()!;
                    if (IsFlagged(machine))
                    {
                        flagged.Add(id);
                    }
                    else if (machine.GetProperty("oee_shift") is { ValueKind: JsonValueKind.Number } oee && oee.GetDouble() > 1)
                    {
                        wrong.Add($"{id}: {oee}");
                    }
                }

                return machines.Count == 8 && flagged.Count > 0 && machines.TrueForAll(m => !IsFlagged(m));
            });
            Assert.Empty(wrong);
        }

        Directory.Delete(data, recursive: true);
    }

    private static bool IsFlagged(JsonElement machine) =>
        machine.GetProperty("flags").EnumerateArray().Any(f => f.GetString() == "history_incoming");

    /// <summary>Status 0: nobody listens.</summary>
    private static async Task<(HttpStatusCode Status, string Text)> AskAsync(string url)
    {
        try
        {
            using var response = await Http.GetAsync(new Uri(url));
            return (response.StatusCode, await response.Content.ReadAsStringAsync());
        }
        catch (HttpRequestException)
        {
            return (0, "");
        }
    }
}
