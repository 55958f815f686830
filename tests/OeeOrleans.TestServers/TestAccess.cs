using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;

namespace OeeOrleans.TestServers;

/// <summary>The key with which tests come in: an administrator's, of the configuration file.</summary>
public static class TestAccess
{
    public const string Header = "X-Api-Key";

    /// <summary>With which edge nodes of tests come into the embedded broker.</summary>
    public const string EdgeName = "tests-edge";

    private static readonly Lazy<string> Files = new(() =>
    {
        var directory = Directory.CreateTempSubdirectory("oee-key-").FullName;
        File.WriteAllText(Path.Combine(directory, "admin.key"), Key + "\n");
        File.WriteAllText(Path.Combine(directory, "edge.key"), EdgeKey + "\n");
        return directory;
    });

    public static string Key { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    public static string EdgeKey { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    /// <summary>The section of plant.yaml that lets the tests in, and edge nodes under any name.</summary>
    public static string Section(string site) =>
        $$"""
        access: { keys: [
            { name: tests, role: admin, at: {{site}}, key_file: "{{Files.Value}}/admin.key" },
            { name: {{EdgeName}}, role: edge, at: "*/*", key_file: "{{Files.Value}}/edge.key" } ] }
        """.ReplaceLineEndings(" ");

    /// <summary>The address of an embedded broker, with who comes in.</summary>
    public static string EdgeUrl(int port) => $"mqtt://{EdgeName}:{EdgeKey}@127.0.0.1:{port}";

    public static HttpClient Client(string? key = null)
    {
        var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        http.DefaultRequestHeaders.Add(Header, key ?? Key);
        return http;
    }

    /// <summary>A key of a demo, made with the user and password that it printed.</summary>
    /// <param name="url">Of the demo.</param>
    /// <param name="output">What it printed.</param>
    public static async Task<string> DemoKeyAsync(string url, string output)
    {
        var (user, password) = DemoUser(output);
        using var http = new HttpClient();
        async Task<JsonElement> PostAsync(string path, object body)
        {
            using var response = await http.PostAsJsonAsync(new Uri(url + path), body);
            var text = await response.Content.ReadAsStringAsync();
            return response.IsSuccessStatusCode ? JsonDocument.Parse(text).RootElement : throw new HttpRequestException(text);
        }

        var token = (await PostAsync("/api/auth/token", new { user, password })).GetProperty("access_token").GetString();
        http.DefaultRequestHeaders.Add("Authorization", $"Bearer {token}");
        var name = string.Create(CultureInfo.InvariantCulture, $"tests-{Guid.NewGuid():N}");
        var made = await PostAsync("/api/keys", new { name, grants = new[] { new { role = "admin", at = "demo-site" } } });
        return made.GetProperty("key").GetString()!;
    }

    /// <summary>The user and password that a demo printed.</summary>
    public static (string User, string Password) DemoUser(string output)
    {
        var line = output.Split('\n').First(l => l.StartsWith("sign in ", StringComparison.Ordinal));
        var parts = line["sign in ".Length..].Split('/', StringSplitOptions.TrimEntries);
        return (parts[0], parts[1]);
    }
}
