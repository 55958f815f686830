using System.Text.Json;
using CsCheck;
using OeeOrleans.Sparkplug.Payload;

namespace OeeOrleans.Sparkplug.Tests;

public sealed class RoundTripTests
{
    private static readonly SparkplugDataType[] Integers =
    [
        SparkplugDataType.Int8, SparkplugDataType.Int16, SparkplugDataType.Int32, SparkplugDataType.Int64,
        SparkplugDataType.UInt8, SparkplugDataType.UInt16, SparkplugDataType.UInt32, SparkplugDataType.DateTime,
    ];

    [Fact]
    public void Integers_come_back_as_they_were_written() =>
        Gen.Select(Gen.Int[0, Integers.Length - 1], Gen.Long, Gen.Int[0, 255]).Sample((which, raw, seq) =>
        {
            var type = Integers[which];
            var value = Fit(type, raw);
            var writer = new SparkplugPayloadWriter().Begin(1, (byte)seq);
            writer.Integer(new MetricHead("n", 1, 2, type), value);
            var json = Decode(writer);
            Assert.Equal(value, json.GetProperty("metrics")[0].GetProperty("value").GetInt64());
            Assert.Equal(seq, json.GetProperty("seq").GetInt32());
        });

    [Fact]
    public void Doubles_and_texts_come_back_as_they_were_written() =>
        Gen.Select(Gen.Double.Where(double.IsFinite), Gen.String).Sample((number, text) =>
        {
            var valid = string.Concat(text.Where(c => !char.IsSurrogate(c)));
            var writer = new SparkplugPayloadWriter().Begin(1, 0);
            writer.Double(new MetricHead("d", null, 2, SparkplugDataType.Double), number);
            writer.String(new MetricHead("s", null, 2, SparkplugDataType.String), valid);
            var metrics = Decode(writer).GetProperty("metrics");
            Assert.Equal(number, metrics[0].GetProperty("value").GetDouble());
            Assert.Equal(valid, metrics[1].GetProperty("value").GetString());
        });

    private static long Fit(SparkplugDataType type, long raw) => type switch
    {
        SparkplugDataType.Int8 => (sbyte)raw,
        SparkplugDataType.Int16 => (short)raw,
        SparkplugDataType.Int32 => (int)raw,
        SparkplugDataType.UInt8 => (byte)raw,
        SparkplugDataType.UInt16 => (ushort)raw,
        SparkplugDataType.UInt32 => (uint)raw,
        SparkplugDataType.DateTime => raw & long.MaxValue,
        _ => raw,
    };

    private static JsonElement Decode(SparkplugPayloadWriter writer) =>
        JsonDocument.Parse(PayloadVectorTests.Decode(writer.Written.ToArray())).RootElement;
}
