using OeeOrleans.Edge;
using OeeOrleans.Edge.Sessions;
using OeeOrleans.Mqtt;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Conformance.Tests;

/// <summary>What an edge node's messages must look like, message by message.</summary>
public sealed class EdgeNodeStatements
{
    private const ulong Now = 1_767_600_000_000;

    private static readonly EdgeMetric Count = new("counter.good", SparkplugDataType.UInt32, 1, "pcs");
    private static readonly EdgeMetric Run = new("state.run", SparkplugDataType.Boolean, 2);
    private static readonly EdgeMetric Level = new("level", SparkplugDataType.Double, 3);
    private static readonly EdgeDevice Press = new("press1", [Count, Run]);
    private static readonly EdgeDevice Tank = new("Tank", [Level]);
    private static readonly EdgeNodeDefinition Definition = new("berlin", "edge1", [new EdgeMetric("uptime", SparkplugDataType.Int64, 9)], [Press, Tank]);

    private readonly EdgeNodeSession _session = new(Definition);

    [Theory]
    [Tck("topic-structure", "topic-structure-namespace-a", "topics-nbirth-topic", "topics-ndata-topic", "topics-ndeath-topic", "topics-dbirth-topic", "topics-ddata-topic", "topics-ddeath-topic",
        "message-flow-edge-node-birth-publish-nbirth-topic", "message-flow-edge-node-birth-publish-will-message-topic", "message-flow-device-birth-publish-dbirth-topic", "message-flow-device-birth-publish-dbirth-match-edge-node-topic",
        "topic-structure-namespace-device-id-associated-message-types", "topic-structure-namespace-device-id-non-associated-message-types", "payloads-nbirth-edge-node-descriptor", "conformance-mqtt-aware-nbirth-mqtt-topic", "conformance-mqtt-aware-dbirth-mqtt-topic")]
    public void Topics_are_namespace_group_type_node_and_device(string id)
    {
        Assert.NotEmpty(id);
        Assert.Equal(
            ["spBv1.0/berlin/NDEATH/edge1", "spBv1.0/berlin/NBIRTH/edge1", "spBv1.0/berlin/DBIRTH/edge1/press1", "spBv1.0/berlin/DBIRTH/edge1/Tank", "spBv1.0/berlin/NDATA/edge1", "spBv1.0/berlin/DDATA/edge1/press1", "spBv1.0/berlin/DDEATH/edge1/press1"],
            Life().Select(m => m.Topic.ToString()));
    }

    [Theory]
    [Tck("topic-structure-namespace-valid-group-id", "topic-structure-namespace-valid-edge-node-id", "topic-structure-namespace-valid-device-id")]
    public void Ids_with_reserved_characters_are_refused(string id)
    {
        Assert.NotEmpty(id);
        foreach (var bad in new[] { "a+b", "a#b", "a/b" })
        {
            Assert.NotEmpty(Options(o => o.Group = bad).Validate());
            Assert.NotEmpty(Options(o => o.Node = bad).Validate());
            Assert.NotEmpty(Options(o => o.Sources = [new EdgeSource("s", new Uri("sim://x"), bad, 250, [])]).Validate());
        }
    }

    [Theory]
    [Tck("topic-structure-namespace-unique-device-id", "topic-structure-namespace-duplicate-device-id-across-edge-node")]
    public void A_device_id_names_one_device_of_its_edge_node_and_may_be_used_by_another_node(string id)
    {
        Assert.NotEmpty(id);
        Assert.Equal(Definition.Devices.Count, Definition.Devices.Select(d => d.Id).Distinct().Count());
        var other = new EdgeNodeSession(Definition with { Node = "edge2" });
        other.Will(0);
        other.NodeBirth(Now, []);
        Assert.Equal("spBv1.0/berlin/DBIRTH/edge2/press1", other.DeviceBirth(Press, Now, []).Topic.ToString());
    }

