using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using OeeOrleans.TestServers;

namespace OeeOrleans.Host.Tests;

/// <summary>The table of rooms in docs/architecture.md, held by what the compiler wrote into the assemblies.</summary>
public sealed class RoomTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Model"] = [],
        ["Kpi"] = ["Model"],
        ["Sparkplug"] = [],
        ["CommitProtocol"] = ["Sparkplug"],
        ["Mqtt"] = [],
        ["DurableLog"] = [],
        ["OpcUa"] = [],
        ["S7"] = [],
        ["S7.Simulation"] = ["S7"],
        ["Cip"] = [],
        ["Cip.Simulation"] = ["Cip"],
        ["Access"] = ["Model", "Storage"],
        ["Broker"] = ["Sparkplug", "DurableLog", "Access"],
        ["Edge"] = ["Model", "Sparkplug", "OpcUa", "S7", "Cip", "CommitProtocol", "Mqtt", "DurableLog"],
        ["Ingress"] = ["Model", "Sparkplug", "Mqtt"],
        ["Storage"] = ["Model"],
        ["Grains"] = ["Model", "Kpi", "Sparkplug", "CommitProtocol", "Storage"],
        ["Configuration"] = ["Model", "Kpi", "Sparkplug", "Storage", "Edge", "OpcUa"],
        ["Commands"] = ["Model", "Kpi", "CommitProtocol", "Storage", "Grains", "Access", "Configuration"],
        ["Gateway"] = ["Model", "Kpi", "Grains", "Storage", "Access", "Configuration", "Commands"],
        ["Simulation"] = ["Model", "Sparkplug", "Mqtt", "S7", "S7.Simulation", "Cip", "Cip.Simulation"],
        ["Host"] =
        [
            "Model", "Kpi", "Sparkplug", "OpcUa", "S7", "Cip", "Mqtt", "DurableLog", "Broker", "Edge", "Ingress", "Storage", "Grains",
            "Gateway", "Simulation", "Access", "Configuration", "Commands",
        ],
    };

    public static TheoryData<string> Rooms() => [.. Allowed.Keys];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_uses_only_the_rooms_it_may(string room) => Assert.Equal([], UsedBy(room).Except(Allowed[room]));

    [Theory]
    [MemberData(nameof(Rooms))]
    public void The_page_says_what_the_test_says(string room)
    {
        var rows = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "architecture.md"))
            .Where(l => l.StartsWith($"| `OeeOrleans.{room}` ", StringComparison.Ordinal))
            .ToList();
        var uses = Assert.Single(rows).Split('|')[3].Trim();
        var expected = Allowed[room].Length == 0 ? "nothing" : string.Join(", ", Allowed[room]);
        Assert.Equal(room == "Host" ? "all" : expected, uses);
    }

    [Fact]
    public void Every_room_is_on_the_list() => Assert.Equal(
        Allowed.Keys.Order(),
        Directory.GetDirectories(Path.Combine(Repository.Root, "src"))
            .Select(d => Path.GetFileName(d).Replace("OeeOrleans.", "", StringComparison.Ordinal))
            .Order());

    [Theory]
    [InlineData("Sparkplug")]
    [InlineData("CommitProtocol")]
    [InlineData("Mqtt")]
    [InlineData("OpcUa")]
    [InlineData("S7")]
    [InlineData("S7.Simulation")]
    [InlineData("Cip")]
    [InlineData("Cip.Simulation")]
    [InlineData("Kpi")]
    public void A_library_that_could_stand_alone_knows_neither_Orleans_nor_hosting(string room) =>
        Assert.DoesNotContain(
            References(room), r => r.StartsWith("Orleans", StringComparison.Ordinal) || r.Contains("Hosting", StringComparison.Ordinal));

    private static IEnumerable<string> UsedBy(string room) => References(room)
        .Where(r => r.StartsWith("OeeOrleans.", StringComparison.Ordinal)).Select(r => r["OeeOrleans.".Length..]);

    private static List<string> References(string room)
    {
        var file = Path.Combine(AppContext.BaseDirectory, room == "Host" ? "oee.dll" : $"OeeOrleans.{room}.dll");
        using var image = new PEReader(File.OpenRead(file));
        var metadata = image.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(h => metadata.GetString(metadata.GetAssemblyReference(h).Name))];
    }
}
