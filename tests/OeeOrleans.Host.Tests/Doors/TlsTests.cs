using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using OeeOrleans.TestServers;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>A gateway and a broker with TLS, and the listener for management.</summary>
public sealed class TlsTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-tls-").FullName;
    private readonly TestAuthority _plant = new("plant authority");
    private readonly TestAuthority _edges = new("edge authority");
    private readonly TestAuthority _foreign = new("foreign authority");
    private readonly int _port = ServerProcess.FreePort();
    private readonly int _management = ServerProcess.FreePort();
    private readonly int _mqtts = ServerProcess.FreePort();
    private ServerProcess _oee = null!;

    private string CertificateFile => Path.Combine(_directory, "gateway.pem");

    private string KeyFile => Path.Combine(_directory, "gateway.key");

    public async Task InitializeAsync()
    {
        var config = Path.Combine(_directory, "plant.yaml");
        _plant.Write("first", CertificateFile, KeyFile).Dispose();
        _edges.WriteAuthority(Path.Combine(_directory, "edges.pem"));
        await File.WriteAllTextAsync(config,
            $$"""
            site: { id: plant, name: Tls, time_zone: UTC }
            {{TestAccess.Section("plant")}}
            areas: [{ id: a, lines: [{ id: l, machines: [{ id: m1, edge_node: g/n1 }] }] }]
            data_dir: {{_directory}}
            mqtt_tls: { port: {{_mqtts}}, certificate: {{CertificateFile}}, key: {{KeyFile}}, client_ca: {{_directory}}/edges.pem }
            gateway:
              urls: "https://127.0.0.1:{{_port}}"
              certificate: {{CertificateFile}}
              key: {{KeyFile}}
              management_urls: "http://127.0.0.1:{{_management}}"
            """);
        _oee = await OeeRun.StartAsync(config);
    }

    public async Task DisposeAsync()
    {
        await _oee.DisposeAsync();
        foreach (var authority in new[] { _plant, _edges, _foreign }) authority.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task The_gateway_speaks_TLS_says_so_to_browsers_and_takes_a_renewed_certificate_without_a_restart()
    {
        using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, c, _, _) => IsOfPlant(c!) };
        using var http = new HttpClient(handler);
        using var page = await http.GetAsync(new Uri($"https://127.0.0.1:{_port}/sign-in"));
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.StartsWith("max-age=", page.Headers.GetValues("Strict-Transport-Security").Single(), StringComparison.Ordinal);
        Assert.Equal("CN=first", await SubjectAsync());
        _plant.Write("second", CertificateFile, KeyFile).Dispose();
        await Eventually.HoldsAsync("the renewed certificate", TimeSpan.FromSeconds(20), SubjectAsync, s => s == "CN=second");
        // One that is no certificate leaves the one before in use.
        await File.WriteAllTextAsync(CertificateFile, "nothing");
        await Eventually.TrueAsync(
            "the warning", TimeSpan.FromSeconds(20), async () =>
            {
                Assert.Equal("CN=second", await SubjectAsync());
                return _oee.Output.Contains("cannot be read; the one before stays in use", StringComparison.Ordinal);
            });
    }

    [Fact]
    public async Task The_management_listener_has_health_and_metrics_and_nothing_else()
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_management}") };
        Assert.Contains("broker_refused_total", await http.GetStringAsync("/metrics"), StringComparison.Ordinal);
        Assert.Contains("\"store\":\"ok\"", await http.GetStringAsync("/health/ready"), StringComparison.Ordinal);
        Assert.Contains("live", await http.GetStringAsync("/health/live"), StringComparison.Ordinal);
        http.DefaultRequestHeaders.Add(TestAccess.Header, TestAccess.Key);
        foreach (var path in new[] { "/", "/api/machines/status", "/api/users", "/sign-in", "/dashboard", "/openapi/v1.json" })
        {
            using var response = await http.GetAsync(path);
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        }
    }

    [Fact]
    public async Task The_reasons_of_ready_are_not_for_everybody_at_the_gateway()
    {
        using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, c, _, _) => IsOfPlant(c!) };
        using var http = new HttpClient(handler) { BaseAddress = new Uri($"https://127.0.0.1:{_port}") };
        Assert.DoesNotContain("store", await http.GetStringAsync("/health/ready"), StringComparison.Ordinal);
        http.DefaultRequestHeaders.Add(TestAccess.Header, TestAccess.Key);
        Assert.Contains("\"store\":\"ok\"", await http.GetStringAsync("/health/ready"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_edge_comes_in_with_a_certificate_of_its_name_and_publishes_under_it()
    {
        using var certificate = _edges.Issue("g/n1");
        using var edge = new MqttClientFactory().CreateMqttClient();
        var result = await edge.ConnectAsync(Options(certificate));
        Assert.Equal(MqttClientConnectResultCode.Success, result.ResultCode);
        Assert.Equal(MqttClientPublishReasonCode.Success, await SayAsync(edge, "spBv1.0/g/NDATA/n1"));
        Assert.Equal(MqttClientPublishReasonCode.NotAuthorized, await SayAsync(edge, "spBv1.0/g/NDATA/n2"));
    }

    [Theory]
    [InlineData("*/*")]
    [InlineData("nobody")]
    public async Task A_certificate_of_a_name_that_is_no_edge_node_opens_nothing(string name)
    {
        using var certificate = _edges.Issue(name);
        using var edge = new MqttClientFactory().CreateMqttClient();
        Assert.NotEqual(MqttClientConnectResultCode.Success, (await edge.ConnectAsync(Options(certificate))).ResultCode);
    }

    [Fact]
    public async Task A_certificate_of_somebody_else_opens_nothing()
    {
        using var certificate = _foreign.Issue("g/n1");
        using var edge = new MqttClientFactory().CreateMqttClient();
        await Assert.ThrowsAnyAsync<Exception>(() => edge.ConnectAsync(Options(certificate)));
    }

    private static async Task<MqttClientPublishReasonCode> SayAsync(IMqttClient client, string topic) =>
        (await client.PublishAsync(new MqttApplicationMessageBuilder()
            .WithTopic(topic).WithPayload([1]).WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).Build())).ReasonCode;

    private MqttClientOptions Options(X509Certificate2 certificate) => new MqttClientOptionsBuilder()
        .WithTcpServer("127.0.0.1", _mqtts)
        .WithClientId($"c-{Guid.NewGuid():N}")
        .WithProtocolVersion(MqttProtocolVersion.V500)
        .WithTimeout(TimeSpan.FromSeconds(10))
        .WithTlsOptions(tls => tls.UseTls().WithClientCertificates([certificate]).WithCertificateValidationHandler(_ => true))
        .Build();

    private bool IsOfPlant(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_plant.Authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    private async Task<string> SubjectAsync()
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, _port);
        await using var tls = new SslStream(tcp.GetStream(), false, (_, c, _, _) => IsOfPlant((X509Certificate2)c!));
        await tls.AuthenticateAsClientAsync("localhost");
        return tls.RemoteCertificate!.Subject;
    }
}
