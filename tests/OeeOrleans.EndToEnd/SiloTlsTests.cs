using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>Silos and a gateway that know each other by certificates, and a stranger at their ports.</summary>
public sealed class SiloTlsTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    [Fact]
    public async Task Silos_and_a_gateway_with_certificates_are_one_cluster_and_a_stranger_is_none_of_it()
    {
        var directory = Directory.CreateTempSubdirectory("oee-silotls-").FullName;
        using var authority = new TestAuthority("silos");
        using var foreign = new TestAuthority("foreign");
        authority.WriteAuthority(Path.Combine(directory, "ca.pem"));
        authority.Write("silo", Path.Combine(directory, "silo.pem"), Path.Combine(directory, "silo.key")).Dispose();
        await using var mosquitto = await MosquittoServer.StartAsync();
        var config = Path.Combine(directory, "plant.yaml");
        await File.WriteAllTextAsync(config,
            $$"""
            site: { id: e2e, name: Silos, time_zone: UTC }
            {{TestAccess.Section("e2e")}}
            areas: [{ id: a, lines: [{ id: line1, machines: [{ id: press1, ideal_cycle_s: 0.05, edge_node: e2e/edge1 }] }] }]
            broker: { url: "{{mosquitto.Url}}" }
            store: { connection: "{{await fixture.Postgres.CreateDatabaseAsync()}}" }
            cluster: { id: tls, tls: { certificate: {{directory}}/silo.pem, key: {{directory}}/silo.key, ca: {{directory}}/ca.pem } }
            data_dir: {{directory}}
            """);
        int[] ports = [ServerProcess.FreePort(), ServerProcess.FreePort()];
        string[] silo = ["--config", config, "--role", "grains", "--role", "ingress"];
        await using var first = await Oee.StartAsync(
            "run", ServerProcess.FreePort(), [.. silo, "--silo-port", $"{ports[0]}", "--gateway-port", $"{ports[1]}"]);
        await using var second = await Oee.StartAsync("run", ServerProcess.FreePort(), silo);
        await using var gateway = await Oee.StartAsync("run", ServerProcess.FreePort(), "--config", config, "--role", "gateway");
        await Eventually.HoldsAsync(
            "two silos", TimeSpan.FromSeconds(30),
            async () => (await gateway.GetAsync("/dashboard/DashboardCounters")).GetProperty("hosts").GetArrayLength(), n => n == 2);
        Assert.Equal("press1", (await gateway.GetAsync("/api/machines/status?machine_id=press1")).GetProperty("items")[0]
            .GetProperty("machine_id").GetString());

        using var stranger = foreign.Issue("silo");
        using var member = authority.Issue("silo");
        foreach (var port in ports)
        {
            Assert.True(await IsHeardAsync(port, member), "a certificate of the authority comes in");
            Assert.False(await IsHeardAsync(port, stranger), "one of somebody else does not");
            Assert.False(await IsHeardAsync(port, null), "none does not");
            Assert.True(await IsClosedAsync(port, "\0\0\0\u0010hello silo, it is me"), "plain words do not");
        }

        Directory.Delete(directory, recursive: true);
    }

    /// <summary>Whether a connection is there still after the handshake; with TLS 1.3 a refusal comes after it.</summary>
    private static async Task<bool> IsHeardAsync(int port, X509Certificate2? certificate)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, port);
        await using var tls = new SslStream(tcp.GetStream(), false, (_, _, _, _) => true);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "oee-silo", ClientCertificates = certificate is null ? null : [certificate],
                }, limit.Token);
            // A silo says who it is first.
            return await tls.ReadAsync(new byte[1], limit.Token) > 0;
        }
        catch (Exception error) when (error is IOException or AuthenticationException)
        {
            return false;
        }
        catch (OperationCanceledException)
        {
            // Silence is no refusal.
            return true;
        }
    }

    private static async Task<bool> IsClosedAsync(int port, string words)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, port);
        await using var stream = tcp.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(words));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        try
        {
            return await stream.ReadAsync(new byte[1024], limit.Token) == 0;
        }
        catch (IOException)
        {
            return true;
        }
    }
}
