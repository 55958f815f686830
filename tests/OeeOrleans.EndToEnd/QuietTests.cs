using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR.Client;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>Nothing is thrown when nothing happens, and nothing is said twice.</summary>
public sealed class QuietTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    private const string Exceptions = "system_runtime_exception_count_total";

    /// <summary>A full run listens for ten minutes.</summary>
    private static TimeSpan Listening => Oee.Seconds >= 60 ? TimeSpan.FromMinutes(10) : TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("postgres")]
    [InlineData("sqlite")]
    public async Task An_idle_process_throws_no_exceptions(string store)
    {
        await using var plant = await HostilePlant.CreateAsync(store == "postgres" ? fixture.Postgres : null);
        await using var oee = await plant.StartAsync();
        // The start may look for what is not there.
        await Eventually.TrueAsync("the start to be over", TimeSpan.FromSeconds(60), async () =>
        {
            var before = await oee.MetricAsync(Exceptions);
            await Task.Delay(TimeSpan.FromSeconds(5));
            return await oee.MetricAsync(Exceptions) == before;
        });
        var settled = await oee.MetricAsync(Exceptions);
        await Task.Delay(TimeSpan.FromSeconds(20));
        Assert.Equal(settled, await oee.MetricAsync(Exceptions));
    }

    [Fact]
    public async Task Live_push_says_everything_once_and_no_more_often_as_time_goes_by()
    {
        var directory = Directory.CreateTempSubdirectory("oee-live-").FullName;
        // Without a past: while one is taken in, much is said once.
        await using (var oee = await Oee.StartAsync(
            "demo", ServerProcess.FreePort(), "--mqtt-port", "0", "--data", directory, "--history-days", "0"))
        {
            var heard = new ConcurrentQueue<(TimeSpan At, string Text)>();
            var started = System.Diagnostics.Stopwatch.StartNew();
            await using var hub = new HubConnectionBuilder().WithUrl(oee.Url + "/hubs/live").Build();
            foreach (var method in new[] { "MachineChanged", "KpiChanged", "FaultChanged" })
            {
                hub.On<JsonElement>(method, m => heard.Enqueue((started.Elapsed, method + m.GetRawText())));
            }

            await hub.StartAsync();
            await hub.InvokeAsync("SubscribeLine", "line1");
            await hub.InvokeAsync("SubscribeMachine", "filler1");
            await Task.Delay(Listening);
            var all = heard.ToList();
            Assert.True(all.Count > Listening.TotalSeconds / 2, $"{all.Count} messages in {Listening} only");
            var ratio = all.Count / (double)all.Select(h => h.Text).Distinct().Count();
            var repeated = all.GroupBy(h => h.Text).Where(g => g.Count() > 1).OrderByDescending(g => g.Count()).Take(5)
                .Select(g => $"{string.Join(", ", g.Select(h => $"{h.At.TotalSeconds:0.00}"))} s: {g.Key}");
            Assert.True(ratio is >= 1.0 and <= 1.02, $"{ratio:0.000} messages a distinct one; {string.Join('\n', repeated)}");
            // A leak made them more with every renewal. History comes in at first, so the first third is left out.
            var (second, third) = (InThird(all, 1), InThird(all, 2));
            Assert.InRange(third / (double)second, 0.3, 2);
        }

        Directory.Delete(directory, recursive: true);
    }

    private static int InThird(IReadOnlyList<(TimeSpan At, string Text)> all, int third) =>
        all.Count(h => h.At >= Listening * third / 3 && h.At < Listening * (third + 1) / 3);
}
