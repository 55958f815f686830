using System.Globalization;
using System.Text.Json;
using OeeOrleans.Sparkplug.Payload;

namespace OeeOrleans.Sparkplug.Tests;

public sealed class PayloadVectorTests
{
    private static readonly JsonElement Vectors = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", "payloads.json"))).RootElement.GetProperty(
        "payloads");

    public static TheoryData<string> Names(bool malformed)
    {
        var data = new TheoryData<string>();
        foreach (var vector in Vectors.EnumerateArray().Where(v => v.TryGetProperty("error", out _) == malformed))
        {
            data.Add(vector.GetProperty("name").GetString()!);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Names), false)]
    public void Payload_decodes_to_the_expected_json(string name)
    {
        var vector = Find(name);
        using var actual = JsonDocument.Parse(Decode(Convert.FromHexString(vector.GetProperty("hex").GetString()!)));
        AssertSame(name, vector.GetProperty("json"), actual.RootElement);
    }

    [Theory]
    [MemberData(nameof(Names), true)]
    public void Malformed_payload_is_refused_with_the_offset(string name)
    {
        var payload = Convert.FromHexString(Find(name).GetProperty("hex").GetString()!);
        var error = Assert.Throws<SparkplugFormatException>(() => Decode(payload));
        Assert.InRange(error.Offset, 0, payload.Length);
    }

    internal static byte[] Decode(byte[] payload)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer)) SparkplugJson.Write(json, payload);
        return buffer.ToArray();
    }

    internal static byte[] PayloadOf(string name) => Convert.FromHexString(Find(name).GetProperty("hex").GetString()!);

    internal static IEnumerable<byte[]> All() =>
        Vectors.EnumerateArray().Select(v => Convert.FromHexString(v.GetProperty("hex").GetString()!));

    private static JsonElement Find(string name) => Vectors.EnumerateArray().First(v => v.GetProperty("name").GetString() == name);

    private static void AssertSame(string path, JsonElement expected, JsonElement actual)
    {
        if (expected.ValueKind == JsonValueKind.Object && expected.TryGetProperty("$int", out var text))
        {
            Assert.Equal(text.GetString(), actual.GetRawText());
        }
        else if (expected.ValueKind == JsonValueKind.Object)
        {
            Assert.Equal(expected.EnumerateObject().Select(p => p.Name).Order(), actual.EnumerateObject().Select(p => p.Name).Order());
            foreach (var property in expected.EnumerateObject())
            {
                AssertSame($"{path}.{property.Name}", property.Value, actual.GetProperty(property.Name));
            }
        }
        else if (expected.ValueKind == JsonValueKind.Array)
        {
            Assert.Equal(expected.GetArrayLength(), actual.GetArrayLength());
            for (var i = 0; i < expected.GetArrayLength(); i++) AssertSame($"{path}[{i}]", expected[i], actual[i]);
        }
        else if (expected.ValueKind == JsonValueKind.Number)
        {
            Assert.Equal(
                expected.GetDouble().ToString("R", CultureInfo.InvariantCulture),
                actual.GetDouble().ToString("R", CultureInfo.InvariantCulture));
        }
        else
        {
            Assert.True(
                expected.ToString() == actual.ToString() && expected.ValueKind == actual.ValueKind,
                $"{path}: expected {expected.GetRawText()}, found {actual.GetRawText()}");
        }
    }
}
