using OeeOrleans.CommitProtocol;
using OeeOrleans.Grains.EdgeNodes;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Grains.Tests;

public sealed class EdgeNodeDecoderTests
{
    private readonly EdgeNodeDecoder _decoder = new("g/n");
    private readonly SparkplugPayloadWriter _writer = new();
    private readonly Dictionary<string, int> _ids = [];

    public EdgeNodeDecoderTests() => _decoder.Machines["d"] = new MachineTarget("m1", inPlant: true);

    [Fact]
    public void Values_become_rows_with_source_and_ingest_time()
    {
        Birth(1000, ("counter.good", 1, SparkplugDataType.UInt32));
        Data(2000, w => w.Integer(new MetricHead(null, 1, 1990, SparkplugDataType.Unknown), 42));
        var row = _decoder.Rows.Span[^1];
        Assert.Equal((1_990_000L, 42d, Quality.Good, 5_000_000L), (row.TimeUs, row.Value, row.Quality, row.IngestUs));
        Assert.Equal(42, _decoder.Machines["d"].Samples[^1].Value);
    }

    [Fact]
    public void Rows_in_the_hands_of_the_sink_are_not_written_over_by_later_deliveries()
    {
        Birth(1000, ("process.temperature", 1, SparkplugDataType.Double));
        // More than a node has room of its own for: borrowed, and borrowed again by the next.
        for (var ms = 0; ms < 1_000; ms++) Temperature(2000 + ms, 1);
        var held = _decoder.Rows;
        var before = held.ToArray();
        for (var delivery = 0; delivery < 3; delivery++)
        {
            _decoder.Begin(reuseRows: false);
            for (var ms = 0; ms < 1_000; ms++) Temperature(5000 + ms, 2);
        }

        Assert.True(before.AsSpan().SequenceEqual(held.Span));
        Assert.Equal(Enumerable.Repeat(2d, 1_000), _decoder.Rows.ToArray().Select(r => r.Value));
        void Temperature(int ms, double value) =>
            Data((ulong)ms, w => w.Double(new MetricHead(null, 1, (ulong)ms, SparkplugDataType.Double), value));
    }

    [Fact]
    public void Telemetry_is_stored_but_does_not_concern_the_machine()
    {
        Birth(1000, ("process.temperature", 1, SparkplugDataType.Double));
        Assert.NotEqual(0, _decoder.Rows.Length);
        Assert.Empty(_decoder.Machines["d"].Samples);
    }

    [Fact]
    public void A_null_is_bad_and_has_no_value()
    {
        Birth(1000, ("state.run", 1, SparkplugDataType.Boolean));
        Data(2000, w => w.Null(new MetricHead(null, 1, 2000, SparkplugDataType.Boolean)));
        var row = _decoder.Rows.Span[^1];
        Assert.Equal((Quality.Bad, true), (row.Quality, double.IsNaN(row.Value)));
    }

    [Fact]
    public void An_integer_beyond_double_keeps_its_digits_as_text()
    {
        Birth(1000, ("counter.good", 1, SparkplugDataType.Int64));
        Data(2000, w => w.Integer(new MetricHead(null, 1, 2000, SparkplugDataType.Int64), 9007199254740993));
        Assert.Equal("9007199254740993", _decoder.Rows.Span[^1].Text);
    }

    [Fact]
    public void A_death_makes_every_signal_bad_at_the_time_of_death_but_not_before_what_was_said()
    {
        Birth(1000, ("state.run", 1, SparkplugDataType.Boolean), ("process.temperature", 2, SparkplugDataType.Double));
        Data(9000, w => w.Boolean(new MetricHead(null, 1, 9000, SparkplugDataType.Boolean), true));
        _decoder.Begin(reuseRows: true);
        _decoder.EmitDeath(_decoder.Session.Current!.Find("d")!, ingestUs: 5_000_000);
        Assert.Equal(2, _decoder.Rows.Length);
        foreach (var row in _decoder.Rows.Span.ToArray()) Assert.Equal((9_000_001L, Quality.Bad), (row.TimeUs, row.Quality));
        Assert.False(_decoder.Machines["d"].Connected);
        Assert.Equal(SignalKind.StateRun, Assert.Single(_decoder.Machines["d"].Samples).Kind);
    }

