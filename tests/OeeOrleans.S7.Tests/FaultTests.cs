using System.Diagnostics;
using OeeOrleans.S7.Simulation;
using OeeOrleans.TestServers;

namespace OeeOrleans.S7.Tests;

/// <summary>PLCs that refuse, are weak, slow, or go away.</summary>
public sealed class FaultTests : IAsyncLifetime
{
    private readonly SimulatedPlc _plc = new(new SimulatedPlcOptions { PduLength = 240, MaxConnections = 2, Jobs = 4 });

    public Task InitializeAsync()
    {
        _plc.AddDb(1, 4_000);
        _plc.AddDb(2, 100);
        _plc.Start();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _plc.DisposeAsync();

    private static S7Address A(string text) => S7Address.Parse(text);

    [Fact]
    public async Task What_the_program_shows_is_read_and_what_is_written_the_program_sees()
    {
        await using var client = await ConnectAsync();
        _plc.Write("DB1.DBD4:REAL", 21.5);
        _plc.Write("T7", TimeSpan.FromSeconds(3));
        _plc.Write("C9", 42);
        var read = await client.ReadAsync([A("DB1.DBD4:REAL"), A("T7"), A("C9")]);
        Assert.Equal([21.5f, TimeSpan.FromSeconds(3), (ushort)42], read.Select(r => r.Value));
        await client.WriteAsync([(A("DB1.DBX0.5"), true), (A("T8"), 1.5), (A("QW6:INT"), -7)]);
        Assert.Equal(true, _plc.Read("DB1.DBX0.5"));
        Assert.Equal(TimeSpan.FromSeconds(1.5), _plc.Read("T8"));
        Assert.Equal((short)-7, _plc.Read("QW6:INT"));
    }

    [Fact]
    public async Task A_PLC_that_silently_answers_fewer_items_is_asked_for_fewer_and_all_come()
    {
        _plc.Faults.MaxItems = 7;
        for (var i = 0; i < 50; i++) _plc.Write($"DB1.DBW{i * 80}:INT", i);
        await using var client = await ConnectAsync();
        var read = await client.ReadAsync([.. Enumerable.Range(0, 50).Select(i => A($"DB1.DBW{i * 80}:INT"))]);
        Assert.Equal(Enumerable.Range(0, 50).Select(i => (object?)(short)i), read.Select(r => r.Value));
    }

    [Fact]
    public async Task PUT_GET_that_is_off_is_said_with_what_to_do_and_the_connection_stays()
    {
        await using var client = await ConnectAsync();
        _plc.Faults.RefuseWith = 0x8104;
        var error = await Assert.ThrowsAsync<S7Exception>(() => client.ReadAsync([A("DB1.DBW0")]));
        Assert.Equal((S7Failure.Refused, (ushort)0x8104), (error.Failure, error.Code));
        Assert.Contains("PUT/GET is not permitted", error.Message, StringComparison.Ordinal);
        _plc.Faults.RefuseWith = 0;
        Assert.Equal(S7Status.Good, (await client.ReadAsync([A("DB1.DBW0")]))[0].Status);
    }

    [Theory]
    [InlineData(S7Status.AccessDenied, "permit PUT/GET")]
    [InlineData(S7Status.NotThere, "untick 'Optimized block access'")]
    [InlineData(S7Status.HardwareFault, "hardware fault")]
    [InlineData(S7Status.TypeNotSupported, "0x06")]
    [InlineData((S7Status)0x42, "unknown return code 0x42")]
    public async Task A_block_that_refuses_says_why_and_the_others_answer(S7Status status, string said)
    {
        await using var client = await ConnectAsync();
        _plc.Faults.Fail(S7Area.DataBlock, 2, status);
        var read = await client.ReadAsync([A("DB1.DBW0"), A("DB2.DBW0"), A("DB1.DBW2")]);
        Assert.Equal([S7Status.Good, status, S7Status.Good], read.Select(r => r.Status));
        Assert.Contains(said, read[1].Error, StringComparison.Ordinal);
        Assert.Equal([status], await client.WriteAsync([(A("DB2.DBW0"), 1)]));
    }

    [Fact]
    public async Task A_pulled_plug_is_noticed_within_the_time_limit_by_everybody_who_waits()
    {
        await using var client = await ConnectAsync(TimeSpan.FromSeconds(1));
        await client.ReadAsync([A("DB1.DBW0")]);
        _plc.Faults.IsFrozen = true;
        var since = Stopwatch.GetTimestamp();
        var waiting = Enumerable.Range(0, 20).Select(_ => client.ReadAsync([A("DB1.DBW0")])).ToList();
        foreach (var read in waiting) Assert.Equal(S7Failure.Timeout, (await Assert.ThrowsAsync<S7Exception>(() => read)).Failure);
        Assert.InRange(Stopwatch.GetElapsedTime(since), TimeSpan.FromSeconds(0.9), TimeSpan.FromSeconds(5));
        Assert.Contains("did not answer within 1 s", (await client.Closed).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_PLC_that_takes_the_connection_and_says_nothing_is_given_up()
    {
        _plc.Faults.IsFrozen = true;
        var error = await Assert.ThrowsAsync<S7Exception>(() => ConnectAsync(TimeSpan.FromSeconds(1)));
        Assert.Equal(S7Failure.Timeout, error.Failure);
    }

    [Fact]
    public async Task A_reset_ends_every_call_and_says_so()
    {
        await using var client = await ConnectAsync();
        _plc.Faults.Delay = TimeSpan.FromSeconds(1);
        var reads = Enumerable.Range(0, 10).Select(_ => client.ReadAsync([A("DB1.DBW0")])).ToList();
        await Eventually.TrueAsync("the request to arrive", TimeSpan.FromSeconds(10), () => Task.FromResult(_plc.Requests > 0));
        _plc.CutConnections();
        foreach (var read in reads) Assert.Equal(S7Failure.NotConnected, (await Assert.ThrowsAsync<S7Exception>(() => read)).Failure);
        await client.Closed.WaitAsync(TimeSpan.FromSeconds(10));
        await Assert.ThrowsAsync<S7Exception>(() => client.ReadAsync([A("DB1.DBW0")]));
    }

    [Fact]
    public async Task Where_no_connection_is_left_the_error_says_so_and_a_closed_one_is_free_at_once()
    {
        var first = await ConnectAsync();
        await using var second = await ConnectAsync();
        var error = await Assert.ThrowsAsync<S7Exception>(() => ConnectAsync());
        Assert.Contains("no connection left", error.Message, StringComparison.Ordinal);
        await first.DisposeAsync();
        await Eventually.TrueAsync("the place to be free", TimeSpan.FromSeconds(1), () => Task.FromResult(_plc.Connections < 2));
        await using var third = await ConnectAsync();
        Assert.Equal(S7Status.Good, (await third.ReadAsync([A("DB1.DBW0")]))[0].Status);
    }

    [Fact]
    public async Task A_wrong_slot_is_refused_with_what_to_try()
    {
        await using var other = new SimulatedPlc(new SimulatedPlcOptions { Tsap = 0x0102 });
        other.Start();
        var error = await Assert.ThrowsAsync<S7Exception>(
            () => S7Client.ConnectAsync(new S7ClientOptions { Host = "127.0.0.1", Port = other.Port, Slot = 1 }));
        Assert.Contains("nobody at rack 0, slot 1 (TSAP 0x0101)", error.Message, StringComparison.Ordinal);
        await using var right = await S7Client.ConnectAsync(new S7ClientOptions { Host = "127.0.0.1", Port = other.Port, Slot = 2 });
    }

    [Fact]
    public async Task Where_nobody_listens_the_error_says_what_to_look_at()
    {
        var error = await Assert.ThrowsAsync<S7Exception>(
            () => S7Client.ConnectAsync(new S7ClientOptions { Host = "127.0.0.1", Port = ServerProcess.FreePort() }));
        Assert.Equal(S7Failure.NotConnected, error.Failure);
        Assert.Contains("is the PLC on", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_PLC_that_knows_no_lists_keeps_its_session()
    {
        await using var client = await ConnectAsync();
        _plc.Faults.Mutate = pdu => pdu[1] == 7 ? [.. pdu[..20], 0x84, 0x04, .. pdu[22..]] : pdu;
        Assert.Equal(S7CpuState.Unknown, await client.ReadStateAsync());
        Assert.Null((await client.IdentifyAsync()).OrderNumber);
        await Assert.ThrowsAsync<S7Exception>(() => client.ListBlocksAsync());
        Assert.Equal(S7Status.Good, (await client.ReadAsync([A("DB1.DBW0")]))[0].Status);
    }

    [Fact]
    public async Task A_list_of_blocks_longer_than_a_PDU_comes_whole()
    {
        for (var i = 10; i < 310; i++) _plc.AddDb(i, i);
        await using var client = await ConnectAsync();
        var blocks = await client.ListBlocksAsync();
        Assert.Equal(302, blocks.Count);
        Assert.All(blocks.Skip(2), b => Assert.Equal(b.Number, b.Size));
    }

    [Fact]
    public async Task As_many_requests_are_under_way_as_the_PLC_grants_and_no_more()
    {
        await using var client = await ConnectAsync();
        _plc.Faults.Delay = TimeSpan.FromMilliseconds(2);
        var all = S7Address.Bytes(1, 0, 4_000);
        for (var i = 0; i < 5; i++) Assert.Equal(S7Status.Good, (await client.ReadAsync([all]))[0].Status);
        Assert.Equal(4, _plc.MostUnderWay);
    }

    [Fact]
    public async Task A_PLC_that_breaks_when_it_is_given_more_than_two_is_given_two()
    {
        _plc.Faults.ResetAbove = 2;
        _plc.Faults.Delay = TimeSpan.FromMilliseconds(2);
        var options = new S7ClientOptions { Host = "127.0.0.1", Port = _plc.Port, Window = new S7JobWindow() };
        var broken = 0;
        for (var connection = 0; connection < 5; connection++)
        {
            await using var client = await S7Client.ConnectAsync(options);
            try
            {
                for (var i = 0; i < 20; i++) await client.ReadAsync([S7Address.Bytes(1, 0, 4_000)]);
            }
            catch (S7Exception)
            {
                broken++;
            }
        }

        Assert.InRange(broken, 1, 2);
        Assert.Equal(2, options.Window.Width);
    }

    [Fact]
    public async Task A_PLC_that_is_slow_and_answers_is_not_away()
    {
        // Four under way from the start: the fourth waits 2.4 s for its answer, and every 0.6 s another one comes.
        var window = new S7JobWindow();
        for (var i = 0; i < 200; i++) window.Answered();
        _plc.Faults.Delay = TimeSpan.FromMilliseconds(600);
        await using var client = await S7Client.ConnectAsync(
            new S7ClientOptions { Host = "127.0.0.1", Port = _plc.Port, Timeout = TimeSpan.FromSeconds(2), Window = window });
        Assert.Equal(4, window.Width);
        Assert.Equal(S7Status.Good, (await client.ReadAsync([S7Address.Bytes(1, 0, 1_500)]))[0].Status);
    }

    [Theory]
    [InlineData(128)]
    [InlineData(256)]
    [InlineData(512)]
    public async Task A_PDU_larger_than_a_transport_unit_goes_in_parts_both_ways(int unit)
    {
        await using var plc = new SimulatedPlc(new SimulatedPlcOptions { PduLength = 960, UnitLength = unit });
        plc.AddDb(1, 4_000);
        plc.Start();
        await using var client = await S7Client.ConnectAsync(new S7ClientOptions { Host = "127.0.0.1", Port = plc.Port });
        var bytes = Enumerable.Range(0, 4_000).Select(i => (byte)(i * 3)).ToArray();
        Assert.Equal([S7Status.Good], await client.WriteAsync([(S7Address.Bytes(1, 0, 4_000), bytes)]));
        Assert.Equal(bytes, (await client.ReadAsync([S7Address.Bytes(1, 0, 4_000)]))[0].Value);
    }

    [Fact]
    public async Task A_PLC_that_takes_fewer_items_is_written_all_the_same()
    {
        _plc.Faults.MaxItems = 3;
        await using var client = await ConnectAsync();
        var values = Enumerable.Range(0, 10).Select(i => (A($"DB1.DBW{i * 100}:INT"), (object)(i + 1))).ToList();
        Assert.All(await client.WriteAsync(values), s => Assert.Equal(S7Status.Good, s));
        Assert.Equal(Enumerable.Range(1, 10).Select(i => (object)(short)i),
            Enumerable.Range(0, 10).Select(i => _plc.Read($"DB1.DBW{i * 100}:INT")));
    }

    [Fact]
    public async Task A_PLC_that_claims_larger_PDUs_than_it_serves_is_asked_for_smaller_ones()
    {
        await using var plc = new SimulatedPlc(new SimulatedPlcOptions { PduLength = 960 });
        plc.AddDb(1, 4_000);
        plc.Start();
        plc.Faults.Mutate = pdu => pdu[1] == 3 && pdu.Length > 400 ? [.. pdu[..6], 0, 0, 0, 0, 0x85, 0] : pdu;
        await using var client = await S7Client.ConnectAsync(new S7ClientOptions { Host = "127.0.0.1", Port = plc.Port });
        Assert.Equal(S7Status.Good, (await client.ReadAsync([S7Address.Bytes(1, 0, 4_000)]))[0].Status);
    }

    [Fact]
    public async Task A_block_that_was_away_for_a_moment_is_read_merged_again()
    {
        await using var client = await ConnectAsync();
        var plan = client.Plan([.. Enumerable.Range(0, 50).Select(i => A($"DB2.DBW{i * 2}:INT"))]);
        var merged = plan.RequestCount;
        _plc.Faults.Fail(S7Area.DataBlock, 2, S7Status.NotThere);
        await client.ReadAsync(plan);
        Assert.Equal(S7Status.NotThere, plan.StatusOf(7));
        _plc.Faults.Fail(S7Area.DataBlock, 2, S7Status.Good);
        for (var i = 0; i < 2; i++) await client.ReadAsync(plan);
        Assert.Equal(merged, plan.RequestCount);
        Assert.Equal(S7Status.Good, plan.StatusOf(7));
    }

    [Fact]
    public async Task After_a_reading_that_failed_as_a_whole_nothing_is_good()
    {
        await using var client = await ConnectAsync(TimeSpan.FromSeconds(2));
        var plan = client.Plan([A("DB1.DBW0:INT")]);
        await client.ReadAsync(plan);
        _plc.Faults.IsFrozen = true;
        await Assert.ThrowsAsync<S7Exception>(() => client.ReadAsync(plan).AsTask());
        Assert.Equal(S7Status.None, plan.StatusOf(0));
        Assert.Throws<InvalidOperationException>(() => plan.ValueOf(0));
    }

    [Fact]
    public async Task A_plan_of_another_connection_is_refused()
    {
        await using var first = await ConnectAsync();
        await using var second = await ConnectAsync();
        var plan = first.Plan([A("DB1.DBW0")]);
        await Assert.ThrowsAsync<InvalidOperationException>(() => second.ReadAsync(plan).AsTask());
    }

    [Fact]
    public async Task Closing_while_calls_are_under_way_ends_them_and_says_who_closed()
    {
        var client = await ConnectAsync();
        _plc.Faults.Delay = TimeSpan.FromSeconds(2);
        var reads = Enumerable.Range(0, 10).Select(_ => client.ReadAsync([A("DB1.DBW0")])).ToList();
        await Eventually.TrueAsync("the first request to arrive", TimeSpan.FromSeconds(10), () => Task.FromResult(_plc.Requests > 0));
        await client.DisposeAsync();
        foreach (var read in reads)
        {
            var error = await Assert.ThrowsAsync<S7Exception>(() => read.WaitAsync(TimeSpan.FromSeconds(5)));
            Assert.EndsWith(": closed", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_cancelled_wait_for_a_place_leaves_the_connection_as_it_was()
    {
        await using var client = await ConnectAsync();
        _plc.Faults.Delay = TimeSpan.FromMilliseconds(300);
        var reads = Enumerable.Range(0, 6).Select(_ => client.ReadAsync([A("DB1.DBW0")])).ToList();
        using var cancelled = new CancellationTokenSource();
        var last = client.ReadAsync([A("DB1.DBW0")], cancelled.Token);
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => last);
        foreach (var read in reads) Assert.Equal(S7Status.Good, (await read)[0].Status);
    }

    [Theory]
    [InlineData(-1e30)]
    [InlineData(1e30)]
    [InlineData(double.NegativeInfinity)]
    [InlineData(double.NaN)]
    public async Task A_number_no_type_holds_is_refused_and_nothing_is_written(double number)
    {
        await using var client = await ConnectAsync();
        _plc.Write("DB1.DBB0:LINT", 7);
        foreach (var type in (string[])["SINT", "INT", "DINT", "LINT", "BYTE", "WORD", "DWORD", "LWORD", "ULINT", "TIME", "LTIME"])
        {
            await Assert.ThrowsAsync<ArgumentException>(() => client.WriteAsync([(A($"DB1.DBB0:{type}"), number)]));
        }

        Assert.Equal(7L, _plc.Read("DB1.DBB0:LINT"));
    }

    [Fact]
    public async Task A_string_without_a_size_at_a_place_that_was_never_used_is_refused()
    {
        await using var client = await ConnectAsync();
        var error = await Assert.ThrowsAsync<ArgumentException>(() => client.WriteAsync([(A("DB1.DBB0:STRING"), "abc")]));
        Assert.Contains("write its size into the address", error.Message, StringComparison.Ordinal);
        _plc.Write("DB1.DBB0:STRING[10][2]", new[] { "a", "b" });
        await Assert.ThrowsAsync<ArgumentException>(() => client.WriteAsync([(A("DB1.DBB0:STRING[12][2]"), new[] { "x", "y" })]));
        Assert.Equal(new[] { "a", "b" }, _plc.Read("DB1.DBB0:STRING[10][2]"));
    }

    [Fact]
    public void The_window_grows_with_answers_and_is_halved_by_silence()
    {
        var window = new S7JobWindow();
        window.Limit(8);
        Assert.Equal(2, window.Width);
        for (var i = 0; i < 100; i++) window.Answered();
        Assert.Equal(8, window.Width);
        window.Failed(5);
        Assert.Equal(2, window.Width);
        // Five were too much: it stays below.
        for (var i = 0; i < 100; i++) window.Answered();
        Assert.Equal(4, window.Width);
        for (var i = 0; i < 10; i++) window.Failed(2);
        Assert.Equal(1, window.Width);
        // And for a while it does not try more.
        for (var i = 0; i < 1_000; i++) window.Answered();
        Assert.Equal(1, window.Width);
        for (var i = 0; i < 20_000; i++) window.Answered();
        Assert.InRange(window.Width, 2, 4);
    }

    private Task<S7Client> ConnectAsync(TimeSpan? timeout = null) => S7Client.ConnectAsync(
        new S7ClientOptions { Host = "127.0.0.1", Port = _plc.Port, Timeout = timeout ?? TimeSpan.FromSeconds(10) });
}
