using System.Text.Json;
using OeeOrleans.Kpi.Replay;

namespace OeeOrleans.Kpi.Tests;

public sealed class ScenarioTests
{
    private static readonly JsonDocument Vectors = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", "scenarios.json")));

    public static TheoryData<string> Names()
    {
        var data = new TheoryData<string>();
        foreach (var scenario in Vectors.RootElement.EnumerateArray()) data.Add(scenario.GetProperty("name").GetString()!);
        return data;
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Scenario_gives_the_expected_windows_and_events(string name)
    {
        var json = Vectors.RootElement.EnumerateArray().First(s => s.GetProperty("name").GetString() == name);
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer)) ReplayJson.Write(writer, Scenario.Parse(json).Evaluate());

        using var actual = JsonDocument.Parse(buffer.ToArray());
        JsonDifference.AssertSame(json.GetProperty("expect"), actual.RootElement);
    }
}
