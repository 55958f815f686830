using System.Text.Json;
using MQTTnet.Protocol;
using OeeOrleans.Edge;
using OeeOrleans.Edge.Sources;
using OeeOrleans.Mqtt;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Conformance.Tests;

/// <summary>What an edge node's messages must look like, message by message.</summary>
public sealed class EdgeMessageStatements
{
    private const ulong Now = EdgeLife.Now;

    internal static readonly Statements<EdgeLife> Statements = new()
    {
        // Topics.

        {
            "topic-structure",
            "topics are namespace/group/type/node, and /device for devices",
            l => Facts.Each(l.All, m => Assert.Matches("^[^/]+/berlin/[ND](BIRTH|DATA|DEATH)/edge1(/[^/]+)?$", m.Topic.ToString()))
        },

        {
            "topic-structure-namespace-a",
            "the namespace is spBv1.0",
            l => Facts.Each(l.All, m => Assert.Equal("spBv1.0", m.Topic.ToString().Split('/')[0]))
        },

        {
            "topic-structure-namespace-device-id-associated-message-types",
            "messages of devices have a device id",
            l => Assert.Equal(
                ["press1", "Tank", "press1", "press1"],
                new[] { l.DBirth, l.TankBirth, l.DData, l.DDeath }.Select(m => m.Topic.ToString().Split('/')[4]))
    },

        {
            "topic-structure-namespace-device-id-non-associated-message-types",
            "messages of the node have none",
            l => Facts.Each([l.Will, l.NBirth, l.NData], m => Assert.Equal(4, m.Topic.ToString().Split('/').Length))
        },
        { "topics-nbirth-topic", "NBIRTH goes to namespace/group/NBIRTH/node", l => Topic("spBv1.0/berlin/NBIRTH/edge1", l.NBirth) },
        { "topics-ndata-topic", "NDATA goes to namespace/group/NDATA/node", l => Topic("spBv1.0/berlin/NDATA/edge1", l.NData) },
        { "topics-ndeath-topic", "NDEATH goes to namespace/group/NDEATH/node", l => Topic("spBv1.0/berlin/NDEATH/edge1", l.Death) },

        {
            "topics-dbirth-topic",
            "DBIRTH goes to namespace/group/DBIRTH/node/device",
            l => Topic("spBv1.0/berlin/DBIRTH/edge1/press1", l.DBirth)
        },

        {
            "topics-ddata-topic",
            "DDATA goes to namespace/group/DDATA/node/device",
            l => Topic("spBv1.0/berlin/DDATA/edge1/press1", l.DData)
        },

        {
            "topics-ddeath-topic",
            "DDEATH goes to namespace/group/DDEATH/node/device",
            l => Topic("spBv1.0/berlin/DDEATH/edge1/press1", l.DDeath)
        },

        {
            "message-flow-edge-node-birth-publish-nbirth-topic",
            "NBIRTH goes to spBv1.0/group/NBIRTH/node",
            l => Topic("spBv1.0/berlin/NBIRTH/edge1", l.NBirth)
        },

        {
            "message-flow-device-birth-publish-dbirth-topic",
            "DBIRTH goes to spBv1.0/group/DBIRTH/node/device",
            l => Topic("spBv1.0/berlin/DBIRTH/edge1/press1", l.DBirth)
        },

        {
            "message-flow-device-birth-publish-dbirth-match-edge-node-topic",
            "DBIRTH has group and node of its NBIRTH",
            l => Facts.Each(
                [l.DBirth, l.TankBirth], m => Assert.Equal((l.NBirth.Topic.Group, l.NBirth.Topic.Node), (m.Topic.Group, m.Topic.Node)))
    },
        { "topic-structure-namespace-valid-group-id", "a group id holds no +, / or #", _ => Refuses(bad => Options(o => o.Group = bad)) },

        {
            "topic-structure-namespace-valid-edge-node-id",
            "an edge node id holds no +, / or #",
            _ => Refuses(bad => Options(o => o.Node = bad))
        },

        {
            "topic-structure-namespace-valid-device-id",
            "a device id holds no +, / or #",
            _ => Refuses(bad => Options(o => o.Sources = [new EdgeSource("s", new Uri("sim://x"), bad, 250, [])]))
        },

        {
            "topic-structure-namespace-unique-device-id",
            "a device id names one device of its edge node",
            _ => Assert.Throws<ArgumentException>(
                () => new EdgeNodeSession(
                    EdgeLife.Definition with { Devices = [EdgeLife.Press, new EdgeDevice("press1", [EdgeLife.Level])] }))
    },

        {
            "topic-structure-namespace-duplicate-device-id-across-edge-node",
            "two edge nodes may have a device of the same id",
            _ => Assert.Equal(
                "spBv1.0/berlin/DBIRTH/edge2/press1",
                Born(EdgeLife.Definition with { Node = "edge2" }).DeviceBirth(EdgeLife.Press, Now, []).Topic.ToString())
    },

        {
            "case-sensitivity-sparkplug-ids",
            "ids of a node do not differ by case only",
            _ => Assert.NotEmpty(
                Options(
                    o => o.Sources =
                    [
                        new EdgeSource("s", new Uri("sim://x"), "tank", 250, []),
                        new EdgeSource("t", new Uri("sim://x"), "Tank", 250, []),
                    ])
                    .Validate())
    },

        {
            "case-sensitivity-metric-names",
            "metric names of a device do not differ by case only",
            _ => Assert.NotEmpty(
                Options(
                    o => o.Sources =
                    [
                        new EdgeSource(
                            "s", new Uri("sim://x"), "d", 250,
                            [new EdgeTag("counter:1", "level"), new EdgeTag("counter:2", "Level")]),
                    ])
                    .Validate())
    },

        // Sequence numbers.
        { "topics-nbirth-seq-num", "NBIRTH has seq 0", l => Assert.Equal(0, l.NBirth.Number("seq")) },
        { "payloads-sequence-num-req-nbirth", "NBIRTH has a seq from 0 to 255", l => Assert.InRange(l.NBirth.Number("seq"), 0, 255) },
        { "payloads-sequence-num-zero-nbirth", "NBIRTH has seq 0", l => Assert.Equal(0, l.NBirth.Number("seq")) },
        { "payloads-nbirth-seq", "NBIRTH has a seq from 0 to 255", l => Assert.InRange(l.NBirth.Number("seq"), 0, 255) },

        {
            "message-flow-edge-node-birth-publish-nbirth-payload-seq",
            "NBIRTH has a seq from 0 to 255",
            l => Assert.InRange(l.NBirth.Number("seq"), 0, 255)
        },

        {
            "payloads-sequence-num-always-included",
            "everything but NDEATH has a seq",
            l => Facts.Each(l.Numbered, m => Assert.True(m.Has("seq")))
        },

        {
            "payloads-sequence-num-incrementing",
            "seq grows by one over node and devices, and is 0 after 255",
            l => Assert.Equal(Enumerable.Range(1, 600).Select(i => (long)(i % 256)), l.Sequence)
        },
        { "topics-dbirth-seq", "DBIRTH has the seq after the last message's", l => Follows(l, l.DBirth) },
        { "topics-ndata-seq-num", "NDATA has the seq after the last message's", l => Follows(l, l.NData) },
        { "topics-ddata-seq-num", "DDATA has the seq after the last message's", l => Follows(l, l.DData) },
        { "topics-ddeath-seq-num", "DDEATH has the seq after the last message's", l => Follows(l, l.DDeath) },
        { "payloads-dbirth-seq", "DBIRTH has a seq", l => Assert.True(l.DBirth.Has("seq")) },
        { "payloads-dbirth-seq-inc", "DBIRTH has the seq after the last message's", l => Follows(l, l.DBirth) },

        {
            "message-flow-device-birth-publish-dbirth-payload-seq",
            "DBIRTH has the seq after the last message's, at most 255",
            l => Follows(l, l.TankBirth)
        },
        { "payloads-ndata-seq", "NDATA has a seq", l => Assert.True(l.NData.Has("seq")) },
        { "payloads-ndata-seq-inc", "NDATA has the seq after the last message's", l => Follows(l, l.NData) },
        { "payloads-ddata-seq", "DDATA has a seq", l => Assert.True(l.DData.Has("seq")) },
        { "payloads-ddata-seq-inc", "DDATA has the seq after the last message's", l => Follows(l, l.DData) },
        { "payloads-ddeath-seq", "DDEATH has a seq", l => Assert.True(l.DDeath.Has("seq")) },
        { "payloads-ddeath-seq-inc", "DDEATH has the seq after the last message's", l => Follows(l, l.DDeath) },
        { "payloads-ddeath-seq-number", "DDEATH has a seq, for the order of messages", l => Assert.True(l.DDeath.Has("seq")) },
        { "topics-ndeath-seq", "NDEATH has no seq", l => Assert.False(l.Death.Has("seq")) },
        { "payloads-ndeath-seq", "NDEATH has no seq", l => Assert.False(l.Will.Has("seq")) },

        // Will and bdSeq.

        {
            "topics-ndeath-payload",
            "NDEATH holds bdSeq and nothing else",
            l => Assert.Equal("bdSeq", Assert.Single(l.Death.Metrics).GetProperty("name").GetString())
        },

        {
            "payloads-ndeath-bdseq",
            "NDEATH has the bdSeq of the birth it belongs to",
            l => Assert.Equal(Value(l.NBirth, "bdSeq").GetInt64(), Value(l.Will, "bdSeq").GetInt64())
        },
        { "topics-nbirth-bdseq-included", "NBIRTH has the metric bdSeq", l => Assert.NotNull(l.NBirth.Metric("bdSeq")) },

        {
            "topics-nbirth-bdseq-matching",
            "it is that of the will",
            l => Assert.Equal(EdgeLife.BdSeqNumber, Value(l.NBirth, "bdSeq").GetInt64())
        },
        { "payloads-nbirth-bdseq", "NBIRTH has the metric bdSeq", l => Assert.NotNull(l.NBirth.Metric("bdSeq")) },

        {
            "message-flow-edge-node-birth-publish-nbirth-payload-bd",
            "NBIRTH has bdSeq as an Int64, the same as the will's",
            l => Assert.Equal(
                ("Int64", EdgeLife.BdSeqNumber),
                (Field(l.NBirth, "bdSeq", "datatype").GetString(), Value(l.NBirth, "bdSeq").GetInt64()))
    },
        { "message-flow-edge-node-birth-publish-will-message", "a CONNECT has a will", l => Assert.NotNull(l.Connect.WillPayload) },

        {
            "message-flow-edge-node-birth-publish-will-message-topic",
            "the will goes to spBv1.0/group/NDEATH/node",
            l => Assert.Equal("spBv1.0/berlin/NDEATH/edge1", l.Connect.WillTopic)
        },

        {
            "message-flow-edge-node-birth-publish-will-message-payload",
            "the will's payload is Sparkplug's",
            l => Assert.True(new SparkplugPayloadReader(l.Connect.WillPayload).MetricCount > 0)
        },

        {
            "message-flow-edge-node-birth-publish-will-message-payload-bd",
            "the will has bdSeq as an Int64",
            l => Assert.Equal(
                ("Int64", EdgeLife.BdSeqNumber), (Field(l.Will, "bdSeq", "datatype").GetString(), Value(l.Will, "bdSeq").GetInt64()))
    },

        {
            "message-flow-edge-node-birth-publish-will-message-qos",
            "the will has QoS 1",
            l => Assert.Equal(MqttQualityOfServiceLevel.AtLeastOnce, l.Connect.WillQualityOfServiceLevel)
        },

        {
            "message-flow-edge-node-birth-publish-will-message-will-retained",
            "the will is not retained",
            l => Assert.False(l.Connect.WillRetain)
        },
        { "payloads-ndeath-will-message", "the will is an NDEATH", l => Assert.Equal("NDEATH", l.Connect.WillTopic.Split('/')[2]) },

        {
            "payloads-ndeath-will-message-qos",
            "the will has QoS 1",
            l => Assert.Equal(MqttQualityOfServiceLevel.AtLeastOnce, l.Connect.WillQualityOfServiceLevel)
        },
        { "payloads-ndeath-will-message-retain", "the will is not retained", l => Assert.False(l.Connect.WillRetain) },
        { "principles-persistence-clean-session-311", "with MQTT 3.1.1 the session is clean", l => Assert.True(l.Connect.CleanSession) },

        // Times.
        { "topics-nbirth-timestamp", "NBIRTH says when it was sent", l => SentNow(l.NBirth) },
        { "topics-dbirth-timestamp", "DBIRTH says when it was sent", l => SentNow(l.DBirth) },
        { "topics-ndata-timestamp", "NDATA says when it was sent", l => SentNow(l.NData) },
        { "topics-ddata-timestamp", "DDATA says when it was sent", l => SentNow(l.DData) },
        { "payloads-nbirth-timestamp", "NBIRTH says when it was sent", l => SentNow(l.NBirth) },
        { "payloads-dbirth-timestamp", "DBIRTH says when it was sent", l => SentNow(l.DBirth) },
        { "payloads-ndata-timestamp", "NDATA says when it was sent", l => SentNow(l.NData) },
        { "payloads-ddata-timestamp", "DDATA says when it was sent", l => SentNow(l.DData) },
        { "payloads-ddeath-timestamp", "DDEATH says when it was sent", l => SentNow(l.DDeath) },
        { "payloads-timestamp-in-", "the times of messages are UTC", l => Facts.Each(l.Numbered, SentNow) },

        {
            "payloads-metric-timestamp-in-",
            "the times of metrics are UTC",
            l => Assert.Equal((long)Now - 5, Field(l.DBirth, "counter.good", "timestamp").GetInt64())
        },

        {
            "payloads-name-birth-data-requirement",
            "every metric of births and data has a time",
            l => Facts.Each(
                l.Births.Append(l.NData).Append(l.DData).SelectMany(m => m.Metrics),
                m => Assert.True(m.GetProperty("timestamp").GetUInt64() > 0))
    },

        // Metrics of births.
        { "topics-nbirth-metric-reqs", "NBIRTH has every metric of the node", l => Announces(l.NBirth, EdgeLife.Definition.Metrics) },

        {
            "operational-behavior-data-publish-nbirth",
            "NBIRTH has every metric of the node",
            l => Announces(l.NBirth, EdgeLife.Definition.Metrics)
        },
        { "topics-dbirth-metric-reqs", "DBIRTH has every metric of the device", l => Announces(l.DBirth, EdgeLife.Press.Metrics) },

        {
            "operational-behavior-data-publish-dbirth",
            "DBIRTH has every metric of the device",
            l => Announces(l.DBirth, EdgeLife.Press.Metrics)
        },
        { "topics-nbirth-metrics", "each has name, datatype and value", l => IsWhole(l.NBirth, EdgeLife.Uptime, 5) },
        { "topics-dbirth-metrics", "each has name, datatype and value", l => IsWhole(l.DBirth, EdgeLife.Count, 42) },

        {
            "operational-behavior-data-publish-nbirth-values",
            "the value of NBIRTH is the current one",
            l => Assert.Equal((5, false), (Value(l.NBirth, "uptime").GetInt32(), Field(l.NBirth, "uptime", "is_null").GetBoolean()))
        },

        {
            "operational-behavior-data-publish-dbirth-values",
            "a value of DBIRTH that is not known is null, says so, and is none",
            l => Assert.Equal(
                (true, JsonValueKind.Null),
                (Field(l.TankBirth, "level", "is_null").GetBoolean(), Value(l.TankBirth, "level").ValueKind))
    },

        {
            "payloads-metric-datatype-req",
            "births have the datatype of each metric",
            l => Facts.Each(l.Births.SelectMany(m => m.Metrics), m => Assert.NotEqual("Unknown", m.GetProperty("datatype").GetString()))
        },

        {
            "payloads-metric-datatype-value-type",
            "a datatype is an unsigned number of 32 bits",
            l => Assert.Equal(7u, DatatypeOnTheWire(l, "counter.good"))
        },

        {
            "payloads-metric-datatype-value",
            "a datatype is one of those there are",
            l => Facts.Each(
                l.Births.SelectMany(m => m.Metrics),
                m => Assert.InRange((uint)Enum.Parse<SparkplugDataType>(m.GetProperty("datatype").GetString()!), 1u, 34u))
    },

        {
            "payloads-name-requirement",
            "without an alias a metric has its name",
            l => Facts.Each(
                l.All.SelectMany(m => m.Metrics).Where(m => m.GetProperty("alias").ValueKind == JsonValueKind.Null),
                m => Assert.False(string.IsNullOrEmpty(m.GetProperty("name").GetString())))
    },

        {
            "payloads-alias-birth-requirement",
            "births give name and alias",
            l => Assert.Equal(
                ("counter.good", 1UL),
                (
                    l.DBirth.Metric("counter.good")!.Value.GetProperty("name").GetString(),
                    Field(l.DBirth, "counter.good", "alias").GetUInt64()))
    },

        {
            "payloads-alias-uniqueness",
            "an alias is used once over the whole edge node",
            _ => Assert.Throws<ArgumentException>(
                () => new EdgeNodeSession(
                    EdgeLife.Definition with
                    {
                        Devices = [EdgeLife.Press, new EdgeDevice("other", [EdgeLife.Level with { Alias = EdgeLife.Count.Alias }])],
                    }))
    },

        // The rebirth control.
        { "topics-nbirth-rebirth-metric", "NBIRTH has Node Control/Rebirth, a boolean, false", IsRebirthControl },
        { "payloads-nbirth-rebirth-req", "NBIRTH has Node Control/Rebirth, a boolean, false", IsRebirthControl },

        {
            "operational-behavior-data-commands-rebirth-name",
            "NBIRTH has a metric Node Control/Rebirth",
            l => Assert.NotNull(l.NBirth.Metric("Node Control/Rebirth"))
        },

        {
            "operational-behavior-data-commands-rebirth-name-aliases",
            "it has no alias",
            l => Assert.Equal(JsonValueKind.Null, Field(l.NBirth, "Node Control/Rebirth", "alias").ValueKind)
        },

        {
            "operational-behavior-data-commands-rebirth-datatype",
            "it is a Boolean",
            l => Assert.Equal("Boolean", Field(l.NBirth, "Node Control/Rebirth", "datatype").GetString())
        },

        {
            "operational-behavior-data-commands-rebirth-value",
            "it is false",
            l => Assert.False(Value(l.NBirth, "Node Control/Rebirth").GetBoolean())
        },

        // Data.

        {
            "payloads-alias-data-cmd-requirement",
            "data goes by alias, without names",
            l => Facts.Each(
                l.DData.Metrics.Concat(l.NData.Metrics),
                m => Assert.Equal(
                    (JsonValueKind.Null, JsonValueKind.Number),
                    (m.GetProperty("name").ValueKind, m.GetProperty("alias").ValueKind)))
    },
        { "topics-ndata-payload", "NDATA has what changed of the node", l => Assert.Equal((9, 6), OnlyMetric(l.NData)) },

        {
            "topics-ddata-payload",
            "DDATA has what changed of the device",
            l => Assert.Equal([(1, 43), (1, 44)], l.DData.Metrics.Select(AliasAndValue))
        },

        {
            "operational-behavior-data-publish-nbirth-change",
            "NDATA is published when something of the node changed",
            l => Assert.NotEqual(Value(l.NBirth, "uptime").GetInt32(), OnlyMetric(l.NData).Value)
        },

        {
            "operational-behavior-data-publish-dbirth-change",
            "DDATA is published when something of the device changed: an equal value is not taken",
            _ => Assert.Null(SecondTake(1.0, 1.0))
        },

        {
            "principles-rbe-recommended",
            "values are reported when they change, not on a period",
            _ => Assert.Equal((true, false), (SecondTake(1.0, 1.5) is not null, SecondTake(1.0, 1.4) is not null))
        },

        {
            "operational-behavior-data-publish-nbirth-order",
            "values of NDATA stand in the order of time",
            _ => InOrder(null, EdgeLife.Uptime)
        },

        {
            "operational-behavior-data-publish-dbirth-order",
            "values of DDATA stand in the order of time",
            _ => InOrder(EdgeLife.Press, EdgeLife.Count)
        },

        {
            "payloads-propertyset-quality-value-type",
            "the property Quality is an Int32",
            _ => Assert.Equal(3u, (uint)PropertySet.Quality(500).Entries[0].Value.Type)
        },

        {
            "payloads-propertyset-quality-value-value",
            "it is 0, 192 or 500",
            _ => Assert.Equal([0, 192, 500], new[] { 0, 192, 500 }.Select(QualityOnTheWire))
        },

        // QoS and retain.
        { "topics-nbirth-mqtt", "NBIRTH has QoS 0 and is not retained", l => Assert.Equal((0, false), Transport(l, l.NBirth)) },
        { "topics-ndata-mqtt", "NDATA has QoS 0 and is not retained", l => Assert.Equal((0, false), Transport(l, l.NData)) },
        { "topics-dbirth-mqtt", "DBIRTH has QoS 0 and is not retained", l => Assert.Equal((0, false), Transport(l, l.DBirth)) },
        { "topics-ddata-mqtt", "DDATA has QoS 0 and is not retained", l => Assert.Equal((0, false), Transport(l, l.DData)) },
        { "topics-ddeath-mqtt", "DDEATH has QoS 0 and is not retained", l => Assert.Equal((0, false), Transport(l, l.DDeath)) },
        { "payloads-nbirth-qos", "NBIRTH has QoS 0", l => Assert.Equal(0, Transport(l, l.NBirth).Qos) },
        { "payloads-nbirth-retain", "NBIRTH is not retained", l => Assert.False(Transport(l, l.NBirth).Retain) },
        { "payloads-dbirth-qos", "DBIRTH has QoS 0", l => Assert.Equal(0, Transport(l, l.DBirth).Qos) },
        { "payloads-dbirth-retain", "DBIRTH is not retained", l => Assert.False(Transport(l, l.DBirth).Retain) },
        { "payloads-ndata-qos", "NDATA has QoS 0", l => Assert.Equal(0, Transport(l, l.NData).Qos) },
        { "payloads-ndata-retain", "NDATA is not retained", l => Assert.False(Transport(l, l.NData).Retain) },
        { "payloads-ddata-qos", "DDATA has QoS 0", l => Assert.Equal(0, Transport(l, l.DData).Qos) },
        { "payloads-ddata-retain", "DDATA is not retained", l => Assert.False(Transport(l, l.DData).Retain) },
        { "message-flow-edge-node-birth-publish-nbirth-qos", "NBIRTH has QoS 0", l => Assert.Equal(0, Transport(l, l.NBirth).Qos) },

        {
            "message-flow-edge-node-birth-publish-nbirth-retained",
            "NBIRTH is not retained",
            l => Assert.False(Transport(l, l.NBirth).Retain)
        },
        { "message-flow-device-birth-publish-dbirth-qos", "DBIRTH has QoS 0", l => Assert.Equal(0, Transport(l, l.TankBirth).Qos) },

        {
            "message-flow-device-birth-publish-dbirth-retained",
            "DBIRTH is not retained",
            l => Assert.False(Transport(l, l.TankBirth).Retain)
        },

        {
            "message-flow-edge-node-birth-publish-nbirth-payload",
            "NBIRTH is a Sparkplug payload",
            l => Assert.Equal(3, new SparkplugPayloadReader(l.Mqtt(l.NBirth).Payload.FirstSpan).MetricCount)
        },

        {
            "message-flow-device-birth-publish-dbirth-payload",
            "DBIRTH is a Sparkplug payload",
            l => Assert.Equal(2, new SparkplugPayloadReader(l.Mqtt(l.DBirth).Payload.FirstSpan).MetricCount)
        },

        // The order of a life.

        {
            "message-flow-device-birth-publish-nbirth-wait",
            "no DBIRTH before NBIRTH",
            _ => Assert.Throws<InvalidOperationException>(() => Connected().DeviceBirth(EdgeLife.Press, Now, []))
        },

        {
            "payloads-dbirth-order",
            "DBIRTH needs an NBIRTH before it",
            _ => Assert.Throws<InvalidOperationException>(() => Connected().DeviceBirth(EdgeLife.Tank, Now, []))
        },

        {
            "payloads-ndata-order",
            "no NDATA before the births",
            _ => Assert.Throws<InvalidOperationException>(() => Connected().Data(null, Now, []))
        },

        {
            "payloads-ddata-order",
            "no DDATA before the births",
            _ => Assert.Throws<InvalidOperationException>(() => Connected().Data(EdgeLife.Press, Now, []))
        },

        // Commands, as the edge reads them.

        {
            "operational-behavior-data-commands-ncmd-verb",
            "a command to the node is an NCMD",
            _ => Assert.Single(Command(SparkplugMessageType.NCommand, null, "setpoint").OfType<EdgeRequest.Write>())
        },

        {
            "operational-behavior-data-commands-ncmd-metric-name",
            "it names a metric of NBIRTH: another one is not written",
            _ => Assert.IsType<EdgeRequest.Unknown>(Assert.Single(Command(SparkplugMessageType.NCommand, null, "no.such")))
        },

        {
            "operational-behavior-data-commands-ncmd-metric-value",
            "its value is of the metric's type",
            _ => Assert.Equal(
                5L, Assert.IsType<EdgeRequest.Write>(Assert.Single(Command(SparkplugMessageType.NCommand, null, "setpoint"))).Value)
    },

        {
            "operational-behavior-data-commands-dcmd-verb",
            "a command to a device is a DCMD",
            _ => Assert.Equal(
                "press1",
                Assert.Single(Command(SparkplugMessageType.DCommand, "press1", "counter.good").OfType<EdgeRequest.Write>()).Device)
    },

        {
            "operational-behavior-data-commands-dcmd-metric-name",
            "it names a metric of DBIRTH: another one is not written",
            _ => Assert.IsType<EdgeRequest.Unknown>(Assert.Single(Command(SparkplugMessageType.DCommand, "press1", "no.such")))
        },

        {
            "operational-behavior-data-commands-dcmd-metric-value",
            "its value is of the metric's type",
            _ => Assert.Equal(
                5L,
                Assert.IsType<EdgeRequest.Write>(Assert.Single(Command(SparkplugMessageType.DCommand, "press1", "counter.good"))).Value)
    },

        {
            "payloads-name-cmd-requirement",
            "a metric of a command may have a time",
            _ => Assert.Single(Command(SparkplugMessageType.NCommand, null, "setpoint", timestampMs: 0).OfType<EdgeRequest.Write>())
        },
    };

