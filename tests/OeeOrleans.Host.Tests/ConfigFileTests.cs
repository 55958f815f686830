using OeeOrleans.Configuration;
using OeeOrleans.Host.Config;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Host.Tests;

public sealed class ConfigFileTests
{
    private const string Site = "site: { id: berlin, name: Berlin plant, time_zone: Europe/Berlin }";

    private const string Small =
        """
        site: { id: berlin, name: Berlin plant, time_zone: Europe/Berlin }
        calendars:
          - id: three-shift
            shifts:
              - { name: early, start: "06:00", end: "14:00", breaks: [["09:00","09:15"]] }
              - { name: night, start: "22:00", end: "06:00", days: [mon, fri] }
        areas:
          - id: packaging
            calendar: three-shift
            lines:
              - id: line1
                oee: { policy: bottleneck, machine: filler1 }
                machines:
                  - id: filler1
                    ideal_cycle_s: 0.5
                    products: { A100: { ideal_cycle_s: 0.4 } }
                    counter_modulus: 65536
                    state_map: { "1": run, "7": stop }
                    edge_node: berlin/edge1
                    tags:
                      - { metric: "Counts/Good", signal: counter.good, scale: 0.1, unit: pcs }
        store: { connection: "Host=${OEE_TEST_HOST:-localhost};Database=oee" }
        """;

    [Fact]
    public void A_plant_is_read_as_it_is_written()
    {
        var config = ConfigFile.Parse(Small, "plant.yaml");
        var machine = config.Plant.Machines.Single();
        Assert.Equal((0.5m, 0.4m, 65536L), (machine.Oee.IdealCycleS, machine.Oee.IdealCycleOf("A100"), machine.Oee.CounterModulus));
        Assert.Equal(HeldState.Stop, machine.Oee.StateMap!["7"]);
        Assert.Equal(("berlin/edge1", "filler1", "three-shift"), (machine.EdgeNode, machine.Device, machine.Calendar));
        Assert.Equal(new TagMapping("Counts/Good", "counter.good", 0.1, 0, "pcs", 0), machine.Tags.Single());
        Assert.Equal(LinePolicy.Bottleneck, config.Plant.Lines.Single().Policy);
        Assert.Equal("Host=localhost;Database=oee", config.StoreConnection);
        Assert.Equal([DayOfWeek.Monday, DayOfWeek.Friday], config.Plant.Calendars.Single().Shifts[1].Days);
    }

    [Fact]
    public void Reasons_faults_and_times_of_change_are_read()
    {
        var config = ConfigFile.Parse(
            Small.Replace(
                "        edge_node: berlin/edge1",
                "        valid_from: \"2026-01-05T06:00:00Z\"\n            faults: { \"E-217\": { text: Jam, reason: jam, severity: 500 "
                    + "} }\n            edge_node: berlin/edge1",
                StringComparison.Ordinal)
            + "\nreasons: [ { id: jam, name: Jammed, loss: breakdown } ]", "plant.yaml");
        var machine = config.Plant.Machines.Single();
        Assert.Equal(new FaultCode("Jam", "jam", 500), machine.Faults["E-217"]);
        Assert.Equal(UnixMicros.From(new DateTimeOffset(2026, 1, 5, 6, 0, 0, TimeSpan.Zero)), machine.ValidFromUs);
        Assert.Equal(new StopReason("jam", "Jammed", LossKind.Breakdown), Assert.Single(config.Plant.Reasons));
    }

    [Theory]
    [InlineData("state_map: {", "valid_from: yesterday\n            state_map: {", 18, "not a time such as")]
    [InlineData("state_map: {", "faults: { E1: { reason: jam } }\n            state_map: {", 18, "not defined under 'reasons'")]
    [InlineData("id: berlin, name", "id: Berlin, name", 1, "'Berlin' is not allowed")]
    [InlineData("Europe/Berlin", "Mars/Olympus", 1, "time_zone")]
    [InlineData("\"14:00\", breaks", "\"25:00\", breaks", 5, "not a time of day")]
    [InlineData("[mon, fri]", "[monday]", 6, "not a day")]
    [InlineData("calendar: three-shift", "calendar: two-shift", 9, "not defined")]
    [InlineData("machine: filler1 }", "machine: filler9 }", 12, "no machine of the line")]
    [InlineData("ideal_cycle_s: 0.5", "ideal_cycle_s: quick", 15, "not a number")]
    [InlineData("counter_modulus: 65536", "counter_modulus: 1", 17, "not between")]
    [InlineData("\"1\": run", "\"1\": running", 18, "neither run nor stop")]
    [InlineData("edge_node: berlin/edge1", "edge_node: edge1", 19, "group and edge node")]
    [InlineData("tags:", "tag:", 20, "did you mean 'tags'")]
    [InlineData("OEE_TEST_HOST:-localhost", "OEE_TEST_UNSET", 22, "OEE_TEST_UNSET is not set")]
    [InlineData("store:", "stores:", 22, "unknown key 'stores'")]
    public void A_mistake_is_named_with_its_line(string right, string wrong, int line, string words)
    {
        var error = Assert.Throws<ConfigException>(
            () => ConfigFile.Parse(Small.Replace(right, wrong, StringComparison.Ordinal), "plant.yaml"));
        Assert.Contains(error.Problems, p => p.Line == line && p.Message.Contains(words, StringComparison.Ordinal));
    }

