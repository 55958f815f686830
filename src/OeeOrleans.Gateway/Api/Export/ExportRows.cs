using System.Runtime.CompilerServices;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Api.Export;

/// <summary>What is exported, read from the store in pieces: each method fills the batch it is given, and hands it on whenever it is full
/// or a piece is read.</summary>
internal static class ExportRows
{
    private const long PieceUs = 7 * UnixMicros.PerDay;
    private const int FaultsAtOnce = 1_000;

    /// <summary>Texts may be long: fewer are read at a time.</summary>
    private const int TextsAtOnce = 500;

    private const int MachinesAtOnce = 100;

    public static readonly ExportColumn[] TelemetryColumns =
    [
        new("machine_id", ExportType.Text), new("name", ExportType.Text), new("ts", ExportType.Time), new("value", ExportType.Number),
        new("text_value", ExportType.Text), new("quality", ExportType.Integer), new("ingest_ts", ExportType.Time),
    ];

    public static readonly ExportColumn[] EventColumns =
    [
        new("id", ExportType.Text), new("machine_id", ExportType.Text), new("type", ExportType.Text), new("code", ExportType.Text),
        new("severity", ExportType.Integer), new("ts_start", ExportType.Time), new("ts_end", ExportType.Time),
        new("occurrences", ExportType.Integer), new("ack_by", ExportType.Text), new("ack_ts", ExportType.Time),
    ];

    public static readonly ExportColumn[] WindowColumns =
    [
        new("machine_id", ExportType.Text), new("kind", ExportType.Text), new("name", ExportType.Text), new("ts_from", ExportType.Time),
        new("ts_to", ExportType.Time), new("as_of", ExportType.Time), new("revision", ExportType.Integer), .. Figures("oee",
            "availability", "performance", "quality", "teep", "completeness", "rate_per_hour", "mttr_s", "mtbf_s", "planned_s",
            "not_scheduled_s", "planned_stop_s", "unknown_s", "run_s", "stop_s", "small_stop_s", "fault_stop_s"),
        .. Counts("good", "reject", "total", "gap_good", "gap_total"), .. Figures("ideal_total_s", "ideal_good_s"),
        .. Counts("no_ideal_total", "failures_started", "failures_ended"), .. Figures("repair_s"), .. Counts("counter_jumps"),
        new("flags", ExportType.Text),
    ];

    /// <summary>Signal by signal, each in order of time.</summary>
    public static async IAsyncEnumerable<ExportBatch> TelemetryAsync(
        IStore store, IReadOnlyList<string> machines, IReadOnlySet<string> names, long fromUs, long toUs,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var batch = new ExportBatch(TelemetryColumns);
        foreach (var signal in await store.ReadSignalsAsync(machines, cancellationToken))
        {
            if (names.Count > 0 && !names.Contains(signal.Name)) continue;
            for (var after = fromUs - 1; ;)
            {
                var room = Math.Min(ExportBatch.Capacity - batch.Count, HoldsNumbers(signal.DataType) ? int.MaxValue : TextsAtOnce);
                var rows = await store.ReadSignalSamplesAsync(signal.Id, after, toUs, room, cancellationToken);
                foreach (var row in rows)
                {
                    batch.Add(signal.Machine).Add(signal.Name).Add(row.TimeUs).Add(row.Value).Add(row.Text).Add((long)row.Quality)
                        .Add(row.IngestUs);
                }

                if (batch.IsFull)
                {
                    yield return batch;
                    batch.Clear();
                }

                if (rows.Count < room) break;
                after = rows[^1].TimeUs;
            }
        }

        yield return batch;
    }