    private static readonly EdgeLife Life = new();

    public static TheoryData<string> Ids() => Statements.Data;

    [Theory]
    [MemberData(nameof(Ids))]
    public void Holds(string id) => Statements.Check(id, Life);

    private static void Topic(string expected, Decoded message) => Assert.Equal(expected, message.Topic.ToString());

    private static void Refuses(Func<string, EdgeOptions> options) =>
        Facts.Each(["a+b", "a#b", "a/b"], bad => Assert.NotEmpty(options(bad).Validate()));

    private static void Follows(EdgeLife life, Decoded message)
    {
        var all = life.Numbered.ToList();
        var at = all.IndexOf(message);
        Assert.Equal((all[at - 1].Number("seq") + 1) % 256, message.Number("seq"));
    }

    private static JsonElement Field(Decoded message, string metric, string field) => message.Metric(metric)!.Value.GetProperty(field);

    private static JsonElement Value(Decoded message, string metric) => Field(message, metric, "value");

    private static void SentNow(Decoded message) => Assert.InRange(message.Number("timestamp"), (long)Now, (long)Now + 10);

    private static void Announces(Decoded birth, IReadOnlyList<EdgeMetric> metrics) =>
        Facts.Each(metrics, m => Assert.NotNull(birth.Metric(m.Name)));

