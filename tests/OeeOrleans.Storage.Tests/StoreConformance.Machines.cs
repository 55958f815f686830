using OeeOrleans.Model;

namespace OeeOrleans.Storage.Tests;

/// <summary>Ten thousand machines ask at once; each gets its own answer.</summary>
public abstract partial class StoreConformance
{
    private const int Many = 120;
    private const long At = 1_767_600_000_000_000;

    [Fact]
    public async Task Machines_that_ask_together_get_each_its_own_answer()
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, Many).Select(m => ResolveAsync($"many{m}")));
        Assert.Equal(Many * 2, ids.SelectMany(i => i).Distinct().Count());
        await Store.CommitAsync([.. Enumerable.Range(0, Many).Select(m => TelemetryOf(ids[m], m))], CancellationToken.None);
        await Store.CommitAsync([.. Enumerable.Range(0, Many).Select(ResultsOf)], CancellationToken.None);

        await Task.WhenAll(Enumerable.Range(0, Many).Select(CheckAsync));
        async Task CheckAsync(int m)
        {
            var (machine, none) = ($"many{m}", CancellationToken.None);
            var startUs = At + (m * UnixMicros.PerSecond);
            Assert.Equal([m, m + 1000], (await Store.ReadMachineAsync(machine, startUs, startUs + 10, none)).Select(s => s.Value));
            Assert.Equal([m], (await Store.ReadMachineAsync(machine, startUs, startUs + 1, none)).Select(s => s.Value));
            var before = await Store.ReadLastBeforeAsync(machine, startUs + 3, none);
            Assert.Equal([1, m + 1000], before.Select(s => s.Value).Order());
            Assert.Equal(2, (await Store.ReadLateAsync(machine, startUs + 1, At + 6, none)).Count);
            Assert.Empty(await Store.ReadLateAsync(machine, startUs + 1, At + 7, none));
            Assert.Equal(startUs + 2, await Store.LastSeenAsync(machine, none));
            Assert.Equal(startUs + 1, await Store.HeldSinceAsync(machine, "counter.good", startUs + 1, At - 10, none));
            var snapshot = await Store.LoadSnapshotAsync(machine, none);
            Assert.Equal(($"snap{m}", $"status{m}"), (snapshot!.Payload, snapshot.Status));
            var window = Assert.Single(await Store.ReadMachineWindowsAsync(machine, startUs, startUs + 1, none));
            Assert.Equal((machine, (long)m), (window.Id, window.Sums.Good));
            Assert.Empty(await Store.ReadMachineWindowsAsync(machine, startUs + 1, startUs + 2, none));
            Assert.Equal($"F{m}", Assert.Single(await Store.ReadMachineFaultsAsync(machine, startUs, startUs + 9, none)).Code);
            Assert.Empty(await Store.ReadMachineFaultsAsync(machine, startUs + 6, startUs + 9, none));
            Assert.Equal($"R{m}", Assert.Single(await Store.ReadStopsAsync(machine, startUs, startUs + 9, none)).Reason);
            Assert.Empty(await Store.ReadStopsAsync(machine, startUs - 5, startUs, none));
        }
    }

    [Fact]
    public async Task Edge_nodes_that_ask_together_get_each_its_own_births_in_their_order()
    {
        await Store.CommitAsync(
            [
                .. Enumerable.Range(0, Many).Select(n => new TelemetryUnit
                {
                    Owner = $"g/n{n}", EdgeNode = ($"g/n{n}", $"state{n}"),
                    Births =
                    [
                        new BirthRecord($"g/n{n}", "d", 5, "device", [(byte)n]), new BirthRecord($"g/n{n}", "", 5, "node", [(byte)n, 1]),
                    ],
                }),
            ],
            CancellationToken.None);
        var records = await Task.WhenAll(
            Enumerable.Range(0, Many + 1).Select(n => Store.LoadEdgeNodeAsync($"g/n{n}", CancellationToken.None)));
        for (var n = 0; n < Many; n++)
        {
            Assert.Equal($"state{n}", records[n]!.State);
            Assert.Equal(["", "d"], records[n]!.Births.Select(b => b.Device));
            Assert.Equal([(byte)n, 1], records[n]!.Births[0].Payload);
        }

        Assert.Null(records[Many]);
    }

    [Fact]
    public async Task Results_that_take_more_than_one_statement_are_stored_whole_and_the_last_of_a_key_stays()
    {
        var windows = Enumerable.Range(0, 400).Select(i => new OeeWindow
        {
            Id = "m1", Kind = "hour", FromUs = At + i, ToUs = At + i + 1, AsOfUs = At,
            Sums = new OeeSums { Good = i }, Kpis = new OeeKpis(),
        }).ToList();
        var last = windows[0] with { Sums = new OeeSums { Good = 77 } };
        var snapshot = new SnapshotRecord("m1", At, At, new string('x', 100_000));
        await Store.CommitAsync([new ResultUnit { Windows = [.. windows, last], Snapshot = snapshot }], CancellationToken.None);
        var stored = await Store.ReadWindowsAsync(["m1"], "hour", At, At + 400, CancellationToken.None);
        Assert.Equal([77, .. Enumerable.Range(1, 399)], stored.Select(w => (int)w.Sums.Good));
        Assert.Equal(100_000, (await Store.LoadSnapshotAsync("m1", CancellationToken.None))!.Payload.Length);
    }

    [Fact]
    public async Task The_status_of_all_machines_is_one_read()
    {
        await Store.CommitAsync([.. Enumerable.Range(0, 3).Select(ResultsOf)], CancellationToken.None);
        var unit = new ResultUnit { Owner = "old", Snapshot = new SnapshotRecord("old", At, At, "from an earlier release") };
        await Store.CommitAsync([unit], CancellationToken.None);
        var statuses = await Store.ReadStatusesAsync(CancellationToken.None);
        Assert.Equal(
            [("many0", "status0"), ("many1", "status1"), ("many2", "status2")],
            statuses.Select(s => (s.Machine, s.Status)).Order());
        Assert.Equal(At, statuses[0].TimeUs);
    }

    private Task<int[]> ResolveAsync(string machine) => Store.ResolveSignalsAsync(
        machine, [new("state.run", "Boolean", null), new("counter.good", "Int64", null)], inPlant: true, CancellationToken.None);

    private static TelemetryUnit TelemetryOf(int[] ids, int m)
    {
        var startUs = At + (m * UnixMicros.PerSecond);
        return new TelemetryUnit
        {
            Owner = $"g/n{m}",
            Rows = new[]
            {
                new SampleRow(ids[0], startUs, 1, null, Quality.Good, At + 7),
                new SampleRow(ids[1], startUs + 1, m, null, Quality.Good, At + 7),
                new SampleRow(ids[1], startUs + 2, m + 1000, null, Quality.Good, At + 7),
            },
        };
    }

    private static ResultUnit ResultsOf(int m)
    {
        var (machine, startUs) = ($"many{m}", At + (m * UnixMicros.PerSecond));
        return new ResultUnit
        {
            Owner = machine,
            Windows =
            [
                new OeeWindow
                {
                    Id = machine, Kind = "hour", FromUs = startUs, ToUs = startUs + 5, AsOfUs = startUs + 5,
                    Sums = new OeeSums { Good = m }, Kpis = new OeeKpis(),
                },
            ],
            Faults = [new FaultEvent { Machine = machine, Code = $"F{m}", StartUs = startUs, EndUs = startUs + 5, Occurrences = 1 }],
            Stops = [new StopEvent { Machine = machine, StartUs = startUs, EndUs = null, Reason = $"R{m}", Payload = "{}" }],
            Snapshot = new SnapshotRecord(machine, At, At, $"snap{m}") { Status = $"status{m}" },
        };
    }
}
