using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Sparkplug.Tests;

public sealed class HostNodeSessionTests
{
    private readonly HostNodeSession _session = new();

    [Fact]
    public void Data_is_resolved_by_the_alias_its_birth_gave()
    {
        NodeBirth(1000, bdSeq: 3);
        DeviceBirth(1001, seq: 1, ("speed", 7), ("count", 8));
        Assert.Equal("count", Data(1002, seq: 2, alias: 8).Name);
    }

    [Fact]
    public void A_gap_in_seq_asks_for_a_rebirth_and_says_how_many_are_missing()
    {
        NodeBirth(1000, 3);
        DeviceBirth(1001, 1, ("speed", 7));
        var outcome = Data(1005, seq: 5, alias: 7).Outcome;
        Assert.Equal(3, outcome.MissedMessages);
        Assert.Contains("sequence gap", outcome.RebirthReason, StringComparison.Ordinal);
    }

    [Fact]
    public void Seq_wraps_after_255()
    {
        NodeBirth(1000, 3);
        DeviceBirth(1001, 1, ("speed", 7));
        for (var i = 2; i < 600; i++) Assert.Null(Data((ulong)(1001 + i), (byte)i, 7).Outcome.RebirthReason);
    }

    [Fact]
    public void A_redelivered_message_is_no_gap()
    {
        NodeBirth(1000, 3);
        DeviceBirth(1001, 1, ("speed", 7));
        for (byte i = 2; i < 20; i++) Data(1000UL + i, i, 7);
        var again = Data(1010, seq: 10, alias: 7, redelivered: true);
        Assert.True(again.Outcome.Redelivered);
        Assert.Null(again.Outcome.RebirthReason);
        Assert.Null(Data(1020, seq: 20, alias: 7).Outcome.RebirthReason);
    }

    [Fact]
    public void Data_sent_before_a_rebirth_is_resolved_with_the_aliases_of_its_time()
    {
        NodeBirth(1000, 3);
        DeviceBirth(1001, 1, ("speed", 7), ("count", 8));
        Data(1002, 2, 7);
        NodeBirth(2000, 3);
        DeviceBirth(2001, 1, ("speed", 8), ("count", 7));

        Assert.Equal("speed", Data(1002, 2, alias: 7, redelivered: true).Name);
        Assert.Equal("count", Data(2002, 2, alias: 7).Name);
    }

    [Fact]
    public void A_birth_that_comes_again_after_a_newer_one_changes_nothing()
    {
        NodeBirth(1000, 3);
        NodeBirth(2000, 4);
        Assert.True(NodeBirth(1000, 3).Redelivered);
        Assert.Equal(4UL, _session.Current!.BdSeq);
    }

    [Fact]
    public void Data_before_any_birth_asks_for_a_rebirth_and_names_still_resolve()
    {
        var outcome = Data(1002, 2, alias: 7);
        Assert.Equal("data before birth", outcome.Outcome.RebirthReason);
        Assert.Null(outcome.Name);
    }

    [Fact]
    public void A_death_with_another_bdSeq_is_ignored()
    {
        NodeBirth(1000, 4);
        Assert.Contains("bdSeq 3", NodeDeath(3).Ignored, StringComparison.Ordinal);
        Assert.True(_session.Online);
    }

    [Fact]
    public void A_death_takes_node_and_devices_down_once()
    {
        NodeBirth(1000, 4);
        DeviceBirth(1001, 1, ("speed", 7));
        Assert.Equal([null, "d1"], NodeDeath(4).Deaths.Select(d => d.Device));
        Assert.Empty(NodeDeath(4).Deaths);
    }

    [Fact]
    public void A_device_death_takes_only_the_device_down()
    {
        NodeBirth(1000, 4);
        DeviceBirth(1001, 1, ("speed", 7));
        Assert.Equal(["d1"], Send(SparkplugMessageType.DDeath, 1002, 2, _ => { }).Deaths.Select(d => d.Device));
        Assert.True(_session.Online);
        Assert.Equal("data after a death", Data(1003, 3, 7).Outcome.RebirthReason);
    }

