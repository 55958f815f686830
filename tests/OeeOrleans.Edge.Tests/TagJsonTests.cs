using OeeOrleans.Cip;
using OeeOrleans.Edge.Sources.Cip;
using OeeOrleans.Edge.Sources.S7;
using OeeOrleans.Edge.Tags;

namespace OeeOrleans.Edge.Tests;

/// <summary>To the runtime an array of signed bytes is one of unsigned ones, too.</summary>
public sealed class TagJsonTests
{
    [Fact]
    public void Bytes_are_base64_and_signed_ones_numbers()
    {
        Assert.Equal("\"Af4=\"", TagJson.Write(json => TagJson.Write(json, new byte[] { 1, 0xFE })));
        Assert.Equal("[1,-2]", TagJson.Write(json => TagJson.Write(json, new sbyte[] { 1, -2 })));
    }

    [Fact]
    public void Arrays_of_a_PLC_are_numbers_with_their_signs()
    {
        Assert.Equal("[1,-2]", TagJson.Write(json => TagJson.Write(json, S7Values.ToJson(new sbyte[] { 1, -2 }))));
        Assert.Equal("[1,254]", TagJson.Write(json => TagJson.Write(json, S7Values.ToJson(new byte[] { 1, 254 }))));
        Assert.Equal("[1,-2]", TagJson.Write(json => TagJson.Write(json, CipValues.ToJson(new sbyte[] { 1, -2 }))));
        Assert.Equal("[1,254]", TagJson.Write(json => TagJson.Write(json, CipValues.ToJson(new byte[] { 1, 254 }))));
    }

    [Fact]
    public void A_structure_of_a_controller_is_an_object()
    {
        var type = new CipType(CipDataType.Structure, 1)
        {
            Template = new CipTemplate(
                "PAIR", 1, 4,
                [new CipMember("A", new CipType(CipDataType.Sint), 0, 2), new CipMember("B", new CipType(CipDataType.Bool), 2, Bit: 0)]),
        };
        var value = CipCodec.Decode(type, [1, 0xFF, 1, 0]);
        Assert.Equal("{\"A\":[1,-1],\"B\":true}", TagJson.Write(json => TagJson.Write(json, CipValues.ToJson(value))));
    }
}