    [Theory]
    [Tck("topics-nbirth-seq-num", "payloads-sequence-num-req-nbirth", "payloads-sequence-num-zero-nbirth", "payloads-nbirth-seq", "message-flow-edge-node-birth-publish-nbirth-payload-seq")]
    public void NBIRTH_has_the_sequence_number_zero(string id)
    {
        Assert.NotEmpty(id);
        Assert.Equal(0, Life().Single(m => m.Topic.Type == SparkplugMessageType.NBirth).Number("seq"));
    }

    [Theory]
    [Tck("payloads-sequence-num-always-included", "payloads-sequence-num-incrementing", "topics-dbirth-seq", "topics-ndata-seq-num", "topics-ddata-seq-num", "topics-ddeath-seq-num", "payloads-dbirth-seq", "payloads-dbirth-seq-inc",
        "payloads-ndata-seq", "payloads-ndata-seq-inc", "payloads-ddata-seq", "payloads-ddata-seq-inc", "payloads-ddeath-seq", "payloads-ddeath-seq-inc", "payloads-ddeath-seq-number", "message-flow-device-birth-publish-dbirth-payload-seq")]
    public void The_sequence_number_grows_by_one_over_node_and_devices_and_wraps_after_255(string id)
    {
        Assert.NotEmpty(id);
        Assert.Equal([0, 1, 2, 3, 4, 5], Life().Skip(1).Select(m => m.Number("seq")));
        Life();
        _session.NodeBirth(Now, []);
        var seqs = Enumerable.Range(0, 600).Select(i => Decoded.Of(_session.Data(null, Now + (ulong)i, [])).Number("seq")).ToList();
        Assert.Equal(Enumerable.Range(1, 600).Select(i => (long)(i % 256)), seqs);
    }

    [Theory]
    [Tck("topics-ndeath-seq", "payloads-ndeath-seq", "topics-ndeath-payload", "payloads-ndeath-bdseq", "message-flow-edge-node-birth-publish-will-message-payload", "message-flow-edge-node-birth-publish-will-message-payload-bd")]
    public void NDEATH_carries_bdSeq_and_nothing_else(string id)
    {
        Assert.NotEmpty(id);
        var death = Life()[0];
        Assert.False(death.Has("seq"));
        var metric = Assert.Single(death.Metrics);
        Assert.Equal(("bdSeq", "Int64", 7), (metric.GetProperty("name").GetString(), metric.GetProperty("datatype").GetString(), metric.GetProperty("value").GetInt32()));
    }

    [Theory]
    [Tck("topics-nbirth-bdseq-included", "topics-nbirth-bdseq-matching", "payloads-nbirth-bdseq", "message-flow-edge-node-birth-publish-nbirth-payload-bd")]
    public void NBIRTH_carries_the_bdSeq_of_its_will(string id)
    {
        Assert.NotEmpty(id);
        var life = Life();
        Assert.Equal(life[0].Metric("bdSeq")!.Value.GetProperty("value").GetInt64(), life[1].Metric("bdSeq")!.Value.GetProperty("value").GetInt64());
    }

    [Theory]
    [Tck("topics-nbirth-timestamp", "topics-dbirth-timestamp", "topics-ndata-timestamp", "topics-ddata-timestamp", "payloads-nbirth-timestamp", "payloads-dbirth-timestamp", "payloads-ndata-timestamp", "payloads-ddata-timestamp", "payloads-ddeath-timestamp",
        "payloads-timestamp-in-", "message-flow-edge-node-birth-publish-nbirth-payload", "message-flow-device-birth-publish-dbirth-payload")]
    public void Every_message_but_the_will_says_when_it_was_sent_in_UTC_milliseconds(string id)
    {
        Assert.NotEmpty(id);
        Assert.All(Life().Skip(1), m => Assert.InRange(m.Number("timestamp"), (long)Now, (long)Now + 10));
    }