    private static void IsWhole(Decoded birth, EdgeMetric metric, int value)
    {
        var told = birth.Metric(metric.Name)!.Value;
        Assert.Equal(
            (metric.Name, metric.Type.ToString(), value),
            (told.GetProperty("name").GetString(), told.GetProperty("datatype").GetString(), told.GetProperty("value").GetInt32()));
    }

    private static void IsRebirthControl(EdgeLife life)
    {
        var control = life.NBirth.Metric("Node Control/Rebirth")!.Value;
        Assert.Equal(("Boolean", false), (control.GetProperty("datatype").GetString(), control.GetProperty("value").GetBoolean()));
    }

    private static uint DatatypeOnTheWire(EdgeLife life, string metric)
    {
        var reader = new SparkplugPayloadReader(life.Mqtt(life.DBirth).Payload.FirstSpan);
        while (reader.TryReadMetric(out var read))
        {
            if (read.Name.SequenceEqual(System.Text.Encoding.UTF8.GetBytes(metric))) return (uint)read.DataType;
        }

        throw new InvalidOperationException($"there is no {metric}");
    }

    private static (int Alias, int Value) OnlyMetric(Decoded message) => AliasAndValue(Assert.Single(message.Metrics));

    private static (int Alias, int Value) AliasAndValue(JsonElement metric) =>
        (metric.GetProperty("alias").GetInt32(), metric.GetProperty("value").GetInt32());