    /// <summary>A hundred machines after the other, those in order of time.</summary>
    public static async IAsyncEnumerable<ExportBatch> WindowsAsync(
        IStore store, IReadOnlyList<string> machines, string kind, long fromUs, long toUs,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var batch = new ExportBatch(WindowColumns);
        foreach (var some in machines.Chunk(MachinesAtOnce))
        {
            for (var from = fromUs; from < toUs; from += PieceUs)
            {
                foreach (var window in await store.ReadWindowsAsync(some, kind, from, Math.Min(from + PieceUs, toUs), cancellationToken))
                {
                    Add(batch, KpiDocument.Of("machine", window));
                    if (!batch.IsFull) continue;
                    yield return batch;
                    batch.Clear();
                }
            }
        }

        yield return batch;
    }

    private static bool HoldsNumbers(string dataType) => dataType
        is "Boolean" or "Float" or "Double" or "Int8" or "Int16" or "Int32" or "UInt8" or "UInt16" or "UInt32";

    /// <summary>Faults and limits that were passed, newest first; then stops, machine by machine, in order of time.</summary>
    public static async IAsyncEnumerable<ExportBatch> EventsAsync(
        IStore store, IReadOnlyList<string> machines, long fromUs, long toUs, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var batch = new ExportBatch(EventColumns);
        (long, string)? after = null;
        while (await store.ReadFaultsAsync(machines, fromUs, toUs, FaultsAtOnce, after, cancellationToken) is { Count: > 0 } page)
        {
            foreach (var f in page)
            {
                batch.Add(f.Id).Add(f.Machine).Add(f.Type).Add(f.Code).Add((long)f.Severity).Add(f.StartUs).Add(f.EndUs)
                    .Add((long)f.Occurrences).Add(f.AckBy).Add(f.AckUs);
            }

            after = (page[^1].StartUs, page[^1].Id);
            if (batch.Count < ExportBatch.Capacity - FaultsAtOnce) continue;
            yield return batch;
            batch.Clear();
        }

        foreach (var machine in machines)
        {
            for (var from = fromUs; from < toUs; from += PieceUs)
            {
                foreach (var stop in await store.ReadStopsAsync(machine, from, Math.Min(from + PieceUs, toUs), cancellationToken))
                {
                    // One that reaches into the next piece was said with the one it began in, or with the first.
                    if (stop.StartUs < from && from > fromUs) continue;
                    batch.Add(stop.Id).Add(stop.Machine).Add("stop").Add(stop.Reason).Add(0L).Add(stop.StartUs).Add(stop.EndUs)
                        .Add(1L).Add((string?)null).Add((long?)null);
                    if (!batch.IsFull) continue;
                    yield return batch;
                    batch.Clear();
                }
            }
        }

        yield return batch;
    }

    private static IEnumerable<ExportColumn> Figures(params string[] names) => names.Select(n => new ExportColumn(n, ExportType.Number));

    private static IEnumerable<ExportColumn> Counts(params string[] names) => names.Select(n => new ExportColumn(n, ExportType.Integer));

    private static void Add(ExportBatch batch, KpiDocument w)
    {
        batch.Add(w.Id).Add(w.Window.Kind).Add(w.Window.Name).Add(UnixMicros.From(w.Window.From))
            .Add(w.Window.To is { } to ? UnixMicros.From(to) : (long?)null).Add(UnixMicros.From(w.Window.AsOf)).Add((long)w.Revision);
        foreach (var figure in new[]
        {
            w.Oee, w.Availability, w.Performance, w.Quality, w.Teep, w.Completeness, w.RatePerHour, w.MttrS, w.MtbfS, w.PlannedS,
            w.NotScheduledS, w.PlannedStopS, w.UnknownS, w.RunS, w.StopS, w.SmallStopS, w.FaultStopS,
        })
        {
            batch.Add(figure);
        }

        foreach (var count in new[] { w.Good, w.Reject, w.Total, w.GapGood, w.GapTotal }) batch.Add((long?)count);
        batch.Add((double?)w.IdealTotalS).Add((double?)w.IdealGoodS).Add((long?)w.NoIdealTotal).Add((long?)w.FailuresStarted)
            .Add((long?)w.FailuresEnded).Add((double?)w.RepairS).Add((long?)w.CounterJumps).Add(string.Join(' ', w.Flags));
    }
}
