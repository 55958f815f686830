using System.Net.Http.Json;
using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>A gateway behind a proxy.</summary>
public sealed class ProxyTests
{
    [Theory]
    [InlineData("proxies: [127.0.0.0/8]", "203.0.113.7", true)]
    [InlineData("proxies: [10.0.0.9]", "127.0.0.1", false)]
    [InlineData("hosts: []", "127.0.0.1", false)]
    public async Task What_a_proxy_says_of_whom_it_speaks_for_is_believed_of_those_that_are_named(
        string proxies, string origin, bool isHttps)
    {
        var directory = Directory.CreateTempSubdirectory("oee-proxy-").FullName;
        var config = Path.Combine(directory, "plant.yaml");
        var port = ServerProcess.FreePort();
        await File.WriteAllTextAsync(config,
            $$"""
            site: { id: plant, name: Proxy, time_zone: UTC }
            {{TestAccess.Section("plant")}}
            areas: [{ id: a, lines: [{ id: l, machines: [{ id: m1 }] }] }]
            data_dir: {{directory}}
            gateway: { urls: "http://127.0.0.1:{{port}}", {{proxies}} }
            """);
        await using var oee = await OeeRun.StartAsync(config);
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        http.DefaultRequestHeaders.Add("X-Forwarded-For", "203.0.113.7");
        http.DefaultRequestHeaders.Add("X-Forwarded-Proto", "https");
        http.DefaultRequestHeaders.Add(TestAccess.Header, TestAccess.Key);
        using var made = await http.PostAsJsonAsync(
            "/api/keys", new { name = "k", grants = new[] { new { role = "dashboard", at = "plant" } } });
        made.EnsureSuccessStatusCode();
        var found = await http.GetFromJsonAsync<JsonElement>("/api/audit?action=key.");
        Assert.Equal(origin, found.GetProperty("items")[0].GetProperty("origin").GetString());
        Assert.Equal(isHttps, made.Headers.Contains("Strict-Transport-Security"));
        await oee.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }
}