    private static SourceValue? SecondTake(double first, double second)
    {
        var filter = new TagFilter([new("d", new EdgeTag("a", "m", Deadband: 0.5), SparkplugDataType.Double)]);
        filter.Take(new(0, 1, first));
        filter.Remember();
        return filter.Take(new(0, 2, second));
    }

    private static void InOrder(EdgeDevice? device, EdgeMetric metric)
    {
        var data = Decoded.Of(
            Born(EdgeLife.Definition).Data(
                device, Now, [new EdgeValue(metric, Now + 1, 1L), new EdgeValue(metric, Now + 2, 2L), new EdgeValue(metric, Now + 3, 3L)]));
        Assert.Equal(
            data.Metrics.Select(m => m.GetProperty("timestamp").GetInt64()).Order(),
            data.Metrics.Select(m => m.GetProperty("timestamp").GetInt64()));
        Assert.Equal([1L, 2, 3], data.Metrics.Select(m => m.GetProperty("value").GetInt64()));
    }

    private static int QualityOnTheWire(int quality)
    {
        var writer = new SparkplugPayloadWriter().Begin(Now, 0);
        writer.Double(new MetricHead("m", null, Now, SparkplugDataType.Double) { Properties = PropertySet.Quality(quality) }, 1);
        return Decoded.Json(writer.Written.Span).GetProperty("metrics")[0].GetProperty("properties").GetProperty("Quality").GetInt32();
    }

