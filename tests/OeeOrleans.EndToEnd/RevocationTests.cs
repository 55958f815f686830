using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>A stolen key, and several processes of one plant.</summary>
public sealed class RevocationTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    [Fact]
    public async Task A_key_that_was_stolen_is_refused_by_every_silo_within_two_seconds_of_its_revocation()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var first = await plant.StartAsync();
        await using var second = await Oee.StartAsync("run", ServerProcess.FreePort(), "--config", plant.ConfigFile);
        using var made = await first.Http.PostAsJsonAsync(
            new Uri(first.Url + "/api/keys"), new { name = "stolen", grants = new[] { new { role = "dashboard", at = "e2e" } } });
        var key = await made.Content.ReadFromJsonAsync<JsonElement>();
        using var thief = TestAccess.Client(key.GetProperty("key").GetString());
        foreach (var silo in new[] { first, second })
        {
            await Eventually.HoldsAsync(
                "the key to be known", TimeSpan.FromSeconds(5), () => StatusAsync(thief, silo), s => s == HttpStatusCode.OK);
        }

        using var revoked = await second.Http.DeleteAsync(new Uri($"{second.Url}/api/keys/{key.GetProperty("id").GetString()}"));
        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        await Eventually.HoldsAsync(
            "the key to be refused by both", TimeSpan.FromSeconds(2),
            () => Task.WhenAll(StatusAsync(thief, first), StatusAsync(thief, second)),
            answers => answers.All(s => s == HttpStatusCode.Unauthorized));
    }

    [Fact]
    public async Task A_process_with_another_access_key_says_so_and_does_not_start()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var first = await plant.StartAsync();
        var other = Directory.CreateTempSubdirectory("oee-other-").FullName;
        await using var second = ServerProcess.Start(
            "dotnet",
            [
                Oee.Program, "run", "--config", plant.ConfigFile, "--data", other, "--urls", $"http://127.0.0.1:{ServerProcess.FreePort()}",
                "--silo-port", "0", "--gateway-port", "0",
            ]);
        await second.WaitForExitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(2, second.ExitCode);
        Assert.Contains("sealed with another access key", second.Output, StringComparison.Ordinal);
        Directory.Delete(other, recursive: true);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, Oee silo)
    {
        using var response = await http.GetAsync(new Uri(silo.Url + "/api/machines/status"));
        return response.StatusCode;
    }
}
