using CsCheck;
using OeeOrleans.OpcUa.Binary;

namespace OeeOrleans.OpcUa.Tests;

/// <summary>The binary encoding (OPC 10000-6, 5.2): what is written is read back, and bytes that are nothing end in one kind of
/// error.</summary>
public sealed class CodecTests
{
    private static readonly DateTime Start = new(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private static readonly Gen<DateTime> Time = Gen.Long[0, 10_000_000_000_000_000].Select(t => Start.AddTicks(t));
    private static readonly Gen<Variant> Scalar = Gen.OneOf(
        Gen.Const(Variant.Null),
        Gen.Bool.Select(v => (Variant)v),
        Gen.SByte.Select(v => (Variant)v),
        Gen.Byte.Select(v => (Variant)v),
        Gen.Short.Select(v => (Variant)v),
        Gen.UShort.Select(v => (Variant)v),
        Gen.Int.Select(v => (Variant)v),
        Gen.UInt.Select(v => (Variant)v),
        Gen.Long.Select(v => (Variant)v),
        Gen.ULong.Select(v => (Variant)v),
        Gen.Float.Select(v => (Variant)v),
        Gen.Double.Select(v => (Variant)v),
        Gen.String.Select(v => (Variant)v),
        Time.Select(v => (Variant)v),
        Gen.Guid.Select(v => Variant.From(v)),
        Gen.Byte.Array.Select(v => Variant.From(v)),
        Gen.String.Select(v => Variant.From(new XmlElement(v))),
        NodeIdTests.Any.Select(v => Variant.From(v)),
        Gen.Select(NodeIdTests.Any, Gen.String, Gen.UInt, (n, u, s) => Variant.From(new ExpandedNodeId(n, u, s))),
        Gen.UInt.Select(v => Variant.From(new StatusCode(v))),
        Gen.Select(Gen.String, Gen.UShort, (n, i) => Variant.From(new QualifiedName(n, i))),
        Gen.Select(Gen.String, Gen.String, (t, l) => Variant.From(new LocalizedText(t, l))),
        Gen.Select(NodeIdTests.Any, Gen.Byte.Array, (n, b) => Variant.From(new ExtensionObject(n, b))));

    private static readonly Gen<Variant> Array = Gen.OneOf(
        Gen.Bool.Array.Select(v => Variant.From(v)),
        Gen.Byte.Array.Select(Variant.ByteArray),
        Gen.Short.Array.Select(v => Variant.From(v)),
        Gen.Long.Array.Select(v => Variant.From(v)),
        Gen.ULong.Array.Select(v => Variant.From(v)),
        Gen.Double.Array.Select(v => Variant.From(v)),
        Gen.String.Array.Select(v => Variant.From(v)),
        Time.Array.Select(v => Variant.From(v)),
        Gen.Guid.Array.Select(v => Variant.From(v)),
        Gen.Byte.Array.Array.Select(v => Variant.From(v)),
        Gen.UInt.Select(c => new StatusCode(c)).Array.Select(v => Variant.From(v)),
        Scalar.Where(v => !v.IsNull).Array.Select(v => Variant.From(v)),
        Gen.Select(Gen.Int[1, 4], Gen.Int[1, 4]).SelectMany((a, b) => Gen.Int.Array[a * b].Select(e => Variant.Matrix(e, a, b))));

    private static readonly Gen<DataValue> AnyValue = Gen.Select(Gen.OneOf(Scalar, Array), Gen.UInt, Time, Time)
        .Select((v, s, a, b) => new DataValue(v, s, a, b));

    [Fact]
    public void Every_value_is_read_back_as_it_was_written() => Gen.OneOf(Scalar, Array).Sample(value =>
    {
        using var writer = new UaWriter();
        writer.Variant(value);
        var reader = new UaReader(writer.Written);
        var read = reader.Variant();
        return Same(read, value) && reader.Remaining == 0;
    });

    [Fact]
    public void Every_data_value_is_read_back_with_its_status_and_times() => AnyValue.Sample(value =>
    {
        using var writer = new UaWriter();
        writer.DataValue(value);
        var reader = new UaReader(writer.Written);
        var read = reader.DataValue();
        return Same(read.Value, value.Value) && read.Status == value.Status && read.SourceTime == value.SourceTime
            && read.ServerTime == value.ServerTime && reader.Remaining == 0;
    });

    [Theory]
    [InlineData("0D00CA9A3B00000000", "1601-01-01T00:01:40.0000000Z")]
    [InlineData("0D0000000000000000", "0001-01-01T00:00:00.0000000")]
    [InlineData("0DFFFFFFFFFFFFFF7F", "9999-12-31T23:59:59.9999999")]
    public void Times_keep_100_ns_and_no_time_is_the_smallest(string hex, string expected)
    {
        var reader = new UaReader(Convert.FromHexString(hex));
        Assert.Equal(expected, ((DateTime)reader.Variant().Value!).ToString("O"));
    }

    [Fact]
    public void A_GUID_lies_on_the_wire_as_the_standard_shows_it()
    {
        // OPC 10000-6, 5.2.2.6: 72962B91-FA75-4AE6-8D28-B404DC7DAF63.
        using var writer = new UaWriter();
        writer.Guid(Guid.Parse("72962B91-FA75-4AE6-8D28-B404DC7DAF63"));
        Assert.Equal("912B967275FAE64A8D28B404DC7DAF63", Convert.ToHexString(writer.Written));
    }

    [Theory]
    // OPC 10000-6, 5.2.2.9: two bytes, four bytes, and a string.
    [InlineData("i=72", "0048")]
    [InlineData("ns=5;i=1025", "01050104")]
    [InlineData("ns=1;s=Hot水", "03010006000000486F74E6B0B4")]
    public void Node_ids_take_the_shortest_form(string id, string hex)
    {
        using var writer = new UaWriter();
        writer.NodeId(NodeId.Parse(id));
        Assert.Equal(hex, Convert.ToHexString(writer.Written));
    }

    [Fact]
    public void Random_bytes_end_in_one_kind_of_error_and_never_in_more_memory_than_they_may() => Gen.Byte.Array[0, 200].Sample(bytes =>
    {
        Read(bytes);
        return true;
    }, iter: 20_000);

    [Fact]
    public void A_value_with_any_byte_changed_is_read_or_refused() =>
        Gen.Select(AnyValue, Gen.Int[0, 10_000], Gen.Byte).Sample((value, at, changed) =>
        {
            using var writer = new UaWriter();
            writer.DataValue(value);
            var bytes = writer.Written.ToArray();
            bytes[at % bytes.Length] = changed;
            Read(bytes);
            return true;
        }, iter: 20_000);

    [Theory]
    [InlineData("8CFFFFFF7F", "length of 2147483647")]
    [InlineData("8CFEFFFFFF", "length of -2")]
    [InlineData("0CFFFFFF7F41", "length of 2147483647")]
    [InlineData("C60200000001000000020000000200000003000000FFFFFFFF", "dimensions")]
    public void Huge_and_wrong_lengths_are_refused_with_where_they_stand(string hex, string said)
    {
        var error = Assert.Throws<OpcUaDecodingException>(() =>
        {
            var reader = new UaReader(Convert.FromHexString(hex));
            reader.Variant();
        });
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.Contains("at byte", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_nested_without_end_are_refused()
    {
        // A variant of an array of one variant, and so on: five bytes a level.
        var bytes = Enumerable.Repeat(new byte[] { 0x98, 1, 0, 0, 0 }, 10_000).SelectMany(b => b).ToArray();
        var error = Assert.Throws<OpcUaDecodingException>(() =>
        {
            var reader = new UaReader(bytes);
            reader.Variant();
        });
        Assert.Equal(StatusCodes.BadEncodingLimitsExceeded, error.Status.Code);
    }

    [Fact]
    public void An_array_of_empty_values_takes_no_more_memory_than_its_message_may()
    {
        // A million variants of one byte each would be 64 million bytes.
        var bytes = new byte[1_000_005];
        bytes[0] = 0x98;
        BitConverter.TryWriteBytes(bytes.AsSpan(1), 1_000_000);
        var error = Assert.Throws<OpcUaDecodingException>(() =>
        {
            var reader = new UaReader(bytes);
            reader.Variant();
        });
        Assert.Equal(StatusCodes.BadEncodingLimitsExceeded, error.Status.Code);
    }

    private static void Read(byte[] bytes)
    {
        try
        {
            var reader = new UaReader(bytes);
            while (reader.Remaining > 0) reader.DataValue();
        }
        catch (OpcUaDecodingException)
        {
            return;
        }
    }

    private static bool Same(Variant a, Variant b)
    {
        if (a.Type != b.Type || a.IsArray != b.IsArray) return false;
        if (!a.IsArray) return a.Equals(b);
        return (a.Dimensions ?? []).SequenceEqual(b.Dimensions ?? [])
            && a.Elements!.Cast<object?>().Zip(b.Elements!.Cast<object?>()).All(p => Variant.From(p.First).Equals(Variant.From(p.Second)))
            && a.Elements!.Length == b.Elements!.Length;
    }
}