    private static (int Qos, bool Retain) Transport(EdgeLife life, Decoded message) =>
        ((int)life.Mqtt(message).QualityOfServiceLevel, life.Mqtt(message).Retain);

    private static EdgeNodeSession Connected()
    {
        var session = new EdgeNodeSession(EdgeLife.Definition);
        session.Will(0);
        return session;
    }

    private static EdgeNodeSession Born(EdgeNodeDefinition definition)
    {
        var session = new EdgeNodeSession(definition);
        session.Will(0);
        session.NodeBirth(Now, []);
        return session;
    }

    private static IReadOnlyList<EdgeRequest> Command(SparkplugMessageType type, string? device, string metric, ulong timestampMs = Now)
    {
        var setpoint = new EdgeMetric("setpoint", SparkplugDataType.UInt32, 8, Writable: true);
        var session = new EdgeNodeSession(
            new EdgeNodeDefinition(
                "berlin", "edge1", [setpoint], [new EdgeDevice("press1", [EdgeLife.Count with { Writable = true }, EdgeLife.Run])]));
        var writer = new SparkplugPayloadWriter().Begin(Now, null);
        writer.Integer(new MetricHead(metric, null, timestampMs, SparkplugDataType.UInt32), 5);
        return session.Accept(new SparkplugTopic(type, "berlin", "edge1", device), writer.Written.Span);
    }

    private static EdgeOptions Options(Action<EdgeOptions> change)
    {
        var options = new EdgeOptions
        {
            Group = "g", Node = "n", Brokers =
            [
                new BrokerAddress(new Uri("mqtt://127.0.0.1")),
            ], Sources = [new EdgeSource("s", new Uri("sim://x"), "d", 250, [])],
        };
        Assert.Empty(options.Validate());
        change(options);
        return options;
    }
}