    [Theory]
    [Tck("topics-nbirth-metric-reqs", "topics-nbirth-metrics", "topics-dbirth-metric-reqs", "topics-dbirth-metrics", "operational-behavior-data-publish-nbirth", "operational-behavior-data-publish-nbirth-values", "operational-behavior-data-publish-dbirth",
        "operational-behavior-data-publish-dbirth-values", "payloads-metric-datatype-req", "payloads-name-requirement", "payloads-name-birth-data-requirement", "payloads-alias-birth-requirement", "payloads-metric-timestamp-in-", "payloads-metric-datatype-value-type", "payloads-metric-datatype-value")]
    public void Births_announce_every_metric_with_name_alias_datatype_time_and_value(string id)
    {
        Assert.NotEmpty(id);
        var births = Life().Where(m => m.Topic.Type is SparkplugMessageType.NBirth or SparkplugMessageType.DBirth).ToList();
        foreach (var (metrics, birth) in new[] { (Definition.Metrics, births[0]), (Press.Metrics, births[1]), (Tank.Metrics, births[2]) })
        {
            foreach (var metric in metrics)
            {
                var told = birth.Metric(metric.Name)!.Value;
                Assert.Equal((metric.Alias, metric.Type.ToString()), (told.GetProperty("alias").GetUInt64(), told.GetProperty("datatype").GetString()));
                Assert.InRange((byte)metric.Type, 1, 34);
                Assert.True(told.GetProperty("timestamp").GetUInt64() > 0);
                // A value that is not known is null, and says so.
                Assert.Equal(told.GetProperty("is_null").GetBoolean(), told.GetProperty("value").ValueKind == System.Text.Json.JsonValueKind.Null);
            }
        }
    }

    [Theory]
    [Tck("payloads-alias-uniqueness")]
    public void An_alias_that_is_used_twice_over_the_edge_node_is_refused(string id)
    {
        Assert.NotEmpty(id);
        Assert.Throws<ArgumentException>(() => new EdgeNodeSession(Definition with { Devices = [Press, new EdgeDevice("other", [Level with { Alias = Count.Alias }])] }));
    }

    [Theory]
    [Tck("topics-nbirth-rebirth-metric", "payloads-nbirth-rebirth-req", "operational-behavior-data-commands-rebirth-name", "operational-behavior-data-commands-rebirth-name-aliases", "operational-behavior-data-commands-rebirth-datatype", "operational-behavior-data-commands-rebirth-value")]
    public void NBIRTH_has_the_rebirth_control_without_alias_as_a_boolean_that_is_false(string id)
    {
        Assert.NotEmpty(id);
        var control = Life()[1].Metric("Node Control/Rebirth")!.Value;
        Assert.Equal(System.Text.Json.JsonValueKind.Null, control.GetProperty("alias").ValueKind);
        Assert.Equal(("Boolean", false), (control.GetProperty("datatype").GetString(), control.GetProperty("value").GetBoolean()));
    }

    [Theory]
    [Tck("payloads-alias-data-cmd-requirement", "payloads-metric-datatype-not-req", "topics-ndata-payload", "topics-ddata-payload", "operational-behavior-data-publish-nbirth-change", "operational-behavior-data-publish-dbirth-change")]
    public void Data_goes_by_alias_without_names_and_holds_what_changed(string id)
    {
        Assert.NotEmpty(id);
        var data = Life().Single(m => m.Topic.Type == SparkplugMessageType.DData);
        var metric = Assert.Single(data.Metrics);
        Assert.Equal((System.Text.Json.JsonValueKind.Null, Count.Alias, 43L), (metric.GetProperty("name").ValueKind, metric.GetProperty("alias").GetUInt64(), metric.GetProperty("value").GetInt64()));
    }

    [Theory]
    [Tck("topics-nbirth-mqtt", "topics-ndata-mqtt", "topics-dbirth-mqtt", "topics-ddata-mqtt", "topics-ddeath-mqtt", "payloads-nbirth-qos", "payloads-nbirth-retain", "payloads-dbirth-qos", "payloads-dbirth-retain", "payloads-ndata-qos", "payloads-ndata-retain",
        "payloads-ddata-qos", "payloads-ddata-retain", "message-flow-edge-node-birth-publish-nbirth-qos", "message-flow-edge-node-birth-publish-nbirth-retained", "message-flow-device-birth-publish-dbirth-qos", "message-flow-device-birth-publish-dbirth-retained")]
    public void With_qos_0_births_and_data_travel_at_QoS_0_and_are_never_retained(string id)
    {
        Assert.NotEmpty(id);
        Life();
        _session.NodeBirth(Now, []);
        var message = EdgeTransport.Message(_session.Data(null, Now, []), qos: 0);
        Assert.Equal((0, false), ((int)message.QualityOfServiceLevel, message.Retain));
    }

