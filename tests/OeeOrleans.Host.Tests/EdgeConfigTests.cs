using OeeOrleans.Edge;
using OeeOrleans.Host.Config;
using OeeOrleans.Host.Hosting;

namespace OeeOrleans.Host.Tests;

public sealed class EdgeConfigTests
{
    private const string Small =
        """
        site: { id: berlin, name: Berlin plant }
        broker: { url: "mqtt://10.0.0.1", username: u, password: p }
        edge:
          group: berlin
          node: edge1
          acknowledge: commit
          buffer: { max_mb: 50 }
          sources:
            - id: sim1
              url: "sim://plant"
              device: filler1
              tags:
                - { address: counter, metric: counter.good, unit: pcs }
                - { address: "sine:2", metric: process.temperature, scale: 0.1, deadband: 0.5, interval_ms: 1000 }
        """;

    [Fact]
    public void An_edge_section_is_read_as_it_is_written()
    {
        var edge = ConfigFile.Parse(Small, "edge.yaml").Edge!;
        Assert.Equal(
            ("berlin", "edge1", 50, AcknowledgeMode.Commit, 1), (edge.Group, edge.Node, edge.BufferMaxMb, edge.Acknowledge, edge.Qos));
        Assert.Equal(("u", 1883), (edge.Brokers.Single().Username, edge.Brokers.Single().Port));
        var source = Assert.Single(edge.Sources);
        Assert.Equal(("filler1", 250), (source.Device, source.IntervalMs));
        Assert.Equal(new EdgeTag("sine:2", "process.temperature", 1000, 0.1, 0, 0.5), source.Tags[1]);
    }

    [Theory]
    [InlineData("node: edge1", "nod: edge1", 3, "'node' is missing")]
    [InlineData("group: berlin\n", "group: ber+lin\n", 3, "must not contain")]
    [InlineData("sim://plant", "opc.tcp://plc:4840", 10, "not part of this version")]
    [InlineData("sim://plant", "plant", 10, "no source")]
    [InlineData("address: counter", "address: DB1.DBX0.0", 13, "no address of a simulated source")]
    [InlineData("max_mb: 50", "max_mb: 0", 7, "not between")]
    [InlineData("acknowledge: commit", "acknowledge: perhaps", 6, "auto, commit, puback are possible")]
    [InlineData("metric: process.temperature", "metric: counter.good", 8, "2 times")]
    public void A_mistake_is_named_with_its_line(string right, string wrong, int line, string words)
    {
        var error = Assert.Throws<ConfigException>(
            () => ConfigFile.Parse(Small.Replace(right, wrong, StringComparison.Ordinal), "edge.yaml"));
        Assert.Contains(error.Problems, p => Math.Abs(p.Line - line) <= 1 && p.Message.Contains(words, StringComparison.Ordinal));
    }

    [Fact]
    public void A_broker_of_the_edge_that_is_not_encrypted_beside_a_plants_that_is_is_refused()
    {
        var mixed = Small.Replace("mqtt://10.0.0.1", "mqtts://10.0.0.1", StringComparison.Ordinal)
            .Replace("  node: edge1\n", "  node: edge1\n  brokers: [\"mqtt://backup\"]\n", StringComparison.Ordinal);
        var error = Assert.Throws<ConfigException>(() => ConfigFile.Parse(mixed, "edge.yaml"));
        Assert.Contains(error.Problems, p => p.Message.Contains("mqtts:// as well", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_roles_a_process_does_what_its_file_has_something_for()
    {
        Assert.False(Roles.Parse([], hasEdge: false).Edge);
        Assert.True(Roles.Parse([], hasEdge: true) is { Edge: true, Grains: true, EdgeOnly: false });
        Assert.True(Roles.Parse(["edge"], hasEdge: true).EdgeOnly);
    }
}
