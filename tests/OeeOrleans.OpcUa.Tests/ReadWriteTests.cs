using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.OpcUa.Tests;

/// <summary>Values of every type, browsing and history, against a server nobody here wrote.</summary>
[Collection(nameof(PeerCollection))]
public sealed class ReadWriteTests(PeerFixture peer)
{
    public static TheoryData<string, object> Values() => new()
    {
        { "Scalar.Boolean", true },
        { "Scalar.SByte", sbyte.MinValue },
        { "Scalar.Byte", byte.MaxValue },
        { "Scalar.Int16", short.MinValue },
        { "Scalar.UInt16", ushort.MaxValue },
        { "Scalar.UInt32", uint.MaxValue },
        { "Scalar.Int64", long.MinValue + 1 },
        { "Scalar.UInt64", ulong.MaxValue - 1 },
        { "Scalar.Float", 0.1f },
        { "Scalar.Double", 0.1 },
        { "Scalar.String", "Füller ☃ 1" },
        { "Scalar.DateTime", new DateTime(2026, 11, 27, 12, 34, 56, 789, DateTimeKind.Utc) },
        { "Scalar.Guid", Guid.Parse("72962B91-FA75-4AE6-8D28-B404DC7DAF63") },
        { "Scalar.ByteString", new byte[] { 0, 1, 254, 255 } },
        { "Scalar.XmlElement", new XmlElement("<a>1</a>") },
        { "Scalar.NodeId", new NodeId("x", 2) },
        { "Scalar.StatusCode", new StatusCode(StatusCodes.BadNoData) },
        { "Scalar.QualifiedName", new QualifiedName("q", 3) },
        { "Scalar.LocalizedText", new LocalizedText("Füller", "de") },
        { "Scalar.NaN", double.NaN },
        { "Scalar.Infinity", float.PositiveInfinity },
        { "Array.Int32", new[] { 1, -2, 3 } },
        { "Array.String", new[] { "a", "", "ü" } },
        { "Array.UInt64", new[] { 1UL, ulong.MaxValue } },
        { "Array.Boolean", new[] { true, false, true } },
        { "Array.Empty", System.Array.Empty<int>() },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public async Task A_value_of_every_type_is_read_exactly(string id, object expected)
    {
        await using var client = await peer.ConnectAsync();
        var value = await client.ReadAsync(peer.Node(id));
        Assert.True(value.Status.IsGood);
        Assert.Equal(expected, value.Value.Value);
    }

    public static TheoryData<string, string, BuiltInType> Written() => new()
    {
        { "Write.Boolean", "false", BuiltInType.Boolean },
        { "Write.SByte", "-7", BuiltInType.SByte },
        { "Write.Int32", "-2147483648", BuiltInType.Int32 },
        { "Write.Int64", "-9223372036854775808", BuiltInType.Int64 },
        { "Write.UInt64", "18446744073709551615", BuiltInType.UInt64 },
        { "Write.Float", "3.4028235E+38", BuiltInType.Float },
        { "Write.Double", "5E-324", BuiltInType.Double },
        { "Write.Double", "\"-Infinity\"", BuiltInType.Double },
        { "Write.String", "\"☃ \\\"quoted\\\"\"", BuiltInType.String },
        { "Write.DateTime", "\"2026-11-27T12:34:56.789Z\"", BuiltInType.DateTime },
        { "Write.Guid", "\"72962b91-fa75-4ae6-8d28-b404dc7daf63\"", BuiltInType.Guid },
        { "Write.ByteString", "\"AP8=\"", BuiltInType.ByteString },
        { "Write.StatusCode", "\"BadNoData\"", BuiltInType.StatusCode },
        { "Write.Doubles", "[1.5,-2,1E+300]", BuiltInType.Double },
        { "Write.Matrix", "[[1,2,3],[4,5,6]]", BuiltInType.Int32 },
    };

    [Theory]
    [MemberData(nameof(Written))]
    public async Task What_is_written_is_read_back(string id, string json, BuiltInType type)
    {
        await using var client = await peer.ConnectAsync();
        var node = peer.Node(id);
        using var document = JsonDocument.Parse(json);
        var value = VariantJson.Parse(document.RootElement, type, -2);
        Assert.True((await client.WriteAsync(node, value)).IsGood);
        var read = (await client.ReadAsync(node)).Value;
        Assert.Equal(value.Value, read.Value);
        Assert.Equal(value.Dimensions, read.Dimensions);
    }

    [Fact]
    public async Task A_value_longer_than_a_chunk_is_put_together_again()
    {
        await using var client = await peer.ConnectAsync();
        var value = Assert.IsType<double[]>((await client.ReadAsync(peer.Node("Array.Large"))).Value.Value);
        Assert.Equal(Enumerable.Range(0, 100_000).Select(i => i / 3.0), value);
    }

    [Fact]
    public async Task A_value_longer_than_a_chunk_is_written_in_several()
    {
        await using var server = await OpcUaPeer.StartAsync("\"counters\": 0");
        await using var client = await OpcUaClient.ConnectAsync(peer.Options with { Url = server.Url });
        var node = new NodeId("Array.Large", server.NamespaceIndex);
        var value = Enumerable.Range(0, 30_000).Select(i => i * 0.5).ToArray();
        Assert.True((await client.WriteAsync(node, Variant.From(value))).IsGood);
        Assert.Equal(value, (await client.ReadAsync(node)).Value.Value);
    }

    [Fact]
    public async Task An_array_of_several_dimensions_keeps_them()
    {
        await using var client = await peer.ConnectAsync();
        var value = (await client.ReadAsync(peer.Node("Matrix.Int32"))).Value;
        Assert.Equal([2, 3], value.Dimensions!);
        Assert.Equal(new[] { 1, 2, 3, 4, 5, 6 }, value.Value);
    }

    [Fact]
    public async Task A_structure_is_read_by_the_definition_the_server_gives()
    {
        await using var client = await peer.ConnectAsync();
        var value = await client.DecodeAsync((await client.ReadAsync(peer.Node("Struct.Range"))).Value);
        var range = Assert.IsType<StructureValue>(value);
        Assert.Equal("Range", range.TypeName);
        Assert.Equal(-1.5, range["Low"]);
        Assert.Equal(99.25, range["High"]);
    }

    [Fact]
    public async Task An_array_of_structures_and_a_structure_in_a_structure_are_read()
    {
        await using var client = await peer.ConnectAsync();
        var units = Assert.IsType<object?[]>(await client.DecodeAsync((await client.ReadAsync(peer.Node("Struct.Array"))).Value));
        Assert.Equal(2, Assert.IsType<StructureValue>(units[1])["UnitId"]);
        var status = Assert.IsType<StructureValue>(await client.DecodeAsync((await client.ReadAsync(new NodeId(2256))).Value));
        Assert.Equal("peer", Assert.IsType<StructureValue>(status["BuildInfo"])["ProductName"]);
    }

    [Fact]
    public async Task One_bad_node_spoils_no_other()
    {
        await using var client = await peer.ConnectAsync();
        var values = await client.ReadAsync([peer.Node("Scalar.Byte"), peer.Node("NotThere"), peer.Node("Scalar.Int16")]);
        Assert.Equal((byte)255, values[0].Value.Value);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, values[1].Status.Code);
        Assert.Equal(short.MinValue, values[2].Value.Value);
    }

