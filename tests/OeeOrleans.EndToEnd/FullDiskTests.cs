using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>The disk is full, and then there is room again: what was acknowledged is stored, exactly.</summary>
public sealed class FullDiskTests
{
    private const int Rate = 20;

    [LongFact]
    public async Task Store_and_broker_log_on_a_full_disk_and_room_again_hold_exactly_what_was_published()
    {
        var directory = Directory.CreateTempSubdirectory("oee-full-").FullName;
        await using (var disk = await SmallDisk.MountAsync(directory, 256))
        {
            await using var plant = await HostilePlant.CreateAsync(null, directory);
            await using var oee = await plant.StartAsync();
            await using var edge = plant.StartHealthyEdge(Rate, Oee.Seconds);
            await PublishedAsync(plant, Oee.Seconds * Rate / 4);
            disk.Fill();
            await Eventually.TrueAsync(
                "something to be refused for want of room", TimeSpan.FromSeconds(30),
                async () => await oee.MetricAsync("store_write_failures_total") > 0
                    || oee.Process.Output.Contains("No space left", StringComparison.OrdinalIgnoreCase));
            await Task.Delay(TimeSpan.FromSeconds(Oee.Seconds / 6.0));
            disk.Empty();
            await Eventually.TrueAsync(
                "the edge to finish", TimeSpan.FromSeconds(Oee.Seconds + 120),
                () => Task.FromResult(edge.Output.Contains("\"good\"", StringComparison.Ordinal)));
            var published = plant.Published();
            Assert.True(published.Count > Oee.Seconds * Rate, $"the edge published {published.Count} values only");
            await Eventually.HoldsAsync(
                "every published value to be stored", TimeSpan.FromSeconds(60), async () =>
                    published.Except(await plant.StoredAsync()).Count(),
                missing => missing == 0);
            Assert.Empty((await plant.StoredAsync()).Except(published));
            await Eventually.HoldsAsync(
                "the broker's log to be empty", TimeSpan.FromSeconds(20), () =>
                    oee.MetricAsync("broker_uncommitted_messages"), n => n == 0);
            var machines = (await oee.GetAsync("/api/machines/status")).GetProperty("items").EnumerateArray();
            var press = machines.Single(m => m.GetProperty("machine_id").GetString() == "press1");
            Assert.Equal("run", press.GetProperty("state").GetString());
        }

        Directory.Delete(directory);
    }

    private static Task PublishedAsync(HostilePlant plant, int values) => Eventually.TrueAsync(
        $"{values} values to be published", TimeSpan.FromSeconds(Oee.Seconds + 30), () =>
            Task.FromResult(plant.Published().Count >= values));
}
