using System.Globalization;
using OeeOrleans.Model;

namespace OeeOrleans.Storage.Tests;

/// <summary>Rollups, trends from them, refused rows, retention, upgrades.</summary>
public abstract partial class StoreConformance
{
    private static readonly (string View, long WidthUs)[] Levels =
    [
        ("sample_1m", UnixMicros.PerMinute), ("sample_5m", 5 * UnixMicros.PerMinute), ("sample_1h", UnixMicros.PerHour),
    ];

    /// <summary>Materializes the rollups up to an instant.</summary>
    protected virtual async Task RefreshAsync(long nowUs) =>
        Assert.NotNull(await Store.MaintainAsync(new Retention(), nowUs, CancellationToken.None));

    [Fact]
    public async Task A_row_the_database_refuses_is_a_dead_letter_and_all_others_are_stored()
    {
        var id = await SignalAsync("counter.good");
        await QueryAsync(RefuseValue666);
        var rows = Enumerable.Range(0, 500).Select(i => Row(id, i, i)).ToArray();
        rows[321] = Row(id, 321, 666);
        var refused = await Store.CommitAsync(
            [
                new TelemetryUnit { Rows = new[] { Row(id, 1000, 1) } },
                new TelemetryUnit { Rows = rows, EdgeNode = ("g/n", "after") },
                new TelemetryUnit { Rows = new[] { Row(id, 2000, 2), Row(id, 2001, 666) } },
            ],
            CancellationToken.None);

        // Whoever counted these rows must know that they are not there.
        Assert.Equal([(500, true), (2, true)], refused.Select(r => (((TelemetryUnit)r.Unit).Rows.Length, r.RowsOnly)));

        var stored = await ReadAsync();
        Assert.Equal(501, stored.Count);
        Assert.DoesNotContain(stored, s => s.Value == 666);
        Assert.Equal("after", (await Store.LoadEdgeNodeAsync("g/n", CancellationToken.None))!.State);
        var letters = await QueryAsync("select topic, reason, payload from dead_letter order by id");
        Assert.Equal(2, letters.Count);
        Assert.All(letters, l => Assert.Equal("sample m1/counter.good", l[0]));
        Assert.All(letters, l => Assert.Matches("refuse|beast", (string)l[1]!));
        using var payload = System.Text.Json.JsonDocument.Parse((byte[])letters[0][2]!);
        Assert.Equal(
            (666, UnixMicros.ToIso(T0 + 321)),
            (payload.RootElement.GetProperty("value").GetDouble(), payload.RootElement.GetProperty("ts").GetString()));
    }

    [Fact]
    public async Task Rollups_say_what_the_samples_say_before_and_after_they_are_materialized_and_after_late_data()
    {
        var random = new Random(7);
        var ids = await Store.ResolveSignalsAsync(
            "m1", [new("process.temperature", "Double", null), new("process.pressure", "Double", null)], inPlant: true,
            CancellationToken.None);
        var model = new Dictionary<(int, long), SampleRow>();
        SampleRow Random(long fromUs, long toUs)
        {
            var timeUs = random.NextInt64(fromUs, toUs);
            var number = random.Next(10) > 0;
            var quality = random.Next(20) == 0 ? Quality.Bad : Quality.Good;
            return new SampleRow(
                ids[random.Next(2)], timeUs, number ? Math.Round(random.NextDouble() * 100, 3) : double.NaN, number ? null : "text",
                quality, T0);
        }

        async Task AddAsync(long fromUs, long toUs, int count)
        {
            var rows = Enumerable.Range(0, count).Select(_ => Random(fromUs, toUs)).ToArray();
            foreach (var row in rows) model[(row.SignalId, row.TimeUs)] = row;
            await CommitAsync(rows);
        }

        await AddAsync(T0, T0 + (3 * UnixMicros.PerHour), 3000);
        await AssertRollupsAsync(model);
        await RefreshAsync(T0 + (2 * UnixMicros.PerHour) + (17 * UnixMicros.PerMinute));
        await AssertRollupsAsync(model);

        // Late: into materialized minutes, into a minute that had nothing, long before everything; one value changes, a bad one goes.
        await AddAsync(T0 + UnixMicros.PerMinute, T0 + UnixMicros.PerHour, 200);
        await AddAsync(T0 - (50 * UnixMicros.PerHour), T0 - (49 * UnixMicros.PerHour), 20);
        var changed = model.Values.First(r => r.TimeUs > T0 && r.Quality == Quality.Good) with { Value = 1e6, Text = null };
        model[(changed.SignalId, changed.TimeUs)] = changed;
        var gone = model.Values.First(r => r.TimeUs > T0 && r.Quality == Quality.Bad);
        model.Remove((gone.SignalId, gone.TimeUs));
        await Store.CommitAsync(
            [new TelemetryUnit { Rows = new[] { changed }, RemovedRows = [new RowKey(gone.SignalId, gone.TimeUs)] }],
            CancellationToken.None);
        await RefreshAsync(T0 + (2 * UnixMicros.PerHour) + (40 * UnixMicros.PerMinute));
        await AssertRollupsAsync(model);
        await AddAsync(T0 + (150 * UnixMicros.PerMinute), T0 + (4 * UnixMicros.PerHour), 500);
        await RefreshAsync(T0 + (10 * UnixMicros.PerHour));
        await AssertRollupsAsync(model);
    }

