using CsCheck;

namespace OeeOrleans.OpcUa.Tests;

public sealed class NodeIdTests
{
    public static readonly Gen<NodeId> Any = Gen.OneOf(
        Gen.Select(Gen.UInt, Gen.UShort, (i, n) => new NodeId(i, n)),
        Gen.Select(Gen.String, Gen.UShort, (i, n) => new NodeId(i, n)),
        Gen.Select(Gen.Guid, Gen.UShort, (i, n) => new NodeId(i, n)),
        Gen.Select(Gen.Byte.Array, Gen.UShort, (i, n) => new NodeId(i, n)));

    [Fact]
    public void A_node_id_reads_back_from_its_text() => Any.Sample(id => NodeId.Parse(id.ToString()) == id);

    [Fact]
    public void A_node_id_by_URI_reads_back_from_its_text_whatever_the_URI_holds() =>
        Gen.Select(Any, Gen.OneOf(Gen.Const("urn:a"), Gen.Const("http://x/?a=1;b=2"), Gen.Const("100%;"), Gen.Const("%3B")), (id, uri) =>
            new ExpandedNodeId(id.In(0), uri))
            .Sample(id => ExpandedNodeId.Parse(id.ToString()) == id);

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("ns=2")]
    [InlineData("ns=70000;i=1")]
    [InlineData("ns=-1;i=1")]
    [InlineData("i=-1")]
    [InlineData("i=4294967296")]
    [InlineData("i=1x")]
    [InlineData("g=no-guid")]
    [InlineData("b=no base64!")]
    [InlineData("nsu=;i=1")]
    [InlineData("nsu=urn:x;ns=1;i=1")]
    [InlineData("nsu=urn:x")]
    public void What_is_no_node_id_is_refused(string text) => Assert.False(ExpandedNodeId.TryParse(text, out _));

    [Fact]
    public void A_string_identifier_may_hold_what_separates_others() =>
        Assert.Equal("a;ns=3;i=4", ExpandedNodeId.Parse("ns=2;s=a;ns=3;i=4").NodeId.Identifier);

    [Fact]
    public void A_URI_is_found_wherever_the_server_has_it_now()
    {
        var id = ExpandedNodeId.Parse("nsu=urn:b;s=x");
        Assert.Equal(new NodeId("x", 1), id.Resolve(["urn:a", "urn:b"]));
        Assert.Equal(new NodeId("x", 2), id.Resolve(["urn:a", "urn:c", "urn:b"]));
        Assert.Null(id.Resolve(["urn:a"]));
    }
}
