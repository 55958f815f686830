using System.Net;
using OeeOrleans.TestServers;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>
/// A process that is no gateway and that others reach: it tells strangers whether it is ready, and nothing of its inside.
/// </summary>
public sealed class ProcessDoorTests
{
    [Fact]
    public async Task Figures_and_reasons_are_at_the_management_listener_alone()
    {
        var directory = Directory.CreateTempSubdirectory("oee-edge-door-").FullName;
        var (port, management) = (ServerProcess.FreePort(), ServerProcess.FreePort());
        var config = Path.Combine(directory, "edge.yaml");
        await File.WriteAllTextAsync(config,
            $$"""
            site: { id: plant, name: Edge }
            broker: { url: "mqtt://127.0.0.1:{{ServerProcess.FreePort()}}" }
            data_dir: {{directory}}
            gateway: { urls: "http://0.0.0.0:{{port}}", management_urls: "http://127.0.0.1:{{management}}" }
            edge:
              group: g
              node: n
              sources:
                - id: sim1
                  url: "sim://plant"
                  device: d
                  tags: [ { address: counter, metric: counter.good } ]
            """);
        await using var oee = ServerProcess.Start("dotnet", [Repository.Oee, "run", "--config", config, "--role", "edge"]);
        using var http = new HttpClient();
        await Eventually.TrueAsync("the edge to answer", TimeSpan.FromSeconds(60), async () =>
        {
            if (oee.HasExited) throw new InvalidOperationException(oee.Output);
            try
            {
                using var live = await http.GetAsync(new Uri($"http://127.0.0.1:{port}/health/live"));
                return live.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
        using var outside = await http.GetAsync(new Uri($"http://127.0.0.1:{port}/metrics"));
        Assert.Equal(HttpStatusCode.NotFound, outside.StatusCode);
        using var ready = await http.GetAsync(new Uri($"http://127.0.0.1:{port}/health/ready"));
        Assert.Equal("""{"status":"not ready"}""", await ready.Content.ReadAsStringAsync());
        using var why = await http.GetAsync(new Uri($"http://127.0.0.1:{management}/health/ready"));
        Assert.Contains("\"edge\":", await why.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Contains(
            "edge_source_up", await http.GetStringAsync(new Uri($"http://127.0.0.1:{management}/metrics")), StringComparison.Ordinal);
        await oee.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }
}
