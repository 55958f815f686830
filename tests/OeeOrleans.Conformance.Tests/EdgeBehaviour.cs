using MQTTnet;
using MQTTnet.Formatter;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.TestServers;

namespace OeeOrleans.Conformance.Tests;

/// <summary>What a broker hears of our edge node: born, asked for a rebirth, cut off twice, ended in good order.</summary>
internal sealed record EdgeOnTheWire(IReadOnlyList<WireEvent> Events)
{
    public static async Task<EdgeOnTheWire> RecordAsync()
    {
        await using var broker = await RecordingBroker.StartAsync();
        await using var proxy = new ChaosProxy(broker.Port);
        await using (await RunningEdge.StartAsync([$"mqtt://127.0.0.1:{proxy.Port}"]))
        {
            await broker.UntilAsync(s => s.Count("DDATA") > 3);
            var (topic, payload) = NodeCommands.Rebirth("g", "n", 1);
            await broker.SayAsync(topic.ToString(), payload.ToArray());
            await broker.UntilAsync(s => s.Count("NBIRTH") == 2 && s.Skip(s.Index(e => e.Is("NBIRTH"), 1)).Count(Wire.IsData) > 2);
            for (var life = 2; life < 4; life++)
            {
                proxy.Cut();
                await broker.UntilAsync(s => s.Count(e => e.Kind == WireKind.Disconnect) == life - 1);
                proxy.Mend();
                await broker.UntilAsync(
                    s => s.Count(e => e.Kind == WireKind.Connect) == life && s.Count("NBIRTH") == life + 1 && s[^1].IsData());
            }
        }

        return new EdgeOnTheWire(await broker.UntilAsync(s => s.Any(e => e is { Kind: WireKind.Disconnect, Clean: true })));
    }

    /// <summary>What each connection said, without what the broker said for it.</summary>
    public IReadOnlyList<IReadOnlyList<WireEvent>> Connections
    {
        get
        {
            var all = new List<List<WireEvent>>();
            foreach (var e in Events.Where(e => e.Client != "test"))
            {
                if (e.Kind == WireKind.Connect) all.Add([]);
                all[^1].Add(e);
            }

            return all;
        }
    }

    /// <summary>From the request for a rebirth to the end of that connection.</summary>
    public IReadOnlyList<WireEvent> AfterRequest =>
        [.. Events.Skip(Events.Index(e => e.Is("NCMD")) + 1).TakeWhile(e => e.Kind != WireKind.Disconnect)];

    public IReadOnlyList<long> WillBdSeqs =>
        [.. Connections.Where(c => c[^1] is { Kind: WireKind.Disconnect, Clean: false }).Select(c => c.Last(e => e.Is("NDEATH")).BdSeq())];

    /// <summary>`bdSeq` of every connection's first birth.</summary>
    public IReadOnlyList<long> BirthBdSeqs => [.. Connections.Select(c => c.First(e => e.Is("NBIRTH")).BdSeq())];
}

/// <summary>What our edge node does, in order.</summary>
public sealed class EdgeBehaviour
{
    /// <summary>What may be on its way when the request comes.</summary>
    private const int OnTheWay = 8;

    internal static readonly Statements<EdgeOnTheWire> Statements = new()
    {
        { "message-flow-edge-node-birth-publish-connect", "an MQTT session comes before births",
            w => Facts.Each(w.Connections, c => Assert.InRange(c.Index(e => e.Is("NBIRTH")), 1, int.MaxValue)) },
        { "principles-birth-certificates-order", "the first message of every connection is the birth",
            w => Facts.Each(w.Connections, c => Assert.True(c.First(e => e.Kind == WireKind.Publish).Is("NBIRTH"))) },

        {
            "message-flow-edge-node-ncmd-subscribe",
            "it subscribes to its NCMD",
            w => Facts.Each(w.Connections, c => Hears(c, "spBv1.0/g/NCMD/n"))
        },
        { "message-flow-device-dcmd-subscribe", "it subscribes to the DCMD of its devices",
            w => Facts.Each(w.Connections, c => Hears(c, "spBv1.0/g/DCMD/n/d1")) },
        { "operational-behavior-data-commands-rebirth-action-1", "a request for a rebirth stops data at once",
            w => Assert.InRange(w.AfterRequest.TakeWhile(e => !e.Is("NBIRTH")).Count(Wire.IsData), 0, OnTheWay) },
        { "operational-behavior-data-commands-rebirth-action-2", "then all births come, and data after them",
            w => Assert.Equal(
                ["NBIRTH", "DBIRTH", "DBIRTH", "DDATA"],
                w.AfterRequest.SkipWhile(e => !e.Is("NBIRTH"))
                    .Where(e => e.Kind == WireKind.Publish)
                    .Take(4)
                    .Select(e => e.Topic.Split('/')[2])) },
        { "operational-behavior-data-commands-rebirth-action-3", "with the bdSeq of the will",
            w => Assert.Equal(w.WillBdSeqs[0], w.AfterRequest.First(e => e.Is("NBIRTH")).BdSeq()) },
        { "payloads-nbirth-bdseq-repeat", "the bdSeq of a birth is that of its connection's will",
            w => Assert.Equal(w.WillBdSeqs, w.BirthBdSeqs.Take(2)) },

        {
            "topics-nbirth-bdseq-increment",
            "bdSeq starts at zero and grows by one with every connection",
            w => Assert.Equal([0L, 1, 2], w.BirthBdSeqs)
        },
        { "operational-behavior-edge-node-intentional-disconnect-ndeath", "an intentional end publishes NDEATH",
            w => Assert.Single(w.Connections[^1], e => e.Is("NDEATH")) },
        { "operational-behavior-edge-node-intentional-disconnect-packet", "DISCONNECT may follow NDEATH at once",
            w => Assert.Equal([WireKind.Publish, WireKind.Disconnect], w.Connections[^1].TakeLast(2).Select(e => e.Kind)) },
        { "payloads-ndeath-will-message-publisher", "the node itself publishes NDEATH before it disconnects: with the bdSeq of its birth",
            w => Assert.Equal(w.BirthBdSeqs[^1], w.Connections[^1].Single(e => e.Is("NDEATH")).BdSeq()) },
        { "payloads-ndeath-will-message-publisher-disconnect-mqtt311", "with MQTT 3.1.1, NDEATH comes before the DISCONNECT",
            w =>
            {
                Assert.Equal(MqttProtocolVersion.V311, w.Connections[^1][0].Version);
                Assert.True(w.Connections[^1][^1].Clean, "there was no DISCONNECT");
                Assert.True(w.Connections[^1][^2].Is("NDEATH"), "it did not come right after NDEATH");
            } },
    };

    private static readonly Lazy<Task<EdgeOnTheWire>> Recorded = new(EdgeOnTheWire.RecordAsync);

    public static TheoryData<string> Ids() => Statements.Data;

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Holds(string id) => Statements.Check(id, await Recorded.Value);

    private static void Hears(IReadOnlyList<WireEvent> connection, string topic)
    {
        var before = connection.TakeWhile(e => !e.Is("NBIRTH"));
        Assert.Contains(
            before,
            e => e.Kind == WireKind.Subscribe && MqttTopicFilterComparer.Compare(topic, e.Topic) == MqttTopicFilterCompareResult.IsMatch);
    }
}
