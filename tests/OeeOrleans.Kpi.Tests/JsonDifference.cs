using System.Text.Json;
using OeeOrleans.Model;

namespace OeeOrleans.Kpi.Tests;

/// <summary>Compares as the vectors ask: numbers within 1e-9, times as instants, everything else exactly.</summary>
internal static class JsonDifference
{
    public static void AssertSame(JsonElement expected, JsonElement actual)
    {
        var differences = new List<string>();
        Compare("", expected, actual, differences);
        Assert.True(differences.Count == 0, string.Join(Environment.NewLine, differences));
    }

    private static void Compare(string path, JsonElement expected, JsonElement actual, List<string> differences)
    {
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (var property in expected.EnumerateObject())
                {
                    if (actual.TryGetProperty(
                        property.Name, out var value)) Compare($"{path}.{property.Name}", property.Value, value, differences);
                    else differences.Add($"{path}.{property.Name}: missing");
                }

                break;
            case JsonValueKind.Array:
                if (expected.GetArrayLength() != actual.GetArrayLength())
                {
                    differences.Add(
                        $"{path}: {expected.GetArrayLength()} items expected, {actual.GetArrayLength()} found: {actual.GetRawText()}");
                    break;
                }

                for (var i = 0; i < expected.GetArrayLength(); i++) Compare($"{path}[{i}]", expected[i], actual[i], differences);
                break;
            case JsonValueKind.Number when actual.ValueKind == JsonValueKind.Number:
                var (a, b) = (expected.GetDouble(), actual.GetDouble());
                if (Math.Abs(a - b) > 1e-9 * Math.Max(1, Math.Abs(a))) differences.Add($"{path}: expected {a:R}, found {b:R}");
                break;
            case JsonValueKind.String when UnixMicros.TryParse(expected.GetString(), out var time):
                if (!UnixMicros.TryParse(actual.GetString(), out var other) || time != other)
                {
                    differences.Add($"{path}: expected {expected}, found {actual}");
                }

                break;
            default:
                if (expected.ToString() != actual.ToString())
                {
                    differences.Add($"{path}: expected {expected.GetRawText()}, found {actual.GetRawText()}");
                }

                break;
        }
    }
}
