using System.Data.Common;
using OeeOrleans.Model;

namespace OeeOrleans.Storage.Sql;

/// <summary>A row of `oee_window`, both ways.</summary>
internal sealed class WindowRow
{
    public const string SelectColumns =
        """
        machine_id as Machine, kind as Kind, name as Name, oee_us(ts_from) as FromUs, oee_us(ts_to) as ToUs, revision as Revision,
          oee_us(as_of) as AsOfUs,
        not_scheduled_s as NotScheduledS, planned_stop_s as PlannedStopS, unknown_s as UnknownS, run_s as RunS, stop_s as StopS,
          small_stop_s as SmallStopS,
        fault_stop_s as FaultStopS, good as Good, reject as Reject, total as Total, gap_good as GapGood, gap_total as GapTotal,
        cast(ideal_total_s as double precision) as IdealTotalS, cast(ideal_good_s as double precision) as IdealGoodS,
          no_ideal_total as NoIdealTotal,
        failures_started as FailuresStarted, failures_ended as FailuresEnded, repair_s as RepairS, counter_jumps as CounterJumps,
          planned_s as PlannedS,
        availability as Availability, performance as Performance, quality as Quality, oee as Oee, teep as Teep,
          completeness as Completeness,
        rate_per_hour as RatePerHour, mttr_s as MttrS, mtbf_s as MtbfS, withdrawn as Withdrawn
        """;

    public static readonly (string Name, string Type)[] Columns =
    [
        (
            "Machine", "text"), (
                "Kind", "text"), ("Name", "text"), ("FromUs", "bigint"), ("ToUs", "bigint"), ("Revision", "integer"), ("AsOfUs", "bigint"),
        (
            "NotScheduledS", "double precision"), (
                "PlannedStopS", "double precision"), ("UnknownS", "double precision"), ("RunS", "double precision"),
        (
            "StopS", "double precision"), (
                "SmallStopS", "double precision"), ("FaultStopS", "double precision"), ("Good", "bigint"), ("Reject", "bigint"),
        (
            "Total", "bigint"), (
                "GapGood", "bigint"), ("GapTotal", "bigint"), ("IdealTotalS", "double precision"), ("IdealGoodS", "double precision"),
        (
            "NoIdealTotal", "bigint"), (
                "FailuresStarted", "integer"), ("FailuresEnded", "integer"), ("RepairS", "double precision"), ("CounterJumps", "integer"),
        (
            "PlannedS", "double precision"), (
                "Availability", "double precision"), ("Performance", "double precision"), ("Quality", "double precision"),
        (
            "Oee", "double precision"), (
                "Teep", "double precision"), ("Completeness", "double precision"), ("RatePerHour", "double precision"),
        ("MttrS", "double precision"), ("MtbfS", "double precision"), ("Withdrawn", "boolean"),
    ];

    /// <param name="rows">The row source.</param>
    public static string Upsert(string rows) =>
        $"""
        insert into oee_window(machine_id, kind, name, ts_from, ts_to, revision, as_of, not_scheduled_s, planned_stop_s, unknown_s, run_s,
          stop_s, small_stop_s, fault_stop_s,
          good, reject, total, gap_good, gap_total, ideal_total_s, ideal_good_s, no_ideal_total, failures_started, failures_ended,
            repair_s, counter_jumps, planned_s,
          availability, performance, quality, oee, teep, completeness, rate_per_hour, mttr_s, mtbf_s, withdrawn)
        select "Machine", "Kind", "Name", oee_ts("FromUs"), oee_ts("ToUs"), "Revision", oee_ts("AsOfUs"), "NotScheduledS", "PlannedStopS",
          "UnknownS", "RunS",
          "StopS", "SmallStopS", "FaultStopS", "Good", "Reject", "Total", "GapGood", "GapTotal", "IdealTotalS", "IdealGoodS",
            "NoIdealTotal", "FailuresStarted",
          "FailuresEnded", "RepairS", "CounterJumps", "PlannedS", "Availability", "Performance", "Quality", "Oee", "Teep", "Completeness",
            "RatePerHour",
          "MttrS", "MtbfS", "Withdrawn"
        from {rows}
        on conflict (machine_id, kind, ts_from, revision) do update set name = excluded.name, ts_to = excluded.ts_to,
          as_of = excluded.as_of,
          not_scheduled_s = excluded.not_scheduled_s, planned_stop_s = excluded.planned_stop_s, unknown_s = excluded.unknown_s,
            run_s = excluded.run_s, stop_s = excluded.stop_s,
          small_stop_s = excluded.small_stop_s, fault_stop_s = excluded.fault_stop_s, good = excluded.good, reject = excluded.reject,
            total = excluded.total,
          gap_good = excluded.gap_good, gap_total = excluded.gap_total, ideal_total_s = excluded.ideal_total_s,
            ideal_good_s = excluded.ideal_good_s,
          no_ideal_total = excluded.no_ideal_total, failures_started = excluded.failures_started,
            failures_ended = excluded.failures_ended, repair_s = excluded.repair_s,
          counter_jumps = excluded.counter_jumps, planned_s = excluded.planned_s, availability = excluded.availability,
            performance = excluded.performance,
          quality = excluded.quality, oee = excluded.oee, teep = excluded.teep, completeness = excluded.completeness,
            rate_per_hour = excluded.rate_per_hour,
          mttr_s = excluded.mttr_s, mtbf_s = excluded.mtbf_s, withdrawn = excluded.withdrawn
        """;

