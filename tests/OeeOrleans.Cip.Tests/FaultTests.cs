using System.Diagnostics;
using OeeOrleans.Cip.Simulation;
using OeeOrleans.TestServers;

namespace OeeOrleans.Cip.Tests;

/// <summary>Controllers that refuse, are weak, slow, or go away.</summary>
public sealed class FaultTests : IAsyncLifetime
{
    private readonly SimulatedController _plc = new(new SimulatedControllerOptions { MaxConnections = 2 });

    public Task InitializeAsync()
    {
        _plc.AddTag("Count", CipDataType.Dint);
        _plc.AddTag("Counts", CipDataType.Dint, 3_000);
        _plc.Start();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _plc.DisposeAsync();

    private static CipAddress A(string text) => CipAddress.Parse(text, CipPlc.ControlLogix);

    [Theory]
    [InlineData(4_002, 4_000)]
    [InlineData(2_000, 2_000)]
    [InlineData(500, 500)]
    public async Task The_largest_connection_that_is_granted_is_used(int granted, int used)
    {
        await using var small = new SimulatedController(new SimulatedControllerOptions { ConnectionSize = granted });
        small.AddTag("Counts", CipDataType.Dint, 3_000);
        small.Start();
        await using var client = await ConnectAsync(small.Port);
        Assert.Equal(used, client.ConnectionSize);
        Assert.Equal(new int[3_000], (await client.ReadAsync([A("Counts{3000}")]))[0].Value);
    }

    [Fact]
    public async Task A_controller_that_takes_no_packed_requests_is_asked_one_by_one()
    {
        await using var small = new SimulatedController(new SimulatedControllerOptions { TakesMultiple = false, HasTagList = false });
        small.AddTag("A", CipDataType.Dint);
        small.AddTag("B", CipDataType.Real);
        small.Start();
        small.Write("A", 1);
        small.Write("B", 2.5);
        await using var client = await ConnectAsync(small.Port);
        var plan = client.Plan([A("A"), A("B"), A("C")]);
        for (var i = 0; i < 2; i++)
        {
            await client.ReadAsync(plan);
            Assert.Equal([1, 2.5f], new[] { plan.ValueOf(0), plan.ValueOf(1) });
            Assert.Contains("there is no such tag", plan.ResultOf(2).Error, StringComparison.Ordinal);
        }

        Assert.Equal(6, small.Requests);
        var error = await Assert.ThrowsAsync<CipException>(() => client.ListTagsAsync(null));
        Assert.Contains("does not have this service", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_simulator_whose_answers_do_not_say_which_they_are_is_asked_one_at_a_time(bool connected)
    {
        // Neither sequence nor context comes back.
        _plc.Faults.Mutate = frame =>
        {
            if (frame[0] is not (0x6F or 0x70)) return frame;
            frame.AsSpan(12, 8).Clear();
            if (frame[0] == 0x70) frame.AsSpan(44, 2).Clear();
            return frame;
        };
        await using var client = await CipClient.ConnectAsync(LogixTests.Options(_plc.Port) with { Connected = connected });
        for (var i = 0; i < 5; i++) _plc.Write($"Counts[{i}]", i);
        var reads = Enumerable.Range(0, 5).Select(i => client.ReadAsync([A($"Counts[{i}]"), A("Count")])).ToList();
        for (var i = 0; i < 5; i++) Assert.Equal(i, (await reads[i])[0].Value);
        Assert.Equal(new int[3_000].Length, ((int[])(await client.ReadAsync([A("Counts{3000}")]))[0].Value!).Length);
    }

    [Fact]
    public async Task Connected_answers_whose_items_stand_six_bytes_too_early_are_understood()
    {
        _plc.Faults.Mutate = frame =>
        {
            const int Items = 24;
            if (frame[0] != 0x70) return frame;
            // Count, address and data item where interface and time-out should be; the message where it belongs.
            var early = frame.AsSpan(Items + 6, 16).ToArray();
            early.CopyTo(frame, Items);
            frame.AsSpan(Items + early.Length, 6).Fill(0xEE);
            return frame;
        };
        await using var client = await ConnectAsync(_plc.Port);
        for (var i = 0; i < 4; i++) _plc.Write($"Counts[{i}]", i);
        var reads = Enumerable.Range(0, 4).Select(i => client.ReadAsync([A($"Counts[{i}]"), A("Count")])).ToList();
        for (var i = 0; i < 4; i++) Assert.Equal(i, (await reads[i])[0].Value);
        Assert.Equal(new int[2_990], (await client.ReadAsync([A("Counts[10]{2990}")]))[0].Value);
    }

    [Fact]
    public async Task A_Micro800_is_spoken_to_as_it_wants()
    {
        await using var micro = new SimulatedController(new SimulatedControllerOptions { Plc = CipPlc.Micro800, ConnectionSize = 504 });
        micro.AddTag("Count", CipDataType.Udint);
        micro.AddTag("Flags", CipDataType.Bool, 40);
        micro.AddTag("Word", CipDataType.Uint);
        micro.Start();
        await using var client = await CipClient.ConnectAsync(
            new CipClientOptions { Host = "127.0.0.1", Port = micro.Port, Plc = CipPlc.Micro800 });
        Assert.Null((await client.WriteAsync(A("Count"), uint.MaxValue)).Error);
        Assert.Null((await client.WriteAsync(A("Flags[37]"), true)).Error);
        // It has no service for single bits.
        Assert.Null((await client.WriteAsync(A("Word.15"), true)).Error);
        Assert.Equal(
            [uint.MaxValue, true, false, (ushort)0x8000],
            (await client.ReadAsync([A("Count"), A("Flags[37]"), A("Flags[36]"), A("Word")])).Select(r => r.Value));
        Assert.Equal(["Count", "Flags", "Word"], (await client.ListTagsAsync(null)).Select(t => t.Name));
    }

    [Fact]
    public async Task A_connection_that_is_in_use_is_tried_with_the_next_number()
    {
        _plc.Faults.DuplicateOpens = 3;
        await using var client = await ConnectAsync(_plc.Port);
        Assert.Equal(4_000, client.ConnectionSize);
    }

    [Fact]
    public async Task Where_no_connection_is_left_the_error_says_so_and_a_closed_one_is_free_at_once()
    {
        var first = await ConnectAsync(_plc.Port);
        await using var second = await ConnectAsync(_plc.Port);
        var error = await Assert.ThrowsAsync<CipException>(() => ConnectAsync(_plc.Port));
        Assert.Contains("no connection left", error.Message, StringComparison.Ordinal);
        await first.DisposeAsync();
        Assert.Equal(1, _plc.Opens);
        await using var third = await ConnectAsync(_plc.Port);
        Assert.Null((await third.ReadAsync([A("Count")]))[0].Error);
    }

    [Fact]
    public async Task A_client_that_crashed_keeps_nobody_from_connecting()
    {
        await using var plc = new SimulatedController(new SimulatedControllerOptions { MaxConnections = 11 });
        plc.Start();
        // As at a controller: a connection whose client is gone stays in use until it times out.
        plc.Faults.KeepsLostConnections = true;
        for (var i = 0; i < 10; i++)
        {
            var crashed = await ConnectAsync(plc.Port);
            plc.CutConnections();
            await crashed.Closed.WaitAsync(TimeSpan.FromSeconds(10));
            await crashed.DisposeAsync();
            Assert.Equal(i + 1, plc.Opens);
        }

        await using var last = await ConnectAsync(plc.Port);
        Assert.NotNull(last.ConnectionSize);
    }

    [Fact]
    public async Task An_answer_that_never_comes_ends_the_session_though_others_do()
    {
        await using var client = await ConnectAsync(_plc.Port, TimeSpan.FromMilliseconds(300));
        // Several are under way from the first packed answer on.
        await client.ReadAsync([A("Counts[1]"), A("Counts[2]")]);
        var isLost = false;
        _plc.Faults.Mutate = frame =>
        {
            if (isLost) return frame;
            isLost = true;
            return [];
        };
        var lost = client.ReadAsync([A("Count")]);
        var error = Assert.ThrowsAsync<CipException>(() => lost);
        while (!client.Closed.IsCompleted)
        {
            try
            {
                await client.ReadAsync([A("Counts[3]")]);
            }
            catch (CipException)
            {
                break;
            }
        }

        Assert.Equal(CipFailure.Timeout, (await error.WaitAsync(TimeSpan.FromSeconds(10))).Failure);
    }

    [Fact]
    public async Task A_route_to_nobody_says_what_to_look_at()
    {
        var error = await Assert.ThrowsAsync<CipException>(() => CipClient.ConnectAsync(
            new CipClientOptions { Host = "127.0.0.1", Port = _plc.Port, Route = CipRoute.Parse("1,3") }));
        Assert.Contains("look at the slot", error.Message, StringComparison.Ordinal);
        await using var unconnected = await CipClient.ConnectAsync(
            new CipClientOptions { Host = "127.0.0.1", Port = _plc.Port, Route = CipRoute.Parse("1,3"), Connected = false });
        Assert.Contains("look at the slot", (await unconnected.ReadAsync([A("Count")]))[0].Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x0F, 0, "External Access is Read Only")]
    [InlineData(0x10, 0, "being downloaded to")]
    [InlineData(0xFF, 0x2107, "not that of the tag")]
    [InlineData(0x77, 0, "(0x77)")]
    public async Task A_tag_that_refuses_says_why_and_the_others_answer(int general, int extended, string said)
    {
        _plc.Faults.Fail("Count", new CipStatus((ushort)general, (ushort)extended));
        await using var client = await ConnectAsync(_plc.Port);
        var results = await client.ReadAsync([A("Counts[1]"), A("Count"), A("Counts[2]")]);
        Assert.Equal([true, false, true], results.Select(r => r.Error is null));
        Assert.Contains(said, results[1].Error, StringComparison.Ordinal);
        Assert.Contains(said, (await client.WriteAsync(A("Count"), 1)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pulled_plug_is_noticed_within_the_time_limit_by_everybody_who_waits()
    {
        await using var client = await ConnectAsync(_plc.Port, TimeSpan.FromSeconds(1));
        await client.ReadAsync([A("Count")]);
        _plc.Faults.IsFrozen = true;
        var since = Stopwatch.GetTimestamp();
        var waiting = Enumerable.Range(0, 20).Select(_ => client.ReadAsync([A("Count")])).ToList();
        foreach (var read in waiting) Assert.Equal(CipFailure.Timeout, (await Assert.ThrowsAsync<CipException>(() => read)).Failure);
        Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(5));
        Assert.Contains("did not answer within 1 s", (await client.Closed).Message, StringComparison.Ordinal);
        // Nor does closing wait for it.
        since = Stopwatch.GetTimestamp();
        await client.DisposeAsync();
        Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task A_controller_that_dies_while_nothing_is_asked_is_noticed_too()
    {
        await using var client = await ConnectAsync(_plc.Port, TimeSpan.FromSeconds(1));
        _plc.Faults.IsFrozen = true;
        var error = await client.Closed.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(CipFailure.Timeout, error.Failure);
    }

    [Fact]
    public async Task A_connection_that_is_asked_nothing_for_longer_than_its_time_out_is_still_there()
    {
        await using var client = await CipClient.ConnectAsync(
            LogixTests.Options(_plc.Port) with { PacketInterval = TimeSpan.FromMilliseconds(200), Timeout = TimeSpan.FromSeconds(3) });
        await client.ReadAsync([A("Count")]);
        var questions = 0;
        _plc.Faults.Mutate = frame =>
        {
            // Who it is, through the connection.
            if (frame.Length > 46 && frame[46] == 0x8E) Interlocked.Increment(ref questions);
            return frame;
        };
        // Each after 400 ms of silence; 16 times 200 ms is its time-out.
        await Eventually.TrueAsync("ten questions who it is", TimeSpan.FromSeconds(30), () =>
            Task.FromResult(Volatile.Read(ref questions) >= 10));
        Assert.Equal(0, (await client.ReadAsync([A("Count")]))[0].Value);
        Assert.Equal(0, _plc.TimeOuts);
        Assert.False(client.Closed.IsCompleted);
    }

    [Fact]
    public async Task One_that_takes_the_session_and_says_nothing_is_given_up()
    {
        _plc.Faults.IsFrozen = true;
        var error = await Assert.ThrowsAsync<CipException>(() => ConnectAsync(_plc.Port, TimeSpan.FromSeconds(1)));
        Assert.Equal(CipFailure.Timeout, error.Failure);
    }

    [Fact]
    public async Task A_reset_ends_every_call_and_says_so()
    {
        await using var client = await ConnectAsync(_plc.Port);
        _plc.Faults.Delay = TimeSpan.FromSeconds(1);
        var before = _plc.Requests;
        var reads = Enumerable.Range(0, 10).Select(_ => client.ReadAsync([A("Count")])).ToList();
        await Eventually.TrueAsync("the request to arrive", TimeSpan.FromSeconds(10), () => Task.FromResult(_plc.Requests > before));
        _plc.CutConnections();
        foreach (var read in reads) Assert.Equal(CipFailure.NotConnected, (await Assert.ThrowsAsync<CipException>(() => read)).Failure);
        await Assert.ThrowsAsync<CipException>(() => client.ReadAsync([A("Count")]));
    }

    [Fact]
    public async Task A_controller_that_is_slow_and_answers_is_not_away()
    {
        await using var client = await ConnectAsync(_plc.Port, TimeSpan.FromSeconds(1));
        _plc.Faults.Delay = TimeSpan.FromMilliseconds(150);
        var reads = Enumerable.Range(0, 20).Select(_ => client.ReadAsync([A("Count")])).ToList();
        foreach (var read in reads) Assert.Equal(0, (await read)[0].Value);
    }

    [Fact]
    public async Task Where_nobody_listens_the_error_says_what_to_look_at()
    {
        var error = await Assert.ThrowsAsync<CipException>(() => ConnectAsync(ServerProcess.FreePort()));
        Assert.Equal(CipFailure.NotConnected, error.Failure);
        Assert.Contains("is the controller on", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_that_is_cancelled_harms_no_other()
    {
        await using var client = await ConnectAsync(_plc.Port);
        _plc.Faults.Delay = TimeSpan.FromMilliseconds(50);
        using var cancelled = new CancellationTokenSource(TimeSpan.FromMilliseconds(20));
        var reads = Enumerable.Range(0, 10).Select(_ => client.ReadAsync([A("Count")], cancelled.Token)).ToList();
        foreach (var read in reads) await Task.WhenAny(read);
        Assert.Contains(reads, r => r.IsCanceled);
        Assert.Equal(0, (await client.ReadAsync([A("Count")]))[0].Value);
    }

    [Fact]
    public async Task Two_readings_of_a_plan_at_a_time_are_refused_and_a_plan_belongs_to_its_client()
    {
        await using var client = await ConnectAsync(_plc.Port);
        await using var other = await ConnectAsync(_plc.Port);
        var plan = client.Plan([A("Count")]);
        _plc.Faults.Delay = TimeSpan.FromMilliseconds(100);
        var first = client.ReadAsync(plan).AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.ReadAsync(plan).AsTask());
        await first;
        await Assert.ThrowsAsync<InvalidOperationException>(() => other.ReadAsync(plan).AsTask());
    }

    private static Task<CipClient> ConnectAsync(int port, TimeSpan? timeout = null) => CipClient.ConnectAsync(
        new CipClientOptions { Host = "127.0.0.1", Port = port, Timeout = timeout ?? TimeSpan.FromSeconds(3) });
}
