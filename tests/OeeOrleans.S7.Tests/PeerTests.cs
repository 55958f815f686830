using OeeOrleans.TestServers;

namespace OeeOrleans.S7.Tests;

/// <summary>Reading and writing at snap7's server.</summary>
public sealed class PeerTests : IAsyncLifetime
{
    private S7Peer _server = null!;
    private S7Client _client = null!;

    public async Task InitializeAsync()
    {
        _server = await S7Peer.StartAsync("\"dbs\": { \"1\": 2000, \"2\": 20000, \"3\": 100 }");
        _client = await ConnectAsync();
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("DB1", "DB1.DBW10:INT", 10)]
    [InlineData("PE", "IW10:INT", 10)]
    [InlineData("PA", "QW10:INT", 10)]
    [InlineData("MK", "MW10:INT", 10)]
    // Of timers and counters snap7 halves the number where it should double it: only 0 is where it belongs.
    [InlineData("TM", "T0:WORD", 0)]
    [InlineData("CT", "C0:WORD", 0)]
    public async Task Every_area_is_read_and_written(string area, string address, int at)
    {
        var where = S7Address.Parse(address);
        await _server.SetAsync(area, at, 0x12, 0x34);
        Assert.Equal(0x1234, Convert.ToInt32((await _client.ReadAsync([where]))[0].Value, null));
        Assert.Equal([S7Status.Good], await _client.WriteAsync([(where, 0x4321)]));
        Assert.Equal([0x43, 0x21], await _server.GetAsync(area, at, 2));
    }