    public string Machine { get; set; } = "";
    public string Kind { get; set; } = "";
    public string Name { get; set; } = "";
    public long FromUs { get; set; }
    public long ToUs { get; set; }
    public int Revision { get; set; }
    public long AsOfUs { get; set; }
    public double NotScheduledS { get; set; }
    public double PlannedStopS { get; set; }
    public double UnknownS { get; set; }
    public double RunS { get; set; }
    public double StopS { get; set; }
    public double SmallStopS { get; set; }
    public double FaultStopS { get; set; }
    public long Good { get; set; }
    public long Reject { get; set; }
    public long Total { get; set; }
    public long GapGood { get; set; }
    public long GapTotal { get; set; }
    public double IdealTotalS { get; set; }
    public double IdealGoodS { get; set; }
    public long NoIdealTotal { get; set; }
    public int FailuresStarted { get; set; }
    public int FailuresEnded { get; set; }
    public double RepairS { get; set; }
    public int CounterJumps { get; set; }
    public double PlannedS { get; set; }
    public double? Availability { get; set; }
    public double? Performance { get; set; }
    public double? Quality { get; set; }
    public double? Oee { get; set; }
    public double? Teep { get; set; }
    public double? Completeness { get; set; }
    public double? RatePerHour { get; set; }
    public double? MttrS { get; set; }
    public double? MtbfS { get; set; }
    public bool Withdrawn { get; set; }

    public static WindowRow Of(OeeWindow w) => new()
    {
        Machine = w.Id,
        Kind = w.Kind,
        Name = w.Name,
        FromUs = w.FromUs,
        ToUs = w.ToUs,
        Revision = w.Revision,
        AsOfUs = w.AsOfUs,
        NotScheduledS = S(w.Sums.NotScheduledUs),
        PlannedStopS = S(w.Sums.PlannedStopUs),
        UnknownS = S(w.Sums.UnknownUs),
        RunS = S(w.Sums.RunUs),
        StopS = S(w.Sums.StopUs),
        SmallStopS = S(w.Sums.SmallStopUs),
        FaultStopS = S(w.Sums.FaultStopUs),
        Good = w.Sums.Good,
        Reject = w.Sums.Reject,
        Total = w.Sums.Total,
        GapGood = w.Sums.GapGood,
        GapTotal = w.Sums.GapTotal,
        IdealTotalS = (double)w.Sums.IdealTotalS,
        IdealGoodS = (double)w.Sums.IdealGoodS,
        NoIdealTotal = w.Sums.NoIdealTotal,
        FailuresStarted = w.Sums.FailuresStarted,
        FailuresEnded = w.Sums.FailuresEnded,
        RepairS = S(w.Sums.RepairUs),
        CounterJumps = w.Sums.CounterJumps,
        PlannedS = w.Kpis.PlannedS,
        Availability = w.Kpis.Availability,
        Performance = w.Kpis.Performance,
        Quality = w.Kpis.Quality,
        Oee = w.Kpis.Oee,
        Teep = w.Kpis.Teep,
        Completeness = w.Kpis.Completeness,
        RatePerHour = w.Kpis.RatePerHour,
        MttrS = w.Kpis.MttrS,
        MtbfS = w.Kpis.MtbfS,
        Withdrawn = w.Withdrawn,
    };