    [Fact]
    public async Task A_trend_from_rollups_has_the_figures_of_the_samples()
    {
        var id = await SignalAsync("process.temperature");
        var fromUs = T0 + 1_234_567;
        var toUs = fromUs + UnixMicros.PerDay;
        var rows = Enumerable.Range(-100, 8840)
            .Select(i => new SampleRow(id, T0 + (i * 10 * UnixMicros.PerSecond), Math.Sin(i / 100.0) * 50, null, Quality.Good, T0))
            .ToArray();
        await CommitAsync(rows);
        await RefreshAsync(T0 + (20 * UnixMicros.PerHour));
        foreach (var points in new[] { 10, 100, 1000 })
        {
            var trend = await Store.ReadTrendAsync("m1", "process.temperature", fromUs, toUs, points, CancellationToken.None);
            Assert.False(trend!.Raw);
            Assert.InRange(trend.Items.Count, points / 3, points);
            for (var i = 0; i < trend.Items.Count; i++)
            {
                var end = i + 1 < trend.Items.Count ? trend.Items[i + 1].TimeUs : toUs;
                var of = rows.Where(r => r.TimeUs >= trend.Items[i].TimeUs && r.TimeUs < end).ToList();
                Assert.Equal(of.Count, trend.Items[i].Count);
                Assert.Equal(
                    (of.Min(r => r.Value), of.Max(r => r.Value), of[0].Value, of[^1].Value),
                    (trend.Items[i].Min, trend.Items[i].Max, trend.Items[i].First, trend.Items[i].Last));
                Assert.Equal(of.Average(r => r.Value), trend.Items[i].Avg!.Value, 1e-9);
            }
        }

        Assert.True((await Store.ReadTrendAsync("m1", "process.temperature", fromUs, toUs, 10_000, CancellationToken.None))!.Raw);
    }

    [Fact]
    public async Task A_trend_of_texts_comes_from_the_samples()
    {
        var id = await SignalAsync("order.id");
        await CommitAsync(
            [
                .. Enumerable.Range(0, 300).Select(
                    i => new SampleRow(id, T0 + (i * UnixMicros.PerMinute), double.NaN, $"order {i / 100}", Quality.Good, T0)),
            ]);
        var trend = await Store.ReadTrendAsync("m1", "order.id", T0, T0 + (300 * UnixMicros.PerMinute), 3, CancellationToken.None);
        Assert.Equal(["order 0", "order 1", "order 2"], trend!.Items.Select(i => i.Text));
    }