    [Theory]
    [InlineData(2000UL, 2_000_001L)]
    // No such time, one that is still to come, or one before what the node said last: then it is when we heard of it.
    [InlineData(4_000_000_000_000UL, 5_000_000L)]
    [InlineData(6000UL, 5_000_000L)]
    [InlineData(900UL, 5_000_000L)]
    public void A_device_dies_when_its_node_says_so_though_the_message_waited_for_us(ulong sentMs, long deathUs)
    {
        Birth(1000, ("state.run", 1, SparkplugDataType.Boolean));
        _decoder.Begin(reuseRows: true);
        _decoder.EmitDeath(_decoder.Session.Current!.Find("d")!, ingestUs: 5_000_000, sentUs: (long)sentMs * 1000);
        Assert.Equal(deathUs, Assert.Single(_decoder.Rows.ToArray()).TimeUs);
    }

    [Fact]
    public void After_a_death_a_birth_with_old_times_makes_values_known_again_from_the_birth_on()
    {
        Birth(1000, ("state.run", 1, SparkplugDataType.Boolean));
        Assert.True(Death(5_000_000));
        _decoder.Begin(reuseRows: true);
        Send(SparkplugMessageType.NBirth, null, 8000, 0, w => w.Integer(new MetricHead("bdSeq", null, 8000, SparkplugDataType.Int64), 2));
        Send(
            SparkplugMessageType.DBirth, "d", 8000, 1,
            w => w.Boolean(new MetricHead("state.run", 1, 900, SparkplugDataType.Boolean), true));
        Assert.Equal(8_000_000, _decoder.Rows.Span[^1].TimeUs);
    }

    [Fact]
    public void A_will_that_is_heard_of_after_the_next_birth_was_sent_is_moved_before_that_birth()
    {
        Birth(1000, ("state.run", 1, SparkplugDataType.Boolean));
        Assert.True(Death(5_000_000));
        _decoder.Begin(reuseRows: true);
        // Sent at 3 s, heard of after the will that came at 5 s.
        Send(SparkplugMessageType.NBirth, null, 3000, 0, w => w.Integer(new MetricHead("bdSeq", null, 3000, SparkplugDataType.Int64), 2));
        Send(
            SparkplugMessageType.DBirth, "d", 3000, 1,
            w => w.Boolean(new MetricHead("state.run", 1, 3000, SparkplugDataType.Boolean), true));

        var id = _decoder.Machines["d"].Signals.Single().Key;
        Assert.Equal(5_000_000, Assert.Single(_decoder.Removed).TimeUs);
        Assert.Equal(
            [(2_999_999L, Quality.Bad), (3_000_000L, Quality.Good)],
            _decoder.Rows.ToArray().Where(r => r.SignalId == id).Select(r => (r.TimeUs, r.Quality)));
        Assert.Equal(
            [(5_000_000L, Quality.Retracted), (2_999_999L, Quality.Bad), (3_000_000L, Quality.Good)],
            _decoder.Machines["d"].Samples.Select(s => (s.TimeUs, s.Quality)));
    }

    [Fact]
    public void A_sample_from_the_far_future_is_stored_but_kept_out_of_the_live_account()
    {
        Birth(1000, ("state.run", 1, SparkplugDataType.Boolean));
        var before = _decoder.Machines["d"].Samples.Count;
        Data(2000, w => w.Boolean(new MetricHead(null, 1, 4_000_000_000_000, SparkplugDataType.Boolean), true));
        Assert.Equal(4_000_000_000_000_000, _decoder.Rows.Span[^1].TimeUs);
        Assert.Equal(before, _decoder.Machines["d"].Samples.Count);
    }

    [Fact]
    public void A_time_beyond_the_year_9999_is_refused_with_nothing_of_the_message_kept()
    {
        Birth(1000, ("state.run", 1, SparkplugDataType.Boolean), ("counter.good", 2, SparkplugDataType.UInt32));
        var rows = _decoder.Rows.Length;
        var samples = _decoder.Machines["d"].Samples.Count;
        Assert.Throws<SparkplugFormatException>(() => Data(2000, w =>
        {
            w.Boolean(new MetricHead(null, 1, 2000, SparkplugDataType.Boolean), true);
            w.Integer(new MetricHead(null, 2, ulong.MaxValue / 2, SparkplugDataType.UInt32), 1);
        }));
        Assert.Equal((rows, samples), (_decoder.Rows.Length, _decoder.Machines["d"].Samples.Count));
    }