    [Fact]
    public void How_long_messages_are_gathered_is_set_in_milliseconds()
    {
        Assert.Equal(200, ConfigFile.Parse(Small, "p").GatherMs);
        Assert.Equal(0, ConfigFile.Parse(Small + "\ningress: { gather_ms: 0 }", "p").GatherMs);
        var error = Assert.Throws<ConfigException>(() => ConfigFile.Parse(Small + "\ningress: { gather_ms: 5000 }", "p"));
        Assert.Contains("gather_ms", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_metric_that_is_mapped_twice_is_named()
    {
        const string Twice = Site
            + "\nareas: [{ id: a, lines: [{ id: l, machines: [{ id: m, edge_node: g/n, tags: "
            + "[{ metric: X, signal: counter.good }, { metric: X, signal: counter.reject }] }] }] }]";
        Assert.Contains(
            "'X' is mapped twice", Assert.Throws<ConfigException>(() => ConfigFile.Parse(Twice, "p")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_let_everybody_in_is_gone_and_the_message_says_what_to_do_instead()
    {
        foreach (var open in new[] { "\nallow_anonymous: true", "\ngateway: { allow_anonymous: false }" })
        {
            var message = Assert.Throws<ConfigException>(() => ConfigFile.Parse(Small + open, "p")).Message;
            Assert.Contains("allow_anonymous is gone", message, StringComparison.Ordinal);
            Assert.Contains("anonymous_viewer", message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("mqtt_address: 10.0.0.5", "can be reached from other machines")]
    [InlineData("cluster: { address: 10.0.0.5 }", "cluster.tls")]
    [InlineData("gateway: { urls: \"http://0.0.0.0:8080\" }", "passwords would be readable")]
    [InlineData("gateway: { urls: \"https://0.0.0.0:8080\" }", "needs a certificate")]
    [InlineData("gateway: { management_urls: \"here\" }", "gateway.management_urls")]
    [InlineData("gateway: { management_urls: \"https://127.0.0.1:9090\" }", "needs a certificate")]
    [InlineData("gateway: { urls: \"http://127.0.0.1:80\", management_urls: \"http://127.0.0.1:80\" }", "has a port of gateway.urls")]
    [InlineData("gateway: { proxies: [ here ] }", "neither an address")]
    [InlineData("gateway: { proxies: [ 10.0.0.0/33 ] }", "neither an address")]
    [InlineData("access: { oidc: { authority: \"https://a\", roles: { x: { role: admin } } } }", "neither client_id")]
    [InlineData("broker: { url: \"mqtt://b\", password_file: /none }", "cannot be read")]
    [InlineData("broker: { url: \"mqtt://b\", password: Secret1, password_file: /dev/null }", "both given")]
    [InlineData("store: { connection_file: /dev/null }", "is empty")]
    [InlineData("access: { keys: [ { name: k, role: boss, key_file: /none } ] }", "'boss' is unknown")]
    [InlineData("access: { keys: [ { name: k, role: edge, at: nowhere, key_file: /none } ] }", "is no edge node")]
    [InlineData("access: { keys: [ { name: k, role: admin, key_file: /none } ] }", "cannot be read")]
    [InlineData("mqtt_address: \"::1\"", "is not an IPv4 address")]
    [InlineData("mqtt_address: localhost", "is not an IPv4 address")]
    [InlineData("broker: { url: \"mqtt://b\", tls: { ca: /x.pem } }", "which has no TLS")]
    [InlineData("broker: { url: \"mqtt://user:#Secret1@b\" }", "more than host and port")]
    [InlineData("broker: { url: \"http://user:Secret1@b\" }", "is not mqtt://")]
    public void What_run_would_refuse_check_refuses_and_no_password_is_repeated(string key, string words)
    {
        var error = Assert.Throws<ConfigException>(() => ConfigFile.Parse(Site + "\n" + key, "p"));
        Assert.Contains(error.Problems, p => p.Message.Contains(words, StringComparison.Ordinal));
        Assert.DoesNotContain("Secret1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Secrets_may_stand_in_files_of_their_own()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, "Secret1\n");
        var config = ConfigFile.Parse(
            Site + $"\nbroker: {{ url: \"mqtt://b\", username: u, password_file: {file} }}"
                + $"\nstore: {{ connection_file: {file}, gateway_connection_file: {file} }}", "p");
        File.Delete(file);
        Assert.Equal(("Secret1", "Secret1", "Secret1"), (config.Broker!.Password, config.StoreConnection, config.GatewayConnection));
    }

    [Fact]
    public void Two_keys_with_one_secret_are_refused_and_the_secret_is_not_repeated()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, new string('s', 32));
        var keys = string.Join(", ", new[] { "k1", "k2" }.Select(n => $"{{ name: {n}, role: admin, key_file: {file} }}"));
        var error = Assert.Throws<ConfigException>(() => ConfigFile.Parse(Site + $"\naccess: {{ keys: [ {keys} ] }}", "p"));
        File.Delete(file);
        Assert.Contains("'k1' and 'k2' have one secret", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("ssss", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_configuration_of_a_gateway_by_itself_need_not_tell_how_silos_get_in()
    {
        var config = ConfigFile.Parse(Site + "\nstore: { gateway_connection: \"Host=h\" }", "p");
        Assert.Equal((null, "Host=h"), (config.StoreConnection, config.GatewayConnection));
    }

    [Fact]
    public void Two_machines_on_one_device_are_refused()
    {
        var twice = Small.Replace(
            "- id: filler1", "- { id: filler2, edge_node: berlin/edge1, device: filler1 }\n          - id: filler1",
            StringComparison.Ordinal);
        Assert.Contains(
            "same edge node and device", Assert.Throws<ConfigException>(() => ConfigFile.Parse(twice, "p")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_yaml_is_said_to_be_so() =>
        Assert.Contains(
            "not YAML", Assert.Throws<ConfigException>(() => ConfigFile.Parse("site: {", "p")).Message, StringComparison.Ordinal);

    [Fact]
    public void Store_and_cluster_options_are_read_and_checked()
    {
        var config = ConfigFile.Parse(
            Site
                + "\nstore: { connection: \"Host=x\", writers: 4, bulk: insert, space_partitions: 16, retention: { samples: 200, hours: "
                + "4000 } }\ncluster: { id: c, address: 127.0.0.2 }",
            "p.yaml");
        Assert.Equal((4, false, 16), (config.Store.Writers, config.Store.Copy, config.Store.SpacePartitions));
        Assert.Equal((200, (int?)null, 4000), (config.Retention.Samples, config.Retention.Minutes, config.Retention.Hours));
        Assert.Equal("127.0.0.2", config.SiloAddress);
        var bad = Assert.Throws<ConfigException>(
            () => ConfigFile.Parse(Site + "\nstore: { retention: { samples: 30 }, writers: 9 }\ncluster: { address: silo1 }", "p.yaml"));
        Assert.Contains(bad.Problems, p => p.Message.Contains("store.retention.samples: 30 is not between 128", StringComparison.Ordinal));
        Assert.Contains(bad.Problems, p => p.Message.Contains("store.writers", StringComparison.Ordinal));
        Assert.Contains(bad.Problems, p => p.Message.Contains("'silo1' is not an IP address", StringComparison.Ordinal));
    }

    [Fact]
    public void Retention_of_the_embedded_store_needs_no_connection() =>
        Assert.Equal(
            (null, 365),
            (
                ConfigFile.Parse(Site + "\nstore: { retention: { samples: 365 } }", "p.yaml").StoreConnection,
                ConfigFile.Parse(Site + "\nstore: { retention: { samples: 365 } }", "p.yaml").Retention.Samples));

    [Fact]
    public void An_export_may_become_the_plants_file() => Assert.Single(ConfigFile.Parse(
        """
        { "site": { "id": "s" }, "areas": [{ "id": "a", "lines": [{ "id": "l", "machines": [{ "id": "m" }] }] }],
          "history": [{ "machine": "m", "part": "oee", "from": null, "model": {} }] }
        """, "plant.yaml").Plant.Machines);
}
