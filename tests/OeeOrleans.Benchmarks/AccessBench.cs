using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.Benchmarks;

/// <summary>
/// `access [SECONDS]`: what it costs to say who one is. One gateway, `/api/machines/status` of a hundred machines, asked in turn by nobody
/// (who may look here), with a key, and with an access token: p50 and p95 of each, and the ratio to nobody's.
/// </summary>
internal static class AccessBench
{
    private const int Machines = 100;
    private const int Round = 200;

    public static async Task<int> RunAsync(string[] args)
    {
        var seconds = args.Length > 0 ? double.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture) : 30;
        var directory = Directory.CreateTempSubdirectory("oee-bench-").FullName;
        var config = Path.Combine(directory, "plant.yaml");
        var machines = string.Join('\n', Enumerable.Range(0, Machines).Select(i => $"          - {{ id: m{i} }}"));
        await File.WriteAllTextAsync(config,
            $$"""
            site: { id: bench, name: Bench, time_zone: UTC }
            {{TestAccess.Section("bench").Replace("access: {", "access: { anonymous_viewer: true,", StringComparison.Ordinal)}}
            data_dir: {{directory}}
            areas:
              - id: area1
                lines:
                  - id: line1
                    machines:
            {{machines}}
            """);
        var url = $"http://127.0.0.1:{ServerProcess.FreePort()}";
        await using var oee = ServerProcess.Start(
            "dotnet",
            [
                Rig.Program, "run", "--config", config, "--urls", url, "--mqtt-port", "0", "--silo-port", "0", "--gateway-port", "0",
            ]);
        await Eventually.TrueAsync("oee to be ready", TimeSpan.FromSeconds(60), () => oee.HasExited
            ? throw new InvalidOperationException(oee.Output)
            : Task.FromResult(oee.Output.Contains("ready;", StringComparison.Ordinal)));
        using var nobody = new HttpClient();
        using var key = TestAccess.Client();
        using var token = new HttpClient();
        token.DefaultRequestHeaders.Add("Authorization", $"Bearer {await TokenAsync(key, url)}");
        var asked = new[] { ("nobody", nobody), ("key", key), ("token", token) };
        var times = asked.ToDictionary(a => a.Item1, _ => new List<double>());
        var uri = new Uri(url + "/api/machines/status");
        var started = Stopwatch.StartNew();
        for (var round = 0; started.Elapsed.TotalSeconds < seconds; round++)
        {
            foreach (var (name, http) in asked)
            {
                for (var i = 0; i < Round; i++)
                {
                    var at = Stopwatch.GetTimestamp();
                    _ = await http.GetByteArrayAsync(uri);
                    // The first rounds are the compiler's.
                    if (round >= 3) times[name].Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
                    // Below the limit of one identity.
                    if (i % 20 == 19) await Task.Delay(20);
                }
            }
        }

        var figures = times.ToDictionary(t => t.Key, t => Figures(t.Value));
        Console.WriteLine(JsonSerializer.Serialize(
            figures.Select(f => new
            {
                who = f.Key, requests = times[f.Key].Count, p50_ms = Math.Round(f.Value.P50, 3), p95_ms = Math.Round(f.Value.P95, 3),
                p95_to_nobody = Math.Round(f.Value.P95 / figures["nobody"].P95, 3),
            }),
            new JsonSerializerOptions { WriteIndented = true }));
        Directory.Delete(directory, recursive: true);
        return 0;
    }

    private static (double P50, double P95) Figures(List<double> times)
    {
        var sorted = times.Order().ToList();
        return (sorted[sorted.Count / 2], sorted[(int)(sorted.Count * 0.95)]);
    }

    private static async Task<string> TokenAsync(HttpClient admin, string url)
    {
        var grants = new[] { new { role = "dashboard", at = "bench" } };
        var user = new { name = "bench", password = "first password", grants };
        using var made = await admin.PostAsJsonAsync(new Uri(url + "/api/users"), user);
        made.EnsureSuccessStatusCode();
        using var http = new HttpClient();
        async Task<string> SignInAsync(string password)
        {
            using var response = await http.PostAsJsonAsync(new Uri(url + "/api/auth/token"), new { user = "bench", password });
            return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("access_token").GetString()!;
        }

        http.DefaultRequestHeaders.Add("Authorization", $"Bearer {await SignInAsync("first password")}");
        using var changed = await http.PutAsJsonAsync(
            new Uri(url + "/api/me/password"), new { old = "first password", @new = "second password" });
        changed.EnsureSuccessStatusCode();
        return await SignInAsync("second password");
    }
}
