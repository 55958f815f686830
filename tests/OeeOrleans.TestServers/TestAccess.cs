using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;

namespace OeeOrleans.TestServers;

/// <summary>The key with which tests come in: an administrator's, of the configuration file.</summary>
public static class TestAccess
{
    public const string Header = "X-Api-Key";

    private static readonly Lazy<string> File = new(() =>
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("oee-key-").FullName, "tests.key");
        System.IO.File.WriteAllText(path, Key + "\n");
        return path;
    });

    public static string Key { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    /// <summary>The section of plant.yaml that lets the tests in.</summary>
    public static string Section(string site, string more = "") =>
        $$"""access: { keys: [ { name: tests, role: admin, at: {{site}}, key_file: "{{File.Value}}" } ]{{more}} }""";

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