    [Fact]
    public void An_alias_nobody_announced_is_told_and_the_known_ones_count()
    {
        Birth(1000, ("counter.good", 1, SparkplugDataType.UInt32));
        var rows = _decoder.Rows.Length;
        Assert.Throws<UnknownAliasException>(() => Data(2000, w =>
        {
            w.Integer(new MetricHead(null, 1, 2000, SparkplugDataType.UInt32), 5);
            w.Integer(new MetricHead(null, 99, 2000, SparkplugDataType.UInt32), 6);
        }));
        Assert.Equal(rows + 1, _decoder.Rows.Length);
    }

    [Fact]
    public void A_report_of_a_write_is_one_entry_of_the_audit_log_however_often_its_record_comes()
    {
        BirthOfReporter();
        Report(7, """{"id":"r1","device":"d","metric":"process.speed","old":3.5,"new":12.5,"ok":true,"error":null}""");
        var entry = Assert.Single(_decoder.Audit);
        Assert.Equal(("edge:g/n", "plc.write", "d/process.speed", "m1"), (entry.Actor, entry.Action, entry.Target, entry.Asset));
        Assert.Equal((2_000_000, "g/n:r1"), (entry.AtUs, entry.OnceKey));
        Assert.Contains("\"old\":3.5", entry.Detail, StringComparison.Ordinal);
        _decoder.Begin(reuseRows: true);
        Report(7, """{"id":"r1","device":"d","metric":"process.speed","old":3.5,"new":12.5,"ok":true,"error":null}""");
        Assert.Empty(_decoder.Audit);
        Report(8, """{"id":"r1","device":"d","metric":"process.speed","new":99,"ok":false,"error":"no"}""");
        Assert.Equal("plc.write_failed", Assert.Single(_decoder.Audit).Action);
    }

