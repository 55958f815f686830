using System.Text.Json;
using OeeOrleans.Sparkplug.Edge;
using OeeOrleans.Sparkplug.Host;
using OeeOrleans.Sparkplug.Payload;

namespace OeeOrleans.Sparkplug.Tests;

public sealed class WriterTests
{
    public static TheoryData<string> Names() => PayloadVectorTests.Names(false);

    [Theory]
    [MemberData(nameof(Names))]
    public void What_was_decoded_is_encoded_to_the_same_meaning(string name)
    {
        var payload = PayloadVectorTests.PayloadOf(name);
        var json = PayloadVectorTests.Decode(payload);
        var again = SparkplugJsonReader.Encode(JsonDocument.Parse(json).RootElement);
        Assert.Equal(System.Text.Encoding.UTF8.GetString(json), System.Text.Encoding.UTF8.GetString(PayloadVectorTests.Decode(again)));
    }

    [Fact]
    public void A_copied_metric_keeps_everything_but_what_the_new_head_says()
    {
        foreach (var payload in PayloadVectorTests.All())
        {
            try
            {
                PayloadVectorTests.Decode(payload);
            }
            catch (SparkplugFormatException)
            {
                continue;
            }

            var reader = new SparkplugPayloadReader(payload);
            while (reader.TryReadMetric(out var metric))
            {
                var writer = new SparkplugPayloadWriter().BeginWill();
                writer.Copy(metric, new MetricHead("new", 99, 0, SparkplugDataType.Unknown, Historical: true));
                var copy = JsonDocument.Parse(PayloadVectorTests.Decode(writer.Written.ToArray())).RootElement.GetProperty("metrics")[0];
                var single = new SparkplugPayloadWriter().BeginWill();
                single.Copy(metric, new MetricHead(null, null, 0, SparkplugDataType.Unknown));
                var original = JsonDocument.Parse(PayloadVectorTests.Decode(single.Written.ToArray())).RootElement.GetProperty(
                    "metrics")[0];
                Assert.Equal(
                    ("new", 99, true),
                    (
                        copy.GetProperty("name").GetString(), copy.GetProperty("alias").GetInt32(),
                        copy.GetProperty("is_historical").GetBoolean()));
                Assert.Equal(original.GetProperty("value").GetRawText(), copy.GetProperty("value").GetRawText());
            }
        }
    }

    [Fact]
    public void Metadata_and_transient_and_every_array_are_written()
    {
        var writer = new SparkplugPayloadWriter().Begin(1, 0);
        writer.Value(
            new MetricHead("f", null, 0, SparkplugDataType.File, false)
            {
                Transient = true, Metadata = new MetricMetadata { FileName = "a.pdf", Size = 3, IsMultiPart = true },
            },
            new byte[] { 1, 2, 3 });
        (SparkplugDataType Type, object Value)[] arrays =
        [
            (
                SparkplugDataType.Int8Array, new long[] { -1, 5 }), (
                    SparkplugDataType.Int16Array, new long[] { -300 }), (
                        SparkplugDataType.Int32Array, new long[] { int.MinValue }), (
                            SparkplugDataType.Int64Array, new long[] { long.MinValue }),
            (
                SparkplugDataType.UInt8Array, new long[] { 255 }), (
                    SparkplugDataType.UInt16Array, new long[] { 65535 }), (
                        SparkplugDataType.UInt32Array, new long[] { uint.MaxValue }), (
                            SparkplugDataType.UInt64Array, new ulong[] { ulong.MaxValue }),
            (
                SparkplugDataType.FloatArray, new[] { 1.5 }), (
                    SparkplugDataType.DoubleArray, new[] { -0.1 }), (
                        SparkplugDataType.BooleanArray, new[] { true, false, true, true, false, false, false, true, true }),
            (SparkplugDataType.StringArray, new[] { "ä", "" }), (SparkplugDataType.DateTimeArray, new long[] { 1_767_600_000_000 }),
        ];
        foreach (var (type, value) in arrays) writer.Value(new MetricHead(type.ToString(), null, 0, type), value);
        var metrics = JsonDocument.Parse(PayloadVectorTests.Decode(writer.Written.ToArray())).RootElement.GetProperty("metrics")
            .EnumerateArray()
            .ToList();
        Assert.True(metrics[0].GetProperty("is_transient").GetBoolean());
        Assert.Equal(
            [
                "[-1,5]",
                "[-300]",
                "[-2147483648]",
                "[-9223372036854775808]",
                "[255]",
                "[65535]",
                "[4294967295]",
                "[18446744073709551615]",
                "[1.5]",
                "[-0.1]",
                "[true,false,true,true,false,false,false,true,true]",
                "[\"\\u00E4\",\"\"]",
                "[1767600000000]",
            ],
            metrics.Skip(1).Select(m => m.GetProperty("value").GetRawText()));
    }

