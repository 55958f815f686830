using OeeOrleans.Edge.Sessions;
using OeeOrleans.TestServers;
using static OeeOrleans.Conformance.Tests.Wire;

namespace OeeOrleans.Conformance.Tests;

/// <summary>
/// Our edge node with the primary host `scada` and two brokers. Each step is what both brokers had heard when it ended: nobody is online;
/// another host is; our host's death; our host; an older death; its death at the first broker while it is online at the second.
/// </summary>
internal sealed record PrimaryHostOnTheWire
{
    public required IReadOnlyList<WireEvent> Silent { get; init; }

    public required IReadOnlyList<WireEvent> Foreign { get; init; }

    public required IReadOnlyList<WireEvent> Offline { get; init; }

    public required IReadOnlyList<WireEvent> Stale { get; init; }

    public required IReadOnlyList<WireEvent> Online { get; init; }

    public required IReadOnlyList<WireEvent> OldDeath { get; init; }

    public required IReadOnlyList<WireEvent> Death { get; init; }

    public required IReadOnlyList<WireEvent> Second { get; init; }

    /// <summary>Whether the first broker's connection was over before the second one's began.</summary>
    public required bool OneAtATime { get; init; }

    public static async Task<PrimaryHostOnTheWire> RecordAsync()
    {
        await using var first = await RecordingBroker.StartAsync();
        await using var second = await RecordingBroker.StartAsync();
        await using var edge = await RunningEdge.StartAsync([first.Url, second.Url], o => o.PrimaryHost = "scada");
        await Eventually.HoldsAsync(
            "the edge to wait", TimeSpan.FromSeconds(20), () => Task.FromResult(edge.Connector.State), s => s == EdgeState.WaitingForHost);
        var silent = await SettledAsync(first, edge);
        await first.SayAsync("spBv1.0/STATE/other", HostIs(true, 500), retain: true);
        var foreign = await SettledAsync(first, edge);
        await first.SayAsync("spBv1.0/STATE/scada", HostIs(false, 200), retain: true);
        var offline = await SettledAsync(first, edge);
        await first.SayAsync("spBv1.0/STATE/scada", HostIs(true, 150), retain: true);
        var stale = await SettledAsync(first, edge);
        await first.SayAsync("spBv1.0/STATE/scada", HostIs(true, 300), retain: true);
        var online = await first.UntilAsync(s => s.Count("DDATA") > 3);
        await first.SayAsync("spBv1.0/STATE/scada", HostIs(false, 250), retain: true);
        var count = first.Events.Count;
        var oldDeath = await first.UntilAsync(s => s.Count > count + 5);
        await second.SayAsync("spBv1.0/STATE/scada", HostIs(true, 400), retain: true);
        await first.SayAsync("spBv1.0/STATE/scada", HostIs(false, 300), retain: true);
        var death = await first.UntilAsync(s => s.Any(e => e.Kind == WireKind.Disconnect));
        var heard = await second.UntilAsync(s => s.Count("DDATA") > 0);
        var left = death.First(e => e.Kind == WireKind.Disconnect).At;
        return new PrimaryHostOnTheWire
        {
            Silent = silent,
            Foreign = foreign,
            Offline = offline,
            Stale = stale,
            Online = online,
            OldDeath = oldDeath,
            Death = death,
            Second = heard,
            OneAtATime = heard.First(e => e.Kind == WireKind.Connect).At > left,
        };
    }

    /// <summary>What was heard when some values more have been read and could have been published.</summary>
    private static async Task<IReadOnlyList<WireEvent>> SettledAsync(RecordingBroker broker, RunningEdge edge)
    {
        var before = edge.Connector.Buffered;
        await broker.UntilAsync(s => s.Count("NBIRTH") > 0 || edge.Connector.Buffered > before + 5);
        if (broker.Events.Count("NBIRTH") == 0) Assert.True(edge.Connector.Buffered > before + 5, "the edge read nothing it could publish");
        return broker.Events;
    }
}

/// <summary>How our edge node follows its primary host.</summary>
public sealed class PrimaryHostBehaviour
{
    internal static readonly Statements<PrimaryHostOnTheWire> Statements = new()
    {
        { "message-flow-edge-node-birth-publish-phid-wait", "no births before the primary host is known to be online",
            w => Assert.Equal((0, 1), (w.Silent.Count("NBIRTH"), w.Online.Count("NBIRTH"))) },
        { "operational-behavior-edge-node-birth-sequence-wait", "the births wait for online = true",
            w => Assert.Equal((0, 1, 2), (w.Silent.Count("DBIRTH"), w.Online.Count("NBIRTH"), w.Online.Count("DBIRTH"))) },

        {
            "message-flow-edge-node-birth-publish-phid-wait-id",
            "another host's STATE does not count",
            w => Assert.Equal(0, w.Foreign.Count("NBIRTH"))
        },

        {
            "message-flow-edge-node-birth-publish-phid-wait-online",
            "online = false is not online",
            w => Assert.Equal(0, w.Offline.Count("NBIRTH"))
        },
        { "message-flow-edge-node-birth-publish-phid-wait-timestamp", "an online with an older time than the last STATE does not count",
            w => Assert.Equal(0, w.Stale.Count("NBIRTH")) },
        { "message-flow-edge-node-birth-publish-phid-offline", "when the host goes offline, NDEATH is published and the connection ended",
            w => Assert.Equal((1, WireKind.Disconnect), (w.Death.Count("NDEATH"), w.Death[^1].Kind)) },
        { "operational-behavior-edge-node-termination-host-offline", "when the host goes offline, the edge node disconnects",
            w => Assert.Contains(w.Death, e => e is { Kind: WireKind.Disconnect, Clean: true }) },
        { "operational-behavior-edge-node-termination-host-offline-reconnect", "and connects to the next broker of its list",
            w => Assert.Equal(WireKind.Connect, w.Second.First(e => e.Client != "test").Kind) },
        { "operational-behavior-edge-node-termination-host-offline-timestamp", "an offline with an older time does not end anything",
            w => Assert.Equal((0, true), (w.OldDeath.Count(e => e.Kind == WireKind.Disconnect), w.OldDeath[^1].IsData())) },
        { "operational-behavior-primary-application-state-with-multiple-servers-walk", "it goes to the next broker when the host is "
            + "offline at this one",
            w => Assert.Equal((1, 1), (w.Death.Count(e => e.Kind == WireKind.Connect && e.Client != "test"), w.Second.Count("NBIRTH"))) },
        { "operational-behavior-primary-application-state-with-multiple-servers-single-server", "it is connected to one broker at a time",
            w => Assert.True(w.OneAtATime) },
        { "operational-behavior-primary-application-state-with-multiple-servers-state-subs", "it subscribes to the host's STATE at "
            + "every broker",
            w => Facts.Each(
                [w.Silent, w.Second], s => Assert.Single(s, e => e is { Kind: WireKind.Subscribe, Topic: "spBv1.0/STATE/scada" })) },
    };

    private static readonly Lazy<Task<PrimaryHostOnTheWire>> Recorded = new(PrimaryHostOnTheWire.RecordAsync);

    public static TheoryData<string> Ids() => Statements.Data;

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Holds(string id) => Statements.Check(id, await Recorded.Value);
}
