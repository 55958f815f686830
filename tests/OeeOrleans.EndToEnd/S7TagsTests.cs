using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>`oee tags` against an S7 server nobody here wrote, as a user types it.</summary>
public sealed class S7TagsTests : IAsyncLifetime
{
    private S7Peer _server = null!;

    public async Task InitializeAsync() => _server = await S7Peer.StartAsync("\"dbs\": { \"1\": 400, \"7\": 64 }");

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task What_is_written_is_read_back_in_its_order_and_one_bad_address_spoils_no_other()
    {
        string[] addresses =
        [
            "DB1.DBW0:INT", "DB1.DBD4:REAL", "DB1.DBB10:STRING[20]", "DB1.DBB40:DTL", "DB9.DBW0", "DB1.DBB60:LTIME", "DB1.DBD100:DINT[3]",
            "DB1.DBX120.1", "DB1.DBB130:CHAR", "MW4", "DB1.DBB140:ULINT", "DB1.DBB150:DATE_AND_TIME", "DB1.DBW160:S5TIME",
            "DB1.DBB170:WSTRING[10]", "DB1.DBB200:LREAL", "DB1.DBB399:DINT",
        ];
        string[] values =
        [
            "-12", "0.1", "\"a=b\"", "\"2026-11-28T01:02:03.123456789\"", "3", "1.000000001", "[1,-2,3]", "true", "\"x\"", "7",
            "18446744073709551615", "\"2026-11-28T01:02:03.004\"", "9.99", "\"Füller ☃\"", "\"NaN\"", "1",
        ];
        var (code, written, _) = await RunAsync("write", [.. addresses.Zip(values, (a, v) => $"{a}={v}")]);
        Assert.Equal(1, code);
        Assert.Equal(addresses, written.Select(l => l.GetProperty("address").GetString()));
        Assert.Equal(addresses.Select(a => a is not ("DB9.DBW0" or "DB1.DBB399:DINT")),
            written.Select(l => l.GetProperty("ok").GetBoolean()));
        var (readCode, read, _) = await RunAsync("read", addresses);
        Assert.Equal(1, readCode);
        for (var i = 0; i < addresses.Length; i++)
        {
            Assert.Equal(addresses[i], read[i].GetProperty("address").GetString());
            var isGood = addresses[i] is not ("DB9.DBW0" or "DB1.DBB399:DINT");
            Assert.Equal(isGood ? values[i] : "null", read[i].GetProperty("value").GetRawText());
            Assert.Equal(isGood ? 192 : 0, read[i].GetProperty("quality").GetInt32());
            Assert.Equal(isGood ? JsonValueKind.Null : JsonValueKind.String, read[i].GetProperty("error").ValueKind);
        }
    }

    [Fact]
    public async Task Browse_lists_the_blocks_with_their_sizes_and_what_it_prints_can_be_read()
    {
        var (code, lines, _) = await RunAsync("browse");
        Assert.Equal(0, code);
        Assert.Equal(["DB1", "DB7"], lines.Select(l => l.GetProperty("name").GetString()));
        Assert.Equal("BYTE[64]", lines[1].GetProperty("type").GetString());
        var (readCode, read, _) = await RunAsync("read", lines[1].GetProperty("address").GetString()!);
        Assert.Equal((0, 64), (readCode, read[0].GetProperty("value").GetArrayLength()));
        var (_, one, _) = await RunAsync("browse", "--from", "DB7");
        Assert.Equal("DB7", Assert.Single(one).GetProperty("name").GetString());
    }

    [Fact]
    public async Task Watch_prints_what_is_and_then_each_change_and_nothing_for_the_bits_beside()
    {
        await using var watching = Start("watch", "DB1.DBX0.0", "DB1.DBW2:INT", "--interval-ms", "20", "--for", "20");
        await CountAsync(watching, 2);
        await _server.SetAsync("DB1", 0, 0b10);
        await _server.SetAsync("DB1", 2, 0, 5);
        await CountAsync(watching, 3);
        await _server.SetAsync("DB1", 0, 0b11);
        await CountAsync(watching, 4);
        var lines = OeeTags.Lines(watching);
        Assert.Equal(["false", "0", "5", "true"], lines.Select(l => l.GetProperty("value").GetRawText()));
    }

    [Fact]
    public async Task Propose_writes_a_fragment_that_check_accepts()
    {
        await using var propose = Start("propose", "--device", "filler1");
        await propose.WaitForExitAsync(TimeSpan.FromSeconds(60));
        Assert.Contains("DB7.DBB0", propose.Output, StringComparison.Ordinal);
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(
            file,
            "site: { id: a, name: A, time_zone: UTC }\n"
                + propose.Output.Replace("edge:\n", "edge:\n  group: g\n  node: n\n", StringComparison.Ordinal));
        await using var check = ServerProcess.Start("dotnet", [Oee.Program, "check", "--config", file]);
        await check.WaitForExitAsync(TimeSpan.FromSeconds(30));
        File.Delete(file);
        Assert.True(check.ExitCode == 0, check.Output);
    }

    [Theory]
    [InlineData("read", "Filler1.Temp")]
    [InlineData("read", "DB1.DBX0.8")]
    [InlineData("read", "--user", "me", "DB1.DBW0")]
    [InlineData("write", "DB1.DBW0")]
    [InlineData("browse", "--from", "MW20")]
    public async Task Wrong_usage_exits_2_and_says_what_would_be_right(params string[] arguments)
    {
        var (code, lines, output) = await RunAsync(arguments[0], arguments[1..]);
        Assert.Equal(2, code);
        Assert.Empty(lines);
        Assert.Contains("oee: ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_there_is_no_PLC_it_exits_1_and_says_what_to_look_at()
    {
        await _server.KillAsync();
        var (code, _, output) = await RunAsync("read", "DB1.DBW0");
        Assert.Equal(1, code);
        Assert.Contains("is the PLC on", output, StringComparison.Ordinal);
    }

    private static Task CountAsync(ServerProcess watching, int lines) => Eventually.HoldsAsync(
        $"{lines} lines", TimeSpan.FromSeconds(15), () => Task.FromResult(OeeTags.Lines(watching).Count), n => n >= lines);

    private ServerProcess Start(string verb, params string[] arguments) => OeeTags.Start(verb, _server.Url, arguments);

    private Task<(int Code, List<JsonElement> Lines, string Output)> RunAsync(string verb, params string[] arguments) =>
        OeeTags.EndAsync(Start(verb, arguments));
}
