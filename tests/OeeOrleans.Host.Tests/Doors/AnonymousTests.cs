using System.Net;
using OeeOrleans.TestServers;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>A plant whose board everybody may look at.</summary>
public sealed class AnonymousTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-anonymous-").FullName;
    private readonly int _port = ServerProcess.FreePort();
    private ServerProcess _oee = null!;

    public async Task InitializeAsync()
    {
        var config = Path.Combine(_directory, "plant.yaml");
        var access = TestAccess.Section("plant").TrimEnd().TrimEnd('}');
        await File.WriteAllTextAsync(config,
            $$"""
            site: { id: plant, name: Anonymous, time_zone: UTC }
            {{access}}, anonymous_viewer: true }
            areas: [{ id: a, lines: [{ id: l, machines: [{ id: m1 }] }] }]
            data_dir: {{_directory}}
            gateway: { urls: "http://127.0.0.1:{{_port}}" }
            """);
        _oee = await OeeRun.StartAsync(config);
    }

    public async Task DisposeAsync()
    {
        await _oee.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Who_shows_nothing_looks_and_who_shows_a_key_that_is_not_good_does_not()
    {
        Assert.Equal(HttpStatusCode.OK, await AskAsync("/api/machines/status", null));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync("/api/machines/status", "a key that is not good"));
        Assert.Equal(HttpStatusCode.OK, await AskAsync("/api/machines/status", TestAccess.Key));
    }

    [Fact]
    public async Task Figures_of_the_process_are_not_for_everybody_though_everybody_may_look()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync("/metrics", null));
        Assert.Equal(HttpStatusCode.OK, await AskAsync("/metrics", TestAccess.Key));
        using var http = new HttpClient();
        var ready = await http.GetStringAsync(new Uri($"http://127.0.0.1:{_port}/health/ready"));
        Assert.Equal("""{"status":"ready"}""", ready);
    }

    private async Task<HttpStatusCode> AskAsync(string path, string? key)
    {
        using var http = new HttpClient();
        if (key is not null) http.DefaultRequestHeaders.Add(TestAccess.Header, key);
        using var response = await http.GetAsync(new Uri($"http://127.0.0.1:{_port}{path}"));
        return response.StatusCode;
    }
}