    [Theory]
    [InlineData("no JSON", "is no report")]
    [InlineData("""{"id":"r","metric":"x"}""", "is no report")]
    [InlineData("""{"id":"r","metric":"x","ok":"yes"}""", "is no report")]
    [InlineData("[]", "is no report")]
    [InlineData("""{"metric":"x","ok":true}""", "is no report")]
    [InlineData("""{"id":"","metric":"x","ok":true}""", "1 to 64 characters")]
    [InlineData(null, "may have 8000")]
    public void What_is_no_report_of_a_write_is_refused_with_a_reason(string? report, string reason)
    {
        BirthOfReporter();
        Report(7, report ?? new string('x', 8_001));
        Assert.Empty(_decoder.Audit);
        Assert.Contains(reason, _decoder.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Reports_without_end_are_refused_beyond_six_hundred_a_minute()
    {
        BirthOfReporter();
        for (var i = 1; i <= 600; i++) Report(i, """{"id":"r","metric":"x","ok":true}""");
        Assert.Equal((600, null), (_decoder.Audit.Count, _decoder.Refusal));
        Report(601, """{"id":"r","metric":"x","ok":true}""");
        Assert.Equal(600, _decoder.Audit.Count);
        Assert.Contains("within a minute", _decoder.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_birth_says_of_sources_is_known_until_the_next_and_is_found_in_a_stored_one()
    {
        var report = new SourcesReport(7, "0123", "berlin", null, null);
        Born(1, w => w.String(new MetricHead(SourcesReport.MetricName, null, 1000, SparkplugDataType.String), report.ToJson()));
        Assert.Equal(report, _decoder.State.Sources);
        // A state of an earlier release has none, but the birth does.
        Assert.Equal(report, EdgeNodeDecoder.SourcesIn(_decoder.Births.Single().Payload));
        Assert.Equal(report, NodeState.Parse(_decoder.State.ToJson(_decoder.Session)).Sources);
        Born(2, w => w.String(new MetricHead(SourcesReport.MetricName, null, 1000, SparkplugDataType.String), "{ no report"));
        Assert.Null(_decoder.State.Sources);
        Assert.Null(EdgeNodeDecoder.SourcesIn([1, 2, 3]));
        void Born(long bdSeq, Action<SparkplugPayloadWriter> more) => Send(SparkplugMessageType.NBirth, null, 1000 * (ulong)bdSeq, 0, w =>
        {
            w.Integer(new MetricHead("bdSeq", null, 1000, SparkplugDataType.Int64), bdSeq);
            more(w);
        });
    }

    private void BirthOfReporter()
    {
        Send(SparkplugMessageType.NBirth, null, 1000, 0, w =>
        {
            w.Integer(new MetricHead("bdSeq", null, 1000, SparkplugDataType.Int64), 1);
            w.String(new MetricHead(CommitMetrics.Queue, null, 1000, SparkplugDataType.String), "q");
            w.Integer(new MetricHead(CommitMetrics.First, null, 1000, SparkplugDataType.UInt64), 1);
        });
        Send(SparkplugMessageType.DBirth, "d", 1000, 1, w =>
        {
            w.Integer(new MetricHead(CommitMetrics.Record, 1UL << 40, 1000, SparkplugDataType.UInt64), 0);
            w.Null(new MetricHead(CommitMetrics.WriteReport, null, 1000, SparkplugDataType.String));
        });
    }

    private void Report(long record, string report) => Data(2000, w =>
    {
        w.String(new MetricHead(CommitMetrics.WriteReport, null, 2000, SparkplugDataType.String), report);
        w.Integer(new MetricHead(null, 1UL << 40, 2000, SparkplugDataType.UInt64), record);
    });

    private bool Death(long ingestUs)
    {
        _writer.BeginWill();
        _writer.Integer(new MetricHead("bdSeq", null, 0, SparkplugDataType.Int64), 1);
        var outcome = _decoder.Accept(
            new SparkplugTopic(SparkplugMessageType.NDeath, "g", "n", null), new BrokerMessage("t", _writer.Written.ToArray(), ingestUs),
            again: false);
        foreach (var table in outcome.Deaths) _decoder.EmitDeath(table, ingestUs);
        return outcome.Deaths.Count == 2;
    }

    private void Birth(ulong ms, params (string Name, ulong Alias, SparkplugDataType Type)[] metrics)
    {
        Send(SparkplugMessageType.NBirth, null, ms, 0, w => w.Integer(new MetricHead("bdSeq", null, ms, SparkplugDataType.Int64), 1));
        Send(SparkplugMessageType.DBirth, "d", ms, 1, w =>
        {
            foreach (var (name, alias, type) in metrics)
            {
                if (type == SparkplugDataType.Boolean) w.Boolean(new MetricHead(name, alias, ms, type), false);
                else if (type == SparkplugDataType.Double) w.Double(new MetricHead(name, alias, ms, type), 1);
                else w.Integer(new MetricHead(name, alias, ms, type), 1);
            }
        });
    }

    private void Data(ulong ms, Action<SparkplugPayloadWriter> metrics) => Send(SparkplugMessageType.DData, "d", ms, 2, metrics);

    private void Send(SparkplugMessageType type, string? device, ulong ms, byte seq, Action<SparkplugPayloadWriter> metrics)
    {
        _writer.Begin(ms, seq);
        metrics(_writer);
        var message = new BrokerMessage("t", _writer.Written.ToArray(), 5_000_000);
        var outcome = _decoder.Accept(new SparkplugTopic(type, "g", "n", device), message, again: false);
        var birth = type is SparkplugMessageType.NBirth or SparkplugMessageType.DBirth;
        if (_decoder.TryEmit(outcome, message, birth)) return;
        foreach (var metric in _decoder.Unbound)
        {
            var kind = CanonicalSignals.KindOf(metric.Name);
            if (!_ids.TryGetValue(metric.Name, out var id)) _ids[metric.Name] = id = _ids.Count + 1;
            metric.Binding = new SignalBinding(id, _decoder.Machines["d"], kind, 1, 0);
            _decoder.Machines["d"].Signals[id] = kind;
        }

        Assert.True(_decoder.TryEmit(outcome, message, birth));
    }
}