    [Fact]
    public void A_value_that_does_not_fit_its_type_is_refused() =>
        Assert.Throws<ArgumentException>(
            () => new SparkplugPayloadWriter().Begin(1, 0).Value(new MetricHead("m", null, 0, SparkplugDataType.DataSet), "text"));

    [Fact]
    public void A_replayed_record_goes_by_the_aliases_of_this_life_or_by_name()
    {
        var device = new EdgeDevice("d", [new EdgeMetric("now", SparkplugDataType.Int64, 7)]);
        var session = new EdgeNodeSession(new EdgeNodeDefinition("g", "n", [], [device]));
        var kept = new SparkplugPayloadWriter().Begin(5, null);
        new EdgeValue(new EdgeMetric("now", SparkplugDataType.Int64, 7), 100, 1L).WriteData(kept);
        new EdgeValue(new EdgeMetric("old", SparkplugDataType.Double, 8), 100, 2.5).WriteData(kept);
        session.Will(0);
        session.NodeBirth(1000, []);
        var message = session.Replay(
            device, 2000, kept.Written.Span, historical: true, a => a == 8 ? new EdgeMetric("old", SparkplugDataType.Double, 8) : null,
            new ControlValue("Device Control/Number", SparkplugDataType.UInt64, 42UL, 99));
        var metrics = JsonDocument.Parse(PayloadVectorTests.Decode(message.Payload.ToArray())).RootElement.GetProperty("metrics")
            .EnumerateArray()
            .ToList();
        Assert.All(metrics, m => Assert.True(m.GetProperty("is_historical").GetBoolean()));
        Assert.Equal(
            (7, 100L, 1L),
            (
                metrics[0].GetProperty("alias").GetInt32(), metrics[0].GetProperty("timestamp").GetInt64(),
                metrics[0].GetProperty("value").GetInt64()));
        Assert.Equal(
            ("old", "Double", 2.5),
            (
                metrics[1].GetProperty("name").GetString(), metrics[1].GetProperty("datatype").GetString(),
                metrics[1].GetProperty("value").GetDouble()));
        Assert.Equal(42, metrics[2].GetProperty("value").GetInt32());
    }

    [Theory]
    [InlineData("""{"online":true,"timestamp":5}""", true, 5)]
    [InlineData("""{"timestamp":7,"online":false}""", false, 7)]
    [InlineData("ONLINE", true, 0)]
    [InlineData("OFFLINE", false, 0)]
    public void A_host_state_is_read_in_the_form_of_3_0_and_of_2_2(string payload, bool online, long ms)
    {
        Assert.True(HostState.TryParse(System.Text.Encoding.UTF8.GetBytes(payload), out var state));
        Assert.Equal((online, (ulong)ms), (state.Online, state.TimestampMs));
        Assert.False(HostState.TryParse("[]"u8, out _));
        Assert.False(HostState.TryParse("on"u8, out _));
    }
}