    [Fact]
    public void A_restored_session_goes_on_without_a_rebirth()
    {
        NodeBirth(1000, 4);
        DeviceBirth(1001, 1, ("speed", 7));
        _session.Restore(online: true, lastSeq: 41, lastMs: 5000, new HashSet<string>());
        Assert.Null(Data(5001, seq: 42, alias: 7).Outcome.RebirthReason);
        Assert.NotNull(Data(5002, seq: 44, alias: 7).Outcome.RebirthReason);
    }

    [Fact]
    public void A_clock_that_went_back_is_followed_by_the_next_birth()
    {
        NodeBirth(9000, 4);
        NodeBirth(1000, 5);
        DeviceBirth(1001, 1, ("speed", 7));
        Assert.Equal("speed", Data(1002, 2, 7).Name);
        Assert.Null(Data(1003, 3, 7).Outcome.RebirthReason);
    }

    [Fact]
    public void Data_older_than_the_newest_birth_that_was_not_sent_before_is_refused_and_never_read_with_an_older_births_aliases()
    {
        NodeBirth(1000, 3);
        DeviceBirth(1001, 1, ("speed", 7), ("count", 8));
        NodeBirth(2000, 3);
        DeviceBirth(2001, 1, ("speed", 8), ("count", 7));
        // The node's clock steps back by half a second; it goes on with its new aliases.
        var (name, outcome) = Data(1500, 2, alias: 7);
        Assert.Null(name);
        Assert.Contains("clock went back", outcome.Refusal, StringComparison.Ordinal);
        Assert.Contains("clock went back", outcome.RebirthReason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_redelivered_message_whose_number_happens_to_be_expected_moves_nothing()
    {
        NodeBirth(1000, 3);
        DeviceBirth(1001, 1, ("speed", 7));
        for (var i = 2; i < 20; i++) Data(1000UL + (ulong)i, (byte)i, 7);
        Assert.Equal(19, _session.LastSeq);
        // One round of 256 earlier, seq 20 was sent as well; the broker sends that message again.
        var again = Data(1005, 20, 7, redelivered: true);
        Assert.True(again.Outcome.Redelivered);
        Assert.Equal(19, _session.LastSeq);
        Assert.Null(Data(1021, 20, 7).Outcome.RebirthReason);
    }

    [Fact]
    public void A_message_sent_again_that_was_never_seen_counts_as_new()
    {
        NodeBirth(1000, 3);
        DeviceBirth(1001, 1, ("speed", 7));
        Assert.False(Data(1002, 2, 7, redelivered: true).Outcome.Redelivered);
        Assert.Equal(2, _session.LastSeq);
    }

    [Fact]
    public void A_death_without_bdSeq_kills_no_node_that_was_born_with_one()
    {
        NodeBirth(1000, 4);
        var outcome = Send(SparkplugMessageType.NDeath, 0, null, _ => { });
        Assert.Contains("none", outcome.Ignored, StringComparison.Ordinal);
        Assert.True(_session.Online);
    }

    [Theory]
    [InlineData(256UL)]
    [InlineData(300UL)]
    [InlineData(ulong.MaxValue)]
    public void A_sequence_number_beyond_255_is_no_message(ulong seq)
    {
        NodeBirth(1000, 4);
        // timestamp 1001 and the seq, by hand: our writer takes a byte.
        byte[] payload = [0x08, 0xE9, 0x07, 0x18, .. Varint(seq)];
        Assert.Throws<SparkplugFormatException>(() =>
        {
            var reader = new SparkplugPayloadReader(payload);
            _session.Accept(new SparkplugTopic(SparkplugMessageType.NData, "g", "n", null), ref reader);
        });
    }

    [Fact]
    public void An_old_birth_that_comes_again_after_it_was_forgotten_shadows_nothing()
    {
        NodeBirth(1000, 0);
        for (var i = 1; i <= HostNodeSession.KeptGenerations + 1; i++) NodeBirth(1000UL + (ulong)(i * 1000), i);
        var writer = new SparkplugPayloadWriter().Begin(1000, 0);
        writer.Integer(new MetricHead("bdSeq", null, 1000, SparkplugDataType.Int64), 0);
        var reader = new SparkplugPayloadReader(writer.Written.Span);
        var outcome = _session.Accept(new SparkplugTopic(SparkplugMessageType.NBirth, "g", "n", null), ref reader, redelivered: true);
        Assert.NotNull(outcome.Ignored);
        Assert.Equal((ulong)(HostNodeSession.KeptGenerations + 1), _session.Current!.BdSeq);
    }

    [Fact]
    public void A_device_that_is_born_anew_after_a_clock_step_is_read_with_its_new_aliases()
    {
        NodeBirth(1000, 4);
        DeviceBirth(3000, 1, ("speed", 7), ("count", 8));
        DeviceBirth(2600, 2, ("speed", 8), ("count", 7));
        Assert.Equal("speed", Data(2601, 3, alias: 8).Name);
    }

    [Fact]
    public void Only_births_give_aliases()
    {
        NodeBirth(1000, 4);
        DeviceBirth(1001, 1, ("speed", 7));
        // Of a device that was never born, and of a metric of the one that was.
        foreach (var (device, seq) in new[] { ("ghost", (byte)2), ("d1", (byte)3) })
        {
            var writer = new SparkplugPayloadWriter().Begin(1001UL + seq, seq);
            writer.Double(new MetricHead("weight", 7, 1001UL + seq, SparkplugDataType.Double), 2);
            var reader = new SparkplugPayloadReader(writer.Written.Span);
            var outcome = _session.Accept(new SparkplugTopic(SparkplugMessageType.DData, "g", "n", device), ref reader);
            Assert.True(reader.TryReadMetric(out var metric));
            Assert.Equal("weight", HostNodeSession.Resolve(outcome, metric)!.Name);
        }

        Assert.Equal("speed", Data(1005, 4, alias: 7).Name);
    }

    [Fact]
    public void A_device_that_was_never_born_has_no_share_in_what_its_node_may_have()
    {
        NodeBirth(1000, 4);
        DeviceBirth(1001, 1, ("speed", 7));
        const int Part = (SparkplugLimits.MaxMetricsPerNode / 4) + 1;
        for (byte seq = 2; seq < 6; seq++)
        {
            var writer = new SparkplugPayloadWriter().Begin(1000UL + seq, seq);
            for (var i = 0; i < Part; i++)
            {
                writer.Double(new MetricHead($"m{(seq * Part) + i}", null, 1000UL + seq, SparkplugDataType.Double), 2);
            }

            var reader = new SparkplugPayloadReader(writer.Written.Span);
            var outcome = _session.Accept(new SparkplugTopic(SparkplugMessageType.DData, "g", "n", "ghost"), ref reader);
            while (reader.TryReadMetric(out var metric)) Assert.Null(HostNodeSession.Resolve(outcome, metric)!.Refusal);
        }

        DeviceBirth(1007, 6, ("speed", 7), ("count", 8));
        Assert.Equal("count", Data(1008, 7, alias: 8).Name);
    }

    [Fact]
    public void The_newest_birth_that_comes_again_leaves_the_sequence_as_it_is()
    {
        NodeBirth(1000, 4);
        DeviceBirth(1001, 1, ("speed", 7));
        Data(1002, 2, alias: 7);
        NodeBirth(1000, 4, redelivered: true);
        var (name, outcome) = Data(1003, 3, alias: 7);
        Assert.Equal(("speed", 0, null), (name, outcome.MissedMessages, outcome.RebirthReason));
    }

    [Fact]
    public void What_the_broker_sends_again_of_the_time_before_a_clock_step_is_refused_and_moves_nothing()
    {
        NodeBirth(1000, 4);
        DeviceBirth(1001, 1, ("speed", 7), ("count", 8));
        Data(1100, 2, alias: 7);
        NodeBirth(500, 5);
        DeviceBirth(501, 1, ("speed", 8), ("count", 7));
        var (_, outcome) = Data(1100, 2, alias: 7, redelivered: true);
        Assert.NotNull(outcome.Refusal);
        Assert.Equal((1, 501UL), (_session.LastSeq, _session.LastMs));
    }

    [Fact]
    public void Of_more_devices_than_a_node_may_have_the_last_ones_are_refused()
    {
        NodeBirth(1000, 4);
        for (var i = 0; i < SparkplugLimits.MaxDevicesPerNode; i++) Assert.Null(Birth($"d{i}").Refusal);
        Assert.NotNull(Birth("one-more").Refusal);
        Assert.Null(Birth("d7").Refusal);

        SessionOutcome Birth(string device)
        {
            var writer = new SparkplugPayloadWriter().Begin(1001, null);
            var reader = new SparkplugPayloadReader(writer.Written.Span);
            return _session.Accept(new SparkplugTopic(SparkplugMessageType.DBirth, "g", "n", device), ref reader);
        }
    }

    [Fact]
    public void A_metric_whose_name_is_too_long_is_refused_and_its_neighbours_are_not()
    {
        NodeBirth(1000, 4);
        var outcome = DeviceBirth(1001, 1, (new string('x', 6_000), 7), ("count", 8));
        Assert.Null(outcome.Refusal);
        var (refused, taken) = (_session.Current!.FindAlias(7)!, _session.Current.FindAlias(8)!);
        Assert.Contains("6000 bytes", refused.Refusal, StringComparison.Ordinal);
        Assert.Equal((null, "count"), (taken.Refusal, taken.Name));
        Assert.Equal("", refused.Name);
    }

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value > 0x7F; value >>= 7) bytes.Add((byte)(value | 0x80));
        return [.. bytes, (byte)value];
    }

