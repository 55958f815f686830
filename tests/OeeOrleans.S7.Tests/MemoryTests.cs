using OeeOrleans.S7.Simulation;
using OeeOrleans.TestServers;

namespace OeeOrleans.S7.Tests;

/// <summary>What reading and reconnecting cost in memory. Alone in the process: it is counted for all.</summary>
[Collection(nameof(AloneCollection))]
public sealed class MemoryTests
{
    [Fact]
    public async Task Reading_again_and_again_allocates_nothing_per_tag()
    {
        const int Tags = 4_000, Rounds = 100;
        await using var server = await S7Peer.StartAsync("\"dbs\": { \"1\": 20000 }");
        await using var client = await S7Client.ConnectAsync(new S7ClientOptions { Host = "127.0.0.1", Port = server.Port, Slot = 2 });
        var plan = client.Plan([.. Enumerable.Range(0, Tags).Select(i => S7Address.Parse($"DB1.DBD{i * 4}:DINT"))]);
        for (var i = 0; i < 20; i++) await client.ReadAsync(plan);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        for (var i = 0; i < Rounds; i++) await client.ReadAsync(plan);
        var perTag = (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)(Tags * Rounds);
        // An object of any kind has 24 bytes.
        Assert.True(perTag < 8, $"{perTag} bytes a tag");
    }

    [Fact]
    public async Task A_thousand_connections_one_after_the_other_leave_nothing_behind()
    {
        await using var plc = new SimulatedPlc();
        plc.AddDb(1, 100);
        plc.Start();
        long? before = null;
        for (var i = 0; i < 1_000; i++)
        {
            if (i == 200) before = GC.GetTotalMemory(forceFullCollection: true);
            await using var client = await S7Client.ConnectAsync(new S7ClientOptions { Host = "127.0.0.1", Port = plc.Port });
            await client.ReadAsync([S7Address.Parse("DB1.DBW0")]);
        }

        await Eventually.TrueAsync("all to be closed", TimeSpan.FromSeconds(10), () => Task.FromResult(plc.Connections == 0));
        // A connection has a buffer of 64 KB.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before!.Value, long.MinValue, 5_000_000);
    }
}

/// <summary>Runs beside no other test.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