    [Fact]
    public async Task More_nodes_than_the_server_takes_at_once_are_read_in_several_calls()
    {
        await using var client = await peer.ConnectAsync();
        var values = await client.ReadAsync([.. Enumerable.Range(0, 10_000).Select(i => (ReadNode)peer.Node($"Item{i}"))]);
        Assert.Equal(Enumerable.Range(0, 10_000).Select(i => (double)i), values.Select(v => (double)v.Value.Value!));
    }

    [Fact]
    public async Task A_server_that_takes_less_than_it_says_is_asked_for_less()
    {
        await using var client = await OpcUaClient.ConnectAsync(
            peer.Options with { SecurityPolicy = SecurityPolicy.None, MaxNodesPerCall = 100_000 });
        client.ForgetLimits(100_000);
        var values = await client.ReadAsync([.. Enumerable.Range(0, 5_000).Select(i => (ReadNode)peer.Node($"Item{i}"))]);
        Assert.Equal(4_999.0, values[^1].Value.Value);
    }

    [Fact]
    public async Task Browsing_goes_into_variables_and_meets_each_node_once()
    {
        await using var client = await peer.ConnectAsync();
        var found = new List<NodeId>();
        await foreach (var node in client.BrowseTreeAsync(peer.Node("Plant"))) found.Add(node.Reference.Target.NodeId);
        Assert.Contains(peer.Node("Parent.Child"), found);
        Assert.Contains(peer.Node("Item9999"), found);
        Assert.Equal(found.Count, found.Distinct().Count());
    }