    [Theory]
    [Tck("principles-persistence-clean-session-311", "principles-persistence-clean-session-50", "payloads-ndeath-will-message", "payloads-ndeath-will-message-qos", "payloads-ndeath-will-message-retain", "message-flow-edge-node-birth-publish-will-message",
        "message-flow-edge-node-birth-publish-will-message-qos", "message-flow-edge-node-birth-publish-will-message-will-retained", "message-flow-edge-node-birth-publish-connect")]
    public void The_connection_is_clean_and_its_will_is_the_NDEATH_at_QoS_1_not_retained(string id)
    {
        Assert.NotEmpty(id);
        var will = _session.Will(3);
        var settings = EdgeTransport.Settings(new BrokerAddress(new Uri("mqtt://127.0.0.1:1")), "c", will);
        Assert.True(settings.CleanSession);
        Assert.Equal(("spBv1.0/berlin/NDEATH/edge1", 1, false), (settings.WillTopic, (int)settings.WillQualityOfServiceLevel, settings.WillRetain));
        Assert.Equal(will.Payload.ToArray(), settings.WillPayload);
    }

    [Theory]
    [Tck("message-flow-device-birth-publish-nbirth-wait", "payloads-dbirth-order", "payloads-ndata-order", "payloads-ddata-order", "operational-behavior-edge-node-birth-sequence-wait", "principles-birth-certificates-order")]
    public void Nothing_is_said_before_NBIRTH_nor_after_the_death(string id)
    {
        Assert.NotEmpty(id);
        _session.Will(0);
        Assert.Throws<InvalidOperationException>(() => _session.DeviceBirth(Press, Now, []));
        Assert.Throws<InvalidOperationException>(() => _session.Data(Press, Now, []));
        _session.NodeBirth(Now, []);
        _session.DeviceBirth(Press, Now, []);
        _session.Death();
        Assert.Throws<InvalidOperationException>(() => _session.Data(Press, Now, []));
    }

    [Theory]
    [Tck("operational-behavior-data-publish-nbirth-order", "operational-behavior-data-publish-dbirth-order")]
    public void Values_of_a_message_stand_in_the_order_in_which_they_were_given(string id)
    {
        Assert.NotEmpty(id);
        Life();
        _session.NodeBirth(Now, []);
        var data = Decoded.Of(_session.Data(Press, Now, [new EdgeValue(Count, Now + 1, 1L), new EdgeValue(Count, Now + 2, 2L), new EdgeValue(Count, Now + 3, 3L)]));
        Assert.Equal([1L, 2, 3], data.Metrics.Select(m => m.GetProperty("value").GetInt64()));
    }

    [Theory]
    [Tck("principles-rbe-recommended")]
    public void Only_what_changed_is_reported(string id)
    {
        Assert.NotEmpty(id);
        var filter = new OeeOrleans.Edge.Sources.TagFilter([new("d", new EdgeTag("a", "m", Deadband: 0.5), SparkplugDataType.Double)]);
        Assert.NotNull(filter.Take(new(0, 1, 1.0)));
        Assert.Null(filter.Take(new(0, 2, 1.0)));
        Assert.Null(filter.Take(new(0, 3, 1.4)));
        Assert.NotNull(filter.Take(new(0, 4, 1.5)));
        Assert.NotNull(filter.Take(new(0, 5, null, 0)));
    }

    [Theory]
    [Tck("case-sensitivity-sparkplug-ids", "case-sensitivity-metric-names")]
    public void Ids_and_names_that_differ_by_case_are_different_things(string id)
    {
        Assert.NotEmpty(id);
        var session = new EdgeNodeSession(new EdgeNodeDefinition("berlin", "edge1", [], [new EdgeDevice("tank", [Level]), new EdgeDevice("Tank", [Level with { Name = "Level", Alias = 4 }])]));
        session.Will(0);
        session.NodeBirth(Now, []);
        Assert.Equal("Level", Decoded.Of(session.DeviceBirth(session.Definition.Devices[1], Now, [])).Metrics[0].GetProperty("name").GetString());
        Assert.Empty(session.Accept(new SparkplugTopic(SparkplugMessageType.NCommand, "Berlin", "edge1", null), new SparkplugPayloadWriter().Begin(Now, null).Written.Span));
    }