    private SessionOutcome NodeBirth(ulong ms, long bdSeq, bool redelivered = false) => Send(
        SparkplugMessageType.NBirth, ms, 0, w => w.Integer(new MetricHead("bdSeq", null, ms, SparkplugDataType.Int64), bdSeq), redelivered);

    private SessionOutcome DeviceBirth(ulong ms, byte seq, params (string Name, ulong Alias)[] metrics) =>
        Send(SparkplugMessageType.DBirth, ms, seq, w =>
    {
        foreach (var (name, alias) in metrics) w.Double(new MetricHead(name, alias, ms, SparkplugDataType.Double), 1);
    });

    private SessionOutcome NodeDeath(long bdSeq) => Send(SparkplugMessageType.NDeath, 0, null, w =>
        w.Integer(new MetricHead("bdSeq", null, 0, SparkplugDataType.Int64), bdSeq));

    private (string? Name, SessionOutcome Outcome) Data(ulong ms, byte seq, ulong alias, bool redelivered = false)
    {
        var writer = new SparkplugPayloadWriter().Begin(ms, seq);
        writer.Double(new MetricHead(null, alias, ms, SparkplugDataType.Unknown), 2);
        var reader = new SparkplugPayloadReader(writer.Written.Span);
        var outcome = _session.Accept(new SparkplugTopic(SparkplugMessageType.DData, "g", "n", "d1"), ref reader, redelivered);
        Assert.True(reader.TryReadMetric(out var metric));
        if (outcome.Refusal is not null) return (null, outcome);
        return (HostNodeSession.Resolve(outcome, metric)?.Name, outcome);
    }

    private SessionOutcome Send(
        SparkplugMessageType type, ulong ms, byte? seq, Action<SparkplugPayloadWriter> metrics, bool redelivered = false)
    {
        var writer = type == SparkplugMessageType.NDeath
            ? new SparkplugPayloadWriter().BeginWill()
            : new SparkplugPayloadWriter().Begin(ms, seq);
        metrics(writer);
        var device = type is SparkplugMessageType.DBirth or SparkplugMessageType.DDeath ? "d1" : null;
        var reader = new SparkplugPayloadReader(writer.Written.Span);
        return _session.Accept(new SparkplugTopic(type, "g", "n", device), ref reader, redelivered);
    }
}