    /// <summary>A window from the columns of <see cref="SelectColumns"/>, which begin at an ordinal.</summary>
    public static OeeWindow Of(DbDataReader row, int at)
    {
        static double? Ratio(DbDataReader row, int ordinal) => row.IsDBNull(ordinal) ? null : row.GetDouble(ordinal);
        return new WindowRow
        {
            Machine = row.GetString(at),
            Kind = row.GetString(at + 1),
            Name = row.GetString(at + 2),
            FromUs = row.GetInt64(at + 3),
            ToUs = row.GetInt64(at + 4),
            Revision = row.GetInt32(at + 5),
            AsOfUs = row.GetInt64(at + 6),
            NotScheduledS = row.GetDouble(at + 7),
            PlannedStopS = row.GetDouble(at + 8),
            UnknownS = row.GetDouble(at + 9),
            RunS = row.GetDouble(at + 10),
            StopS = row.GetDouble(at + 11),
            SmallStopS = row.GetDouble(at + 12),
            FaultStopS = row.GetDouble(at + 13),
            Good = row.GetInt64(at + 14),
            Reject = row.GetInt64(at + 15),
            Total = row.GetInt64(at + 16),
            GapGood = row.GetInt64(at + 17),
            GapTotal = row.GetInt64(at + 18),
            IdealTotalS = row.GetDouble(at + 19),
            IdealGoodS = row.GetDouble(at + 20),
            NoIdealTotal = row.GetInt64(at + 21),
            FailuresStarted = row.GetInt32(at + 22),
            FailuresEnded = row.GetInt32(at + 23),
            RepairS = row.GetDouble(at + 24),
            CounterJumps = row.GetInt32(at + 25),
            PlannedS = row.GetDouble(at + 26),
            Availability = Ratio(row, at + 27),
            Performance = Ratio(row, at + 28),
            Quality = Ratio(row, at + 29),
            Oee = Ratio(row, at + 30),
            Teep = Ratio(row, at + 31),
            Completeness = Ratio(row, at + 32),
            RatePerHour = Ratio(row, at + 33),
            MttrS = Ratio(row, at + 34),
            MtbfS = Ratio(row, at + 35),
            Withdrawn = row.GetBoolean(at + 36),
        }.ToWindow();
    }

    public OeeWindow ToWindow() => new()
    {
        Id = Machine, Kind = Kind, Name = Name, FromUs = FromUs, ToUs = ToUs, AsOfUs = AsOfUs, Revision = Revision, Withdrawn = Withdrawn,
        Sums = new OeeSums
        {
            NotScheduledUs = Us(NotScheduledS),
            PlannedStopUs = Us(PlannedStopS),
            UnknownUs = Us(UnknownS),
            RunUs = Us(RunS),
            StopUs = Us(StopS),
            SmallStopUs = Us(SmallStopS),
            FaultStopUs = Us(FaultStopS),
            Good = Good,
            Reject = Reject,
            Total = Total,
            GapGood = GapGood,
            GapTotal = GapTotal,
            IdealTotalS = (decimal)IdealTotalS,
            IdealGoodS = (decimal)IdealGoodS,
            NoIdealTotal = NoIdealTotal,
            FailuresStarted = FailuresStarted,
            FailuresEnded = FailuresEnded,
            RepairUs = Us(RepairS),
            CounterJumps = CounterJumps,
        },
        Kpis = new OeeKpis
        {
            PlannedS = PlannedS,
            Availability = Availability,
            Performance = Performance,
            Quality = Quality,
            Oee = Oee,
            Teep = Teep,
            Completeness = Completeness,
            RatePerHour = RatePerHour,
            MttrS = MttrS,
            MtbfS = MtbfS,
        },
    };

    private static double S(long micros) => UnixMicros.ToSeconds(micros);

    /// <summary>Exact for any window shorter than a century: a double holds microseconds up to 2^53.</summary>
    private static long Us(double seconds) => (long)Math.Round(seconds * 1e6);
}