    [Fact]
    public async Task A_database_of_a_later_release_is_refused()
    {
        await QueryAsync($"insert into schemaversions(scriptname, applied) values ('postgres/9999_later.sql', '2030-01-01')");
        var error = await Assert.ThrowsAsync<SchemaException>(() => Store.MigrateAsync(CancellationToken.None));
        Assert.Contains("9999_later", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_an_earlier_release_stored_is_there_after_the_migration()
    {
        var old = await OpenAsync();
        var engine = this is SqliteConformance ? "sqlite" : "postgres";
        await QueryAsync(this is SqliteConformance
            ? "create table SchemaVersions (SchemaVersionID integer primary key autoincrement, ScriptName text not null, Applied "
                + "datetime not null)"
            : "create table schemaversions (schemaversionsid serial primary key, scriptname varchar(255) not null, applied timestamp "
                + "not null)");
        foreach (var script in new[] { "0001_core.sql", "0002_reasons_models.sql" })
        {
            await QueryAsync(await File.ReadAllTextAsync(Path.Combine(TestServers.Repository.Root, "sql", engine, script)));
            await QueryAsync($"insert into schemaversions(scriptname, applied) values ('{engine}/{script}', '2026-01-01')");
        }

        var (time, json) = engine == "sqlite" ? ("1767600000000000", "'{}'") : ("'2026-01-05 08:00:00+00'", "'{}'::jsonb");
        await QueryAsync($"insert into signal(machine_id, name, datatype) values ('m1', 'counter.good', 'Double')");
        await QueryAsync($"insert into sample(signal_id, ts, value, quality, ingest_ts) values (1, {time}, 7, 192, {time})");
        await QueryAsync(
            $"insert into events(id, machine_id, type, code, ts_start, ts_end, payload, shelved_until) values ('m1-stop', 'm1', 'stop', "
                + $"'jam', {time}, {time}, {json}, {time})");
        await old.MigrateAsync(CancellationToken.None);
        Assert.Equal(7, Assert.Single(await old.ReadMachineAsync("m1", 0, long.MaxValue / 4, CancellationToken.None)).Value);
        Assert.Equal(["m1-stop", "jam"], (await QueryAsync("select id, code from events where shelved_until is not null"))[0]);
        Assert.Equal(
            1L,
            Convert.ToInt64(
                (await QueryAsync("select count(*) from telemetry_1h where machine_id = 'm1' and avg = 7"))[0][0],
                CultureInfo.InvariantCulture));
        await old.DisposeAsync();
    }

    [Fact]
    public async Task What_was_rolled_up_outlives_its_samples()
    {
        var id = await SignalAsync("process.temperature");
        var nowUs = T0 + (300 * UnixMicros.PerDay);
        await CommitAsync([Row(id, 0, 3), Row(id, 1_000_000, 5)]);
        await CommitAsync([new SampleRow(id, nowUs - UnixMicros.PerHour, 1, null, Quality.Good, nowUs)]);
        await RefreshAsync(nowUs);
        await RetainAsync(new Retention { Samples = 128 }, nowUs);
        Assert.Equal(nowUs - UnixMicros.PerHour, Assert.Single(await ReadTelemetryAsync("process.temperature")));
        // A row older than what is kept is stored until the next round, and spoils nothing.
        await CommitAsync([Row(id, 2_000_000, 100)]);
        await RetainAsync(new Retention { Samples = 128 }, nowUs);
        Assert.Equal([4d, 1d], (await QueryAsync("select avg from telemetry_1h order by bucket")).Select(r => (double)r[0]!));
    }

    /// <summary>Has retention done what it was told.</summary>
    protected virtual Task RetainAsync(Retention retention, long nowUs) => Store.MaintainAsync(retention, nowUs, CancellationToken.None);

    private async Task<List<long>> ReadTelemetryAsync(string name) =>
        [
            .. (await Store.ReadTrendAsync("m1", name, 0, T0 + (400 * UnixMicros.PerDay), 10_000, CancellationToken.None))!.Items
                .Where(i => i.Count == 1)
                .Select(
                i => i.TimeUs),
        ];

    private async Task AssertRollupsAsync(Dictionary<(int, long), SampleRow> model)
    {
        foreach (var (view, width) in Levels)
        {
            var expected = model.Values.GroupBy(r => (r.SignalId, Bucket: r.TimeUs - (r.TimeUs % width))).OrderBy(g => g.Key).Select(g =>
            {
                var all = g.OrderBy(r => r.TimeUs).ToList();
                var good = all.Where(r => r.Quality >= Quality.Uncertain && !double.IsNaN(r.Value)).Select(r => r.Value).ToList();
                double? Of(Func<List<double>, double> what) => good.Count == 0 ? null : what(good);
                return Line(
                    g.Key.SignalId, g.Key.Bucket, Of(v => v.Min()), Of(v => v.Max()), Of(v => v.Sum()), good.Count, Of(v => v[0]),
                    Of(v => v[^1]), all.Count, all.Min(r => r.Quality));
            }).ToList();
            var rows = await QueryAsync(
                $"select signal_id, bucket, min, max, sum, n, first, last, count, quality from {view} order by signal_id, bucket");
            Assert.Equal(expected, rows.Select(r => Line(
                Convert.ToInt32(r[0], CultureInfo.InvariantCulture),
                r[1] is DateTime t ? (long)(t.ToUniversalTime() - DateTime.UnixEpoch).TotalMicroseconds : (long)r[1]!,
                (double?)r[2],
                (double?)r[3],
                (double?)r[4],
                Convert.ToInt32(r[5], CultureInfo.InvariantCulture),
                (double?)r[6],
                (double?)r[7],
                Convert.ToInt32(r[8], CultureInfo.InvariantCulture),
                Convert.ToInt16(r[9], CultureInfo.InvariantCulture)))
                    .ToList());
        }
    }

    /// <summary>Sums may be added in another order.</summary>
    private static string Line(
        int signal, long bucket, double? min, double? max, double? sum, int n, double? first, double? last, int count, short quality) =>
        string.Create(
        CultureInfo.InvariantCulture,
        $"{signal} {UnixMicros.ToIso(bucket)} min {min} max {max} sum {sum:0.000} n {n} first {first} last {last} count {count} q "
            + $"{quality}");
}