    [Theory]
    [Tck("operational-behavior-data-commands-ncmd-verb", "operational-behavior-data-commands-ncmd-metric-name", "operational-behavior-data-commands-ncmd-metric-value", "operational-behavior-data-commands-dcmd-verb", "operational-behavior-data-commands-dcmd-metric-name",
        "operational-behavior-data-commands-dcmd-metric-value", "payloads-name-cmd-requirement")]
    public void Commands_name_a_metric_that_was_announced_and_its_new_value(string id)
    {
        Assert.NotEmpty(id);
        var session = new EdgeNodeSession(Definition with { Devices = [new EdgeDevice("press1", [Count with { Writable = true }, Run])] });
        var writer = new SparkplugPayloadWriter().Begin(Now, null);
        writer.Integer(new MetricHead("counter.good", null, Now, SparkplugDataType.UInt32), 5);
        writer.Boolean(new MetricHead(null, Run.Alias, Now, SparkplugDataType.Boolean), true);
        writer.Integer(new MetricHead("no.such", null, Now, SparkplugDataType.UInt32), 5);
        var requests = session.Accept(new SparkplugTopic(SparkplugMessageType.DCommand, "berlin", "edge1", "press1"), writer.Written.Span);
        Assert.Equal(5L, Assert.IsType<EdgeRequest.Write>(requests[0]).Value);
        Assert.All(requests.Skip(1), r => Assert.IsType<EdgeRequest.Unknown>(r));
    }

    [Theory]
    [Tck("operational-behavior-device-ddeath")]
    public void A_device_that_is_lost_dies_by_DDEATH(string id)
    {
        Assert.NotEmpty(id);
        Assert.Equal(SparkplugMessageType.DDeath, Life()[^1].Topic.Type);
    }

    [Theory]
    [Tck("payloads-propertyset-quality-value-type", "payloads-propertyset-quality-value-value")]
    public void A_quality_that_is_not_good_travels_as_the_property_Quality_an_Int32_of_0_192_or_500(string id)
    {
        Assert.NotEmpty(id);
        Life();
        _session.NodeBirth(Now, []);
        var metric = Assert.Single(Decoded.Of(_session.Data(Press, Now, [new EdgeValue(Count, Now, 1L, Quality: 0)])).Metrics);
        Assert.Equal(0, metric.GetProperty("properties").GetProperty("Quality").GetInt32());
        Assert.Equal(SparkplugDataType.Int32, PropertySet.Quality(500).Entries[0].Value.Type);
    }

    /// <summary>Will, NBIRTH, two DBIRTHs, NDATA, DDATA, DDEATH.</summary>
    private List<Decoded> Life() =>
    [
        Decoded.Of(_session.Will(7)),
        Decoded.Of(_session.NodeBirth(Now, [])),
        Decoded.Of(_session.DeviceBirth(Press, Now, [new EdgeValue(Count, Now - 5, 42L), new EdgeValue(Run, Now - 5, true)])),
        Decoded.Of(_session.DeviceBirth(Tank, Now, [])),
        Decoded.Of(_session.Data(null, Now, [new EdgeValue(Definition.Metrics[0], Now, 1L)])),
        Decoded.Of(_session.Data(Press, Now, [new EdgeValue(Count, Now, 43L)])),
        Decoded.Of(_session.DeviceDeath(Press, Now)),
    ];

    private static EdgeOptions Options(Action<EdgeOptions> change)
    {
        var options = new EdgeOptions { Group = "g", Node = "n", Brokers = [new BrokerAddress(new Uri("mqtt://127.0.0.1"))], Sources = [new EdgeSource("s", new Uri("sim://x"), "d", 250, [])] };
        change(options);
        return options;
    }
}