    public static TheoryData<string, object> Values() => new()
    {
        { "DB1.DBX0.3", true },
        { "DB1.DBB0", (byte)255 },
        { "DB1.DBB0:SINT", (sbyte)-5 },
        { "DB1.DBB0:CHAR", 'ä' },
        { "DB1.DBW0", (ushort)65535 },
        { "DB1.DBW0:INT", (short)-32768 },
        { "DB1.DBW0:WCHAR", '☃' },
        { "DB1.DBD0", 4294967295u },
        { "DB1.DBD0:DINT", -2147483648 },
        { "DB1.DBD0:REAL", 0.1f },
        { "DB1.DBB0:LWORD", ulong.MaxValue },
        { "DB1.DBB0:LINT", long.MinValue },
        { "DB1.DBB0:LREAL", 0.1 },
        { "DB1.DBB0:STRING[20]", "Füller" },
        { "DB1.DBB0:WSTRING[20]", "Füller ☃" },
        { "DB1.DBW0:DATE", new DateOnly(2026, 11, 28) },
        { "DB1.DBD0:TIME_OF_DAY", new TimeOnly(12, 34, 56, 789) },
        { "DB1.DBB0:DATE_AND_TIME", new DateTime(2026, 11, 28, 12, 34, 56, 789) },
        { "DB1.DBB0:DTL", new S7Timestamp(new DateTime(2026, 11, 28, 12, 34, 56), 78) },
        { "DB1.DBD0:TIME", TimeSpan.FromMilliseconds(-1) },
        { "DB1.DBB0:LTIME", new S7Duration(123_456_789_012_345) },
        { "DB1.DBW0:S5TIME", TimeSpan.FromSeconds(9990) },
        { "T1", TimeSpan.FromMilliseconds(9990) },
        { "C1", (ushort)999 },
        { "DB1.DBX0.6:BOOL[5]", new[] { true, false, true, true, false } },
        { "DB1.DBD8:DINT[10]", new[] { 1, -2, 3, -4, 5, -6, 7, -8, 9, -10 } },
        { "DB1.DBB0:LREAL[200]", Enumerable.Range(0, 200).Select(i => i / 3.0).ToArray() },
        { "DB1.DBB0:WSTRING[7][3]", new[] { "☃", "", "abcdefg" } },
        { "DB1.DBB0:CHAR[3]", new[] { 'a', 'ß', '7' } },
        { "DB1.DBW0:DATE[2]", new[] { new DateOnly(1990, 1, 1), new DateOnly(2100, 12, 31) } },
        { "DB1.DBD0:TIME[2]", new[] { TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(-5) } },
        { "DB1.DBB1:STRING[5][3]", new[] { "a", "", "äöüßx" } },
        { "DB1.DBB0:DTL[3]", Enumerable.Range(1, 3).Select(i => new S7Timestamp(new DateTime(2026, 1, i), i)).ToArray() },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public async Task Every_type_is_written_and_read_back(string address, object value)
    {
        var where = S7Address.Parse(address);
        Assert.Equal([S7Status.Good], await _client.WriteAsync([(where, value)]));
        Assert.Equal(value, (await _client.ReadAsync([where]))[0].Value);
    }

    [Fact]
    public async Task A_bit_is_written_without_touching_its_neighbours()
    {
        await _server.SetAsync("DB1", 0, 0b0101_0101, 0xFF);
        await _client.WriteAsync([(S7Address.Parse("DB1.DBX0.1"), true), (S7Address.Parse("DB1.DBX0.2"), false),
            (S7Address.Parse("DB1.DBX0.7:BOOL[2]"), new[] { true, false })]);
        Assert.Equal([0b1101_0011, 0xFE], await _server.GetAsync("DB1", 0, 2));
    }

    [Fact]
    public async Task A_text_leaves_what_lies_behind_it_and_the_room_the_PLC_gave_it()
    {
        await _server.SetAsync("DB1", 0, [10, 0, .. Enumerable.Repeat((byte)0xAA, 20)]);
        Assert.Equal([S7Status.Good], await _client.WriteAsync([(S7Address.Parse("DB1.DBB0:STRING"), "abc")]));
        Assert.Equal([10, 3, (byte)'a', (byte)'b', (byte)'c', 0xAA, 0xAA], await _server.GetAsync("DB1", 0, 7));
        var error =
            await Assert.ThrowsAsync<ArgumentException>(() => _client.WriteAsync([(S7Address.Parse("DB1.DBB0:STRING"), "abcdefghijk")]));
        Assert.Contains("has room for 10 characters, not for 11", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(240)]
    [InlineData(480)]
    [InlineData(960)]
    public async Task A_block_of_20_000_bytes_is_read_and_written_whole_at_every_PDU(int pdu)
    {
        await using var client = await ConnectAsync(pdu);
        Assert.Equal(pdu, client.PduLength);
        await _server.SayAsync(new { op = "fill", area = "DB2" });
        var all = S7Address.Bytes(2, 0, 20_000);
        var plan = client.Plan([all]);
        await client.ReadAsync(plan);
        Assert.True(plan.IsSplit(0));
        Assert.Equal(Enumerable.Range(0, 20_000).Select(i => (byte)((i * 7) + (i >> 8))), plan.BytesOf(0).ToArray());
        var other = plan.BytesOf(0).ToArray().Reverse().ToArray();
        Assert.Equal([S7Status.Good], await client.WriteAsync([(all, other)]));
        Assert.Equal(other, await _server.GetAsync("DB2", 0, 20_000));
    }

    [Theory]
    [InlineData(240)]
    [InlineData(480)]
    [InlineData(960)]
    public async Task A_thousand_scattered_tags_of_odd_and_even_lengths_are_all_right(int pdu)
    {
        await using var client = await ConnectAsync(pdu);
        await _server.SayAsync(new { op = "fill", area = "DB2" });
        var random = new Random(5);
        var tags = Enumerable.Range(0, 1_000).Select(_ => S7Address.Bytes(2, random.Next(19_000), random.Next(1, 90))).ToList();
        var read = await client.ReadAsync(tags);
        Assert.All(read, r => Assert.Equal(
            Enumerable.Range(r.Address.Start, r.Address.Count).Select(i => (byte)((i * 7) + (i >> 8))), (byte[])r.Value!));
    }

    [Fact]
    public async Task Tags_further_apart_than_a_gap_are_packed_and_close_ones_merged()
    {
        var close = _client.Plan([.. Enumerable.Range(0, 100).Select(i => S7Address.Parse($"DB2.DBD{i * 4}:DINT"))]);
        Assert.Equal(1, close.RequestCount);
        var far = _client.Plan([.. Enumerable.Range(0, 100).Select(i => S7Address.Parse($"DB2.DBD{i * 100}:DINT"))]);
        Assert.Equal(5, far.RequestCount);
        await _client.ReadAsync(far);
        Assert.All(Enumerable.Range(0, 100), i => Assert.Equal(S7Status.Good, far.StatusOf(i)));
    }

    [Fact]
    public async Task One_bad_address_spoils_no_other_not_even_one_it_is_merged_with()
    {
        await _server.SetAsync("DB3", 96, 1, 2, 3, 4);
        S7Address[] tags =
        [
            S7Address.Parse("DB3.DBD96:DINT"), S7Address.Parse("DB3.DBD100:DINT"), S7Address.Parse("DB99.DBW0"),
            S7Address.Parse("DB3.DBB97"),
        ];
        var read = await _client.ReadAsync(tags);
        Assert.Equal([S7Status.Good, S7Status.OutOfRange, S7Status.NotThere, S7Status.Good], read.Select(r => r.Status));
        Assert.Equal([0x01020304, null, null, (byte)2], read.Select(r => r.Value));
        Assert.Contains("out of range", read[1].Error, StringComparison.Ordinal);
        var written = await _client.WriteAsync([(tags[0], 7), (tags[1], 8), (tags[2], 9), (tags[3], 5)]);
        Assert.Equal(S7Status.Good, written[0]);
        Assert.NotEqual(S7Status.Good, written[1]);
        Assert.NotEqual(S7Status.Good, written[2]);
        Assert.Equal(S7Status.Good, written[3]);
    }

    [Fact]
    public async Task A_plan_that_met_a_bad_address_goes_on_with_the_good_ones()
    {
        var plan = _client.Plan([S7Address.Parse("DB3.DBD96:DINT"), S7Address.Parse("DB3.DBD100:DINT")]);
        Assert.Equal(1, plan.RequestCount);
        for (var i = 1; i < 4; i++)
        {
            await _server.SetAsync("DB3", 96, 0, 0, 0, (byte)i);
            await _client.ReadAsync(plan);
            Assert.Equal(i, plan.ValueOf(0));
            Assert.Equal(S7Status.OutOfRange, plan.StatusOf(1));
        }
    }

    [Fact]
    public async Task Many_callers_share_a_connection_and_each_gets_his_own_answer()
    {
        await _server.SayAsync(new { op = "fill", area = "DB2" });
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async caller =>
        {
            var random = new Random(caller);
            for (var i = 0; i < 50; i++)
            {
                var at = random.Next(19_999);
                var read = await _client.ReadAsync([S7Address.Bytes(2, at, 1)]);
                Assert.Equal((byte)((at * 7) + (at >> 8)), ((byte[])read[0].Value!)[0]);
            }
        }));
    }

    [Fact]
    public async Task Its_state_its_name_and_its_blocks_are_told()
    {
        Assert.Equal(S7CpuState.Run, await _client.ReadStateAsync());
        await _server.SayAsync(new { op = "state", value = "stop" });
        Assert.Equal(S7CpuState.Stop, await _client.ReadStateAsync());
        var who = await _client.IdentifyAsync();
        Assert.StartsWith("6ES7 ", who.OrderNumber, StringComparison.Ordinal);
        Assert.StartsWith("CPU ", who.ModuleType, StringComparison.Ordinal);
        var blocks = await _client.ListBlocksAsync();
        Assert.Equal([(1, 2000), (2, 20000), (3, 100)], blocks.Where(b => b.Type == S7BlockType.DB).Select(b => (b.Number, b.Size ?? 0)));
    }

    private Task<S7Client> ConnectAsync(int pdu = 480) =>
        S7Client.ConnectAsync(new S7ClientOptions { Host = "127.0.0.1", Port = _server.Port, Slot = 2, PduLength = pdu });
}
