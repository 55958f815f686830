using System.Text.RegularExpressions;
using OeeOrleans.TestServers;

namespace OeeOrleans.Host.Tests;

/// <summary>A room may use the rooms the architecture allows, and no other.</summary>
public sealed class RoomTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Model"] = [],
        ["Kpi"] = ["Model"],
        ["Sparkplug"] = [],
        ["Edge"] = ["Model", "Sparkplug"],
        ["Ingress"] = ["Model", "Sparkplug"],
        ["Grains"] = ["Model", "Kpi", "Sparkplug", "Storage"],
        ["Storage"] = ["Model"],
        ["Gateway"] = ["Model", "Grains", "Storage"],
        ["Simulation"] = ["Model", "Sparkplug"],
        ["Host"] = ["Model", "Kpi", "Sparkplug", "Edge", "Ingress", "Grains", "Storage", "Gateway", "Simulation"],
    };

    public static TheoryData<string> Rooms() => [.. Allowed.Keys];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_uses_only_the_rooms_it_may(string room)
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "src", $"OeeOrleans.{room}", $"OeeOrleans.{room}.csproj"));
        var used = Regex.Matches(text, @"ProjectReference Include=""[^""]*OeeOrleans\.(\w+)\.csproj""").Select(m => m.Groups[1].Value);
        Assert.Empty(used.Except(Allowed[room]));
    }

    [Fact]
    public void Every_room_is_on_the_list() => Assert.Equal(
        Allowed.Keys.Order(), Directory.GetDirectories(Path.Combine(Repository.Root, "src")).Select(d => Path.GetFileName(d).Replace("OeeOrleans.", "", StringComparison.Ordinal)).Order());
}