    [Fact]
    public async Task What_does_not_fit_into_one_answer_is_fetched_by_continuation()
    {
        await using var client = await peer.ConnectAsync();
        var count = 0;
        await foreach (var _ in client.BrowseAsync(peer.Node("Plant"), new BrowseOptions { MaxReferencesPerNode = 300 })) count++;
        Assert.True(count > 10_000, $"{count} references");
    }

    [Fact]
    public async Task Names_lead_to_nodes()
    {
        await using var client = await peer.ConnectAsync();
        var index = peer.Server.NamespaceIndex;
        var nodes = await client.TranslateAsync(
            [
                new BrowsePath(new NodeId(85), [new("Plant", index), new("Parent", index), new("Parent.Child", index)]),
                new BrowsePath(new NodeId(85), [new("Nobody", index)]),
            ]);
        Assert.Equal([peer.Node("Parent.Child"), null], nodes);
    }

    [Fact]
    public async Task A_read_only_node_refuses_to_be_written()
    {
        await using var client = await peer.ConnectAsync();
        Assert.Equal(StatusCodes.BadNotWritable, (await client.WriteAsync(peer.Node("ReadOnly"), 8)).Code);
    }

    [Fact]
    public async Task History_comes_oldest_first_and_only_from_its_range()
    {
        await using var client = await peer.ConnectAsync();
        var start = DateTime.UtcNow.AddHours(-1);
        for (var i = 0; i < 20; i++)
        {
            await peer.Server.SayAsync(
                new { op = "set", id = "Counter9", value = i, time = start.AddSeconds(i).ToString("O") });
        }

        var values = new List<double>();
        await foreach (var value in client.ReadHistoryAsync(peer.Node("Counter9"), start.AddSeconds(5), start.AddSeconds(15)))
        {
            values.Add(value.Value.AsDouble()!.Value);
        }

        Assert.Equal(Enumerable.Range(5, 10).Select(i => (double)i), values.Where(v => v < 15));
    }

    [Fact]
    public async Task A_node_without_history_says_so()
    {
        await using var client = await peer.ConnectAsync();
        var error = await Assert.ThrowsAsync<OpcUaException>(async () =>
        {
            await foreach (
                var _ in client.ReadHistoryAsync(peer.Node("Scalar.Byte"), DateTime.UtcNow.AddHours(-1), DateTime.UtcNow)) continue;
        });
        Assert.Contains("history of", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_method_is_called()
    {
        await using var client = await peer.ConnectAsync();
        await using var subscription = await client.SubscribeAsync(
            SubscriptionOptions.Default, (_, _) => ValueTask.CompletedTask,
                [(peer.Node("Scalar.Byte"), MonitoredItemOptions.Default, null)]);
        // Server.GetMonitoredItems (OPC 10000-5, 9.1).
        var outputs = await client.CallAsync(new NodeId(2253), new NodeId(11492), [subscription.Id]);
        Assert.Single(outputs[0].Elements!);
    }
}
