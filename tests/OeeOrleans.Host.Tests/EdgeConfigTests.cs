using OeeOrleans.Configuration;
using OeeOrleans.Edge;
using OeeOrleans.Host.Config;
using OeeOrleans.Host.Hosting;
using OeeOrleans.OpcUa;

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

    private const string WithTwoSources =
        """
        site: { id: berlin, name: Berlin plant }
        areas: [ { id: a, lines: [ { id: l, machines: [ { id: filler1, edge_node: berlin/edge1, fallback: sim2 } ] } ] } ]
        broker: { url: "mqtt://10.0.0.1" }
        edge:
          group: berlin
          node: edge1
          sources:
            - { id: sim1, url: "sim://plant", device: filler1, fallback_after_s: 3,
                tags: [ { address: counter, metric: counter.good }, { address: sine, metric: process.temperature } ] }
            - { id: sim2, url: "sim://plant", tags: [ { address: "counter:7", metric: counter.good } ] }
        # the end
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

    [Fact]
    public void A_machine_names_the_second_source_of_its_device()
    {
        var edge = ConfigFile.Parse(WithTwoSources, "edge.yaml").Edge!;
        var first = Assert.Single(edge.Speaking);
        Assert.Equal(("sim1", "sim2"), (first.Id, first.Fallback));
        Assert.Equal((TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(30)), (first.FallbackAfter, first.HandBackAfter));
    }

    [Theory]
    [InlineData("fallback: sim2", "fallback: sim3", "the fallback 'sim3' of sim1 is no source")]
    [InlineData("fallback: sim2", "fallback: sim1", "is read from 0 other sources")]
    [InlineData("device: filler1,", "device: filler2,", "is read from 0 other sources")]
    [InlineData("metric: counter.good } ] }\n#", "metric: counter.reject } ] }\n#", "has the metric 'counter.reject', which sim1 does not")]
    [InlineData("fallback_after_s: 3,", "fallback_after_s: 1,", "fallback_after_s is 2 at least")]
    [InlineData("fallback_after_s: 3,", "fallback_after_s: 3, hand_back_after_s: 2,", "not shorter than it")]
    [InlineData("metric: process.temperature", "metric: source.active", "says which of its two sources speaks")]
    [InlineData("fallback_after_s: 3,", "fallback: sim9,", "it must be one, and with that fallback or none")]
    [InlineData("id: sim2,", "id: sim2, fallback: sim1,", "has a fallback of its own")]
    [InlineData("id: sim2,", "id: sim2, fallback_after_s: 5,", "need a fallback")]
    [InlineData("edge_node: berlin/edge1, ", "", "needs edge_node")]
    [InlineData(
        "[ { address: \"counter:7\"", "[ { address: counter, metric: counter.good }, { address: \"counter:7\"", "2 times")]
    [InlineData("id: sim2, url: \"sim://plant\", tags: [ { address: \"counter:7\"",
        "id: sim2, url: \"opc.tcp://plc:4840\", tags: [ { address: \"ns=1;s=A\"", "one that is polled is possible")]
    [InlineData(
        "# the end", "    - { id: sim3, url: \"sim://plant\", device: filler1, tags: [ { address: sine, metric: process.speed } ] }",
        "is read from 2 other sources")]
    public void A_second_source_that_cannot_be_one_is_named(string right, string wrong, string words)
    {
        var error = Assert.Throws<ConfigException>(
            () => ConfigFile.Parse(WithTwoSources.Replace(right, wrong, StringComparison.Ordinal), "edge.yaml"));
        Assert.Contains(error.Problems, p => p.Message.Contains(words, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("node: edge1", "nod: edge1", 3, "'node' is missing")]
    [InlineData("group: berlin\n", "group: ber+lin\n", 3, "must not contain")]
    [InlineData("sim://plant", "cip://plc?plc=slc500", 13, "no address of a data file")]
    [InlineData("sim://plant", "cip://plc?slot=99", 10, "'slot' is nothing a CIP source knows")]
    [InlineData("sim://plant", "s7://plc?slot=99", 10, "slot is a number from 0 to 31")]
    [InlineData("sim://plant", "s7://user@plc", 10, "do not belong into a URL")]
    [InlineData("sim://plant", "s7://plc", 13, "is no S7 address")]
    [InlineData("interval_ms: 1000", "interval_ms: 5", 14, "10 to 3600000 is possible")]
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
    public void A_flow_whose_lines_begin_too_far_to_the_left_is_said_to_be_no_YAML()
    {
        var error = Assert.Throws<ConfigException>(() => ConfigFile.Parse(
            """
            edge:
              sources:
                - { id: plc1, url: "sim://x",
                tags: [ { address: counter, metric: counter.good },
              { address: counter, metric: counter.reject } ] }
            """, "edge.yaml"));
        Assert.Contains(error.Problems, p => p.Message.StartsWith("not YAML", StringComparison.Ordinal));
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

    private const string OpcUa =
        """
        site: { id: berlin, name: Berlin plant }
        broker: { url: "mqtt://10.0.0.1" }
        edge:
          group: berlin
          node: edge1
          sources:
            - id: plc1
              url: "opc.tcp://plc:4841/path"
              security: Basic256Sha256
              mode: Sign
              username: operator
              password: secret
              trust: first_use
              lifetime_s: 60
              tags:
                - { address: "ns=2;s=Filler1.Temp", metric: process.temperature, deadband_percent: 2, queue_size: 50 }
        """;

    [Fact]
    public void An_OPC_UA_source_is_read_as_it_is_written()
    {
        var source = Assert.Single(ConfigFile.Parse(OpcUa, "edge.yaml").Edge!.Sources);
        Assert.Equal(new Uri("opc.tcp://plc:4841/path"), source.Url);
        Assert.Equal(
            (SecurityPolicy.Basic256Sha256, MessageSecurityMode.Sign, "operator", "secret", ServerTrust.OnFirstUse,
                TimeSpan.FromMinutes(1)),
            (source.OpcUa!.Policy, source.OpcUa.Mode, source.OpcUa.User, source.OpcUa.Password, source.OpcUa.Trust, source.OpcUa.Lifetime));
        Assert.Equal((2, 50), (source.Tags[0].DeadbandPercent, source.Tags[0].QueueSize));
    }

    [Theory]
    [InlineData("Basic256Sha256", "Basic128", 9, "'Basic128' is no policy; None, Basic256Sha256")]
    [InlineData("mode: Sign", "mode: Half", 10, "SignAndEncrypt are possible")]
    [InlineData("Basic256Sha256", "None", 9, "protects nothing")]
    [InlineData("username: operator\n", "user_certificate: /no/such.pem\n", 9, "a password needs a username")]
    [InlineData("trust: first_use", "trust: nobody", 13, "store, first_use, everything are possible")]
    [InlineData("ns=2;s=Filler1.Temp", "Filler1.Temp", 16, "no OPC UA node id")]
    [InlineData("opc.tcp://plc:4841/path", "opc.tcp:plc", 8, "no OPC UA server")]
    [InlineData("queue_size: 50", "queue_size: 0", 16, "not between")]
    [InlineData("lifetime_s: 60", "lifetimes: 60", 14, "lifetimes")]
    public void A_mistake_in_an_OPC_UA_source_is_named_with_its_line(string right, string wrong, int line, string words)
    {
        var error = Assert.Throws<ConfigException>(
            () => ConfigFile.Parse(OpcUa.Replace(right, wrong, StringComparison.Ordinal), "edge.yaml"));
        Assert.Contains(error.Problems, p => Math.Abs(p.Line - line) <= 3 && p.Message.Contains(words, StringComparison.Ordinal));
    }
}
