using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OeeOrleans.Grains.EdgeNodes;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Conformance.Tests;

/// <summary>
/// A host that has heard births, each scenario on its own: the deaths of a node and of a device, and a gap in the sequence.
/// </summary>
internal sealed class HeardByHost
{
    public const long HeardUs = 10_000_000_000;

    private static readonly EdgeMetric Uptime = new("uptime", SparkplugDataType.Int64, 9);
    private static readonly EdgeDevice Device = new("d", [new EdgeMetric("state.run", SparkplugDataType.Boolean, 1)]);

    private readonly EdgeNodeDecoder _decoder = new("g/n");
    private readonly EdgeNodeSession _edge = new(new EdgeNodeDefinition("g", "n", [Uptime], [Device]));

    public HeardByHost()
    {
        _decoder.Machines["d"] = new MachineTarget("m", inPlant: true);
        _edge.Will(5);
        Feed(_edge.NodeBirth(1000, [new EdgeValue(Uptime, 1000, 5L)]));
        Feed(_edge.DeviceBirth(Device, 1000, [new EdgeValue(Device.Metrics[0], 1000, true)]));
    }

    public HostNodeSession Session => _decoder.Session;

    /// <summary>What the deaths made of the device's values: one row at the time of the death.</summary>
    public SampleRow Row => _decoder.Rows.Span[^1];

    /// <summary>When the device is dead, by the node's state; microseconds.</summary>
    public long DeadFromUs => _decoder.State.Dead["d"];

    public SessionOutcome NodeDies() => Feed(_edge.Death());

    public SessionOutcome DeviceDies(ulong sentMs) => Feed(_edge.DeviceDeath(Device, sentMs));

    public (SessionOutcome Gap, SessionOutcome Late) Gap()
    {
        var early = _edge.Data(Device, 2000, []);
        var late = _edge.Data(Device, 2001, []);
        return (Feed(late), Feed(early));
    }

    private SessionOutcome Feed(EdgeMessage sent)
    {
        var message = new BrokerMessage(sent.Topic.ToString(), sent.Payload.ToArray(), HeardUs);
        var outcome = _decoder.Accept(sent.Topic, message, again: false);
        _decoder.EmitDeaths(sent.Topic, outcome, message);
        if (outcome.Table is null || outcome.Ignored is not null) return outcome;
        if (_decoder.TryEmit(outcome, message, sent.Topic.Type is SparkplugMessageType.NBirth or SparkplugMessageType.DBirth))
        {
            return outcome;
        }

        var signal = 1;
        foreach (var metric in _decoder.Unbound)
        {
            metric.Binding = new SignalBinding(signal, _decoder.Machines["d"], CanonicalSignals.KindOf(metric.Name), 1, 0);
            _decoder.Machines["d"].Signals[signal++] = SignalKind.StateRun;
        }

        Assert.True(_decoder.TryEmit(outcome, message, birth: true));
        return outcome;
    }
}

/// <summary>What a host application makes of deaths and of gaps.</summary>
public sealed class DecoderStatements
{
    private const string Termination = "operational-behavior-edge-node-termination-host-action-";

    internal static readonly Statements<HeardByHost> Statements = new()
    {
        { Termination + "ndeath-node-offline", "NDEATH: the node is offline",
            h =>
            {
                h.NodeDies();
                Assert.False(h.Session.Online);
            } },
        { Termination + "ndeath-devices-offline", "NDEATH: so are its devices",
            h =>
            {
                h.NodeDies();
                Assert.All(h.Session.Current!.Devices, d => Assert.False(d.Online));
            } },
        { Termination + "ndeath-devices-tags-stale", "NDEATH: their values are bad from the host's own time on",
            h =>
            {
                h.NodeDies();
                Assert.Equal(((int)Quality.Bad, HeardByHost.HeardUs), ((int)h.Row.Quality, h.Row.TimeUs));
            } },
        { Termination + "ddeath-devices-offline", "DDEATH: the device is offline from the time in it",
            h =>
            {
                var dead = Assert.Single(h.DeviceDies(3000).Deaths);
                Assert.Equal((false, 3_000_001), (dead.Online, h.DeadFromUs));
            } },
        { Termination + "ddeath-devices-tags-stale", "DDEATH: its values are bad from the time in it",
            h =>
            {
                h.DeviceDies(3000);
                Assert.Equal(((int)Quality.Bad, 3_000_001), ((int)h.Row.Quality, h.Row.TimeUs));
            } },
        { "operational-behavior-host-reordering-start", "a gap starts a timer: a rebirth is wanted, and not yet asked for",
            h =>
            {
                Assert.Equal(1, h.Gap().Gap.MissedMessages);
                Assert.Equal((0, true), AskedAfter(RebirthRequests.ReorderTimeout / 2, filled: false));
            } },
        { "operational-behavior-host-reordering-rebirth", "when it runs out, a rebirth is asked for",
            h =>
            {
                Assert.NotNull(h.Gap().Gap.RebirthReason);
                Assert.Equal(1, AskedAfter(RebirthRequests.ReorderTimeout + TimeSpan.FromSeconds(1), filled: false).Asked);
            } },
        { "operational-behavior-host-reordering-success", "when what was missing comes before, none is",
            h =>
            {
                Assert.True(h.Gap().Late.Filled);
                Assert.Equal((0, false), AskedAfter(RebirthRequests.ReorderTimeout + TimeSpan.FromSeconds(1), filled: true));
            } },
    };

    public static TheoryData<string> Ids() => Statements.Data;

    [Theory]
    [MemberData(nameof(Ids))]
    public void Holds(string id) => Statements.Check(id, new HeardByHost());

    private static (int Asked, bool Owed) AskedAfter(TimeSpan time, bool filled)
    {
        var clock = new FakeTimeProvider();
        var asked = new Asked();
        var requests = new RebirthRequests(asked, new RebirthLimiter(clock), clock, NullLogger.Instance);
        requests.WantUnlessFilled("a gap");
        if (filled) requests.Filled();
        clock.Advance(time);
        requests.SendDueAsync("g/n").GetAwaiter().GetResult();
        return (asked.Count, requests.IsOwed);
    }

    private sealed class Asked : ICommandPublisher
    {
        public int Count { get; private set; }

        public Task PublishAsync(SparkplugTopic topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
        {
            Count++;
            return Task.CompletedTask;
        }
    }
}
