using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>`oee tags` against an OPC UA server nobody here wrote, as a user types it.</summary>
public sealed class TagsTests : IAsyncLifetime
{
    private OpcUaPeer _server = null!;

    public async Task InitializeAsync() => _server = await OpcUaPeer.StartAsync("\"counters\": 2");

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Read_prints_one_line_for_each_address_in_their_order_and_one_bad_address_spoils_no_other()
    {
        var (code, lines, _) = await RunAsync("read", "ns=2;s=Scalar.UInt64", "ns=2;s=Nobody", "ns=2;s=Matrix.Int32",
            "ns=2;s=Struct.Range", "ns=2;s=Duration");
        Assert.Equal(1, code);
        Assert.Equal(5, lines.Count);
        Assert.Equal("18446744073709551614", lines[0].GetProperty("value").GetRawText());
        Assert.Equal("UInt64", lines[0].GetProperty("type").GetString());
        Assert.Equal(192, lines[0].GetProperty("quality").GetInt32());
        Assert.EndsWith("Z", lines[0].GetProperty("source_time").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, lines[1].GetProperty("quality").GetInt32());
        Assert.Equal(JsonValueKind.Null, lines[1].GetProperty("value").ValueKind);
        Assert.Contains("no such node", lines[1].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Equal("[[1,2,3],[4,5,6]]", lines[2].GetProperty("value").GetRawText());
        Assert.Equal("{\"Low\":-1.5,\"High\":99.25}", lines[3].GetProperty("value").GetRawText());
        Assert.Equal("1.5", lines[4].GetProperty("value").GetRawText());
    }

    [Theory]
    [InlineData("None", null)]
    [InlineData("Basic256Sha256", "Sign")]
    [InlineData("Aes128_Sha256_RsaOaep", "SignAndEncrypt")]
    [InlineData("Aes256_Sha256_RsaPss", "SignAndEncrypt")]
    public async Task Each_policy_can_be_asked_for(string policy, string? mode)
    {
        string[] options = mode is null ? ["--security", policy] : ["--security", policy, "--mode", mode];
        var (code, _, error) = await RunAsync("read", [.. options, "--user", "operator", "--password", "pä55 wörd", "i=2258"]);
        Assert.True(code == 0, error);
    }

    [Fact]
    public async Task Write_prints_what_became_of_each_and_a_read_shows_it()
    {
        var (code, lines, _) = await RunAsync(
            "write", "ns=2;s=Write.Int32=-5", "ns=2;s=Write.String=bare word", "ns=2;s=ReadOnly=1", "ns=2;s=Write.Doubles=[1.5,2]",
                "ns=2;s=Write.Byte=300");
        Assert.Equal(1, code);
        Assert.Equal([true, true, false, true, false], lines.Select(l => l.GetProperty("ok").GetBoolean()));
        Assert.Contains("BadNotWritable", lines[2].GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Contains("300 is no Byte", lines[4].GetProperty("error").GetString(), StringComparison.Ordinal);
        var (_, read, _) = await RunAsync("read", "ns=2;s=Write.Int32", "ns=2;s=Write.String", "ns=2;s=Write.Doubles");
        Assert.Equal(["-5", "\"bare word\"", "[1.5,2]"], read.Select(l => l.GetProperty("value").GetRawText()));
    }

    [Theory]
    [InlineData("ns=2;s=Write=With=Signs=12.5", "ns=2;s=Write=With=Signs", "12.5")]
    [InlineData("ns=2;s=Write.String=\"a=b\"", "ns=2;s=Write.String", "\"a=b\"")]
    public async Task A_name_with_equal_signs_and_a_text_with_them_are_told_apart(string written, string address, string expected)
    {
        if (address.Contains("Signs", StringComparison.Ordinal)) await _server.SayAsync(
            new { op = "add", id = "Write=With=Signs", value = 0 });
        var (code, lines, error) = await RunAsync("write", written);
        Assert.True(code == 0, error);
        Assert.Equal(address, lines[0].GetProperty("address").GetString());
        var (_, read, _) = await RunAsync("read", address);
        Assert.Equal(expected, read[0].GetProperty("value").GetRawText());
    }

    [Theory]
    [InlineData("ns=2;s=Write.Double=1,5")]
    [InlineData("ns=2;s=Write.Double=null")]
    [InlineData("ns=2;s=Write.Float=1e39")]
    public async Task What_is_no_such_number_is_written_nowhere(string written)
    {
        var (code, lines, _) = await RunAsync("write", written);
        Assert.Equal(1, code);
        Assert.False(lines[0].GetProperty("ok").GetBoolean());
    }

    [Fact]
    public async Task Browsing_from_what_is_not_there_is_an_error()
    {
        var (code, _, error) = await RunAsync("browse", "--from", "ns=2;s=Nobody");
        Assert.Equal(1, code);
        Assert.Contains("BadNodeIdUnknown", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_watch_whose_server_dies_ends_and_says_so()
    {
        await using var watching = Start("watch", "--for", "60", "ns=2;s=Counter1");
        await Eventually.TrueAsync("the first line", TimeSpan.FromSeconds(20), () => Task.FromResult(OeeTags.Lines(watching).Count > 0));
        await _server.KillAsync();
        await watching.WaitForExitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(1, watching.ExitCode);
        Assert.Contains("oee: ", watching.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watch_prints_what_is_and_every_change_until_its_time_is_over()
    {
        await using var watching = Start("watch", "--for", "6", "--interval-ms", "100", "ns=2;s=Counter0");
        await Eventually.TrueAsync("the first line", TimeSpan.FromSeconds(20), () => Task.FromResult(OeeTags.Lines(watching).Count > 0));
        await _server.SayAsync(new { op = "series", id = "Counter0", values = (int[])[1, 2, 3] });
        await watching.WaitForExitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(0, watching.ExitCode);
        Assert.Equal(["0", "1", "2", "3"], OeeTags.Lines(watching).Select(l => l.GetProperty("value").GetRawText()));
    }

    [Fact]
    public async Task Browse_shows_what_can_be_read_and_what_can_be_written()
    {
        var (code, lines, _) = await RunAsync("browse", "--from", "ns=2;s=Plant", "--depth", "1");
        Assert.Equal(0, code);
        var node = lines.Single(l => l.GetProperty("address").GetString() == "ns=2;s=Array.Double");
        Assert.Equal("Double[]", node.GetProperty("type").GetString());
        Assert.Equal("variable", node.GetProperty("kind").GetString());
        Assert.True(node.GetProperty("writable").GetBoolean());
        Assert.False(lines.Single(l => l.GetProperty("name").GetString() == "ReadOnly").GetProperty("writable").GetBoolean());
        Assert.DoesNotContain(lines, l => l.GetProperty("name").GetString() == "Parent.Child");
    }

    [Fact]
    public async Task Propose_writes_a_fragment_that_check_accepts()
    {
        await _server.SayAsync(new { op = "add", id = "GoodParts", type = "Int32", value = 1 });
        await _server.SayAsync(new { op = "add", id = "Running", type = "Boolean", value = true });
        await using var proposing = Start("propose", "--from", "ns=2;s=Plant", "--device", "press1");
        await proposing.WaitForExitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, proposing.ExitCode);
        var fragment = proposing.Output[proposing.Output.IndexOf("# ", StringComparison.Ordinal)..];
        Assert.Contains("{ address: \"nsu=urn:oee:peer;s=GoodParts\", metric: \"counter.good\" }", fragment, StringComparison.Ordinal);
        Assert.Contains("{ address: \"nsu=urn:oee:peer;s=Running\", metric: \"state.run\" }", fragment, StringComparison.Ordinal);
        var file = Path.Combine(_server.Directory, "plant.yaml");
        await File.WriteAllTextAsync(
            file,
            "site: { id: a, name: A, time_zone: UTC }\n" + fragment.Replace("edge:\n", "edge:\n  group: g\n  node: n\n",
                StringComparison.Ordinal));
        await using var check = ServerProcess.Start("dotnet", [Oee.Program, "check", "--config", file]);
        await check.WaitForExitAsync(TimeSpan.FromSeconds(30));
        Assert.True(check.ExitCode == 0, check.Output);
    }

    [Theory]
    [InlineData("read", "xx")]
    [InlineData("read", "--security", "Basic128", "i=85")]
    [InlineData("read", "--mode", "Half", "i=85")]
    [InlineData("read", "--password", "x", "i=85")]
    [InlineData("watch", "--interval-ms", "0", "i=85")]
    [InlineData("write", "ns=2;s=NoValue")]
    [InlineData("browse", "--depth", "0")]
    public async Task Wrong_usage_exits_2_and_says_what_would_be_right(params string[] arguments)
    {
        var (code, lines, error) = await RunAsync(arguments[0], arguments[1..]);
        Assert.Equal(2, code);
        Assert.Empty(lines);
        Assert.Contains("oee: ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_trusted_is_refused_until_it_is_accepted_once()
    {
        var pki = Path.Combine(_server.Directory, "other-pki");
        string[] options = ["--source", _server.Url, "--pki", pki];
        await using var first = ServerProcess.Start("dotnet", [Oee.Program, "tags", "read", .. options, "i=2258"]);
        await first.WaitForExitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(1, first.ExitCode);
        Assert.Contains("--trust-server", first.Output, StringComparison.Ordinal);
        await using var second = ServerProcess.Start("dotnet", [Oee.Program, "tags", "read", .. options, "--trust-server", "i=2258"]);
        await second.WaitForExitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, second.ExitCode);
        await using var third = ServerProcess.Start("dotnet", [Oee.Program, "tags", "read", .. options, "i=2258"]);
        await third.WaitForExitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, third.ExitCode);
    }

    private ServerProcess Start(string verb, params string[] arguments) => OeeTags.Start(
        verb, _server.Url, ["--pki", Path.Combine(_server.Directory, "client-pki"), "--trust-server", .. arguments]);

    private Task<(int Code, List<JsonElement> Lines, string Output)> RunAsync(string verb, params string[] arguments) =>
        OeeTags.EndAsync(Start(verb, arguments));
}
