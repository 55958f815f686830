using System.Globalization;
using OeeOrleans.Grains;
using OeeOrleans.Kpi;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Board.History;

/// <summary>A shift, day, week or month: where its planned time went.</summary>
/// <param name="Name">Of the shift; empty of the others.</param>
internal sealed record HistoryColumn(string Name, long FromUs, long ToUs, OeeSums Sums, OeeKpis Kpis, LossTree Losses, int Revision);

/// <summary>Stored windows as the columns of a history, and what they make together.</summary>
internal sealed class HistoryBook(IStore store, IGrainFactory grains)
{
    public const string Shift = "shift";
    public const string Day = "day";
    public const string Week = "week";
    public const string Month = "month";

    public static readonly string[] Kinds = [Shift, Day, Week, Month];

    /// <summary>Columns that begin in [from, to), in order of time.</summary>
    public async Task<List<HistoryColumn>> ReadAsync(
        BoardScope scope, string by, long fromUs, long toUs, TimeZoneInfo zone, CancellationToken cancellationToken)
    {
        var windows = await WindowsAsync(scope, by == Shift ? Shift : Day, fromUs, toUs, cancellationToken);
        var columns = windows.ConvertAll(w => new HistoryColumn(
            w.Name, w.FromUs, w.ToUs, w.Sums, w.Kpis, LossTree.Of(w.Sums, scope.UnknownIsStop), w.Revision));
        if (by is Shift or Day) return columns;
        return [.. columns.GroupBy(c => PeriodOf(c.FromUs, by, zone)).OrderBy(g => g.Key).Select(g => Together(scope, [.. g])!)];
    }

    /// <summary>Columns as one; null: there are none.</summary>
    public static HistoryColumn? Together(BoardScope scope, IReadOnlyList<HistoryColumn> columns)
    {
        if (columns.Count == 0) return null;
        var sums = columns.Aggregate(default(OeeSums), (sum, c) => sum + c.Sums);
        // What made nothing says nothing of its ideal cycle.
        var idealKnown = columns.All(c => c.Kpis.Performance is not null || c.Sums.Total == 0);
        return new HistoryColumn(
            "", columns[0].FromUs, columns[^1].ToUs, sums, scope.Figures(sums, idealKnown), LossTree.Of(sums, scope.UnknownIsStop),
            columns.Max(c => c.Revision));
    }

    private async Task<List<OeeWindow>> WindowsAsync(
        BoardScope scope, string kind, long fromUs, long toUs, CancellationToken cancellationToken)
    {
        if (scope.Line is { } line) return await grains.GetGrain<ILineGrain>(line.Id).GetHistory(kind, fromUs, toUs);
        var windows = await store.ReadWindowsAsync([.. scope.Machines.Select(m => m.Id)], kind, fromUs, toUs, cancellationToken);
        if (scope.Machine is not null) return windows;
        // The whole site: as one line of all machines, each weighed by its time. Lines with other shifts have columns of their own.
        var all = new Line { Id = scope.Id, Name = scope.Name, Machines = scope.Machines };
        return
        [
            .. windows.GroupBy(w => (w.FromUs, w.ToUs)).OrderBy(g => g.Key.FromUs).Select(g => LineMerge.Merge(all, [.. g]))
                .OfType<OeeWindow>(),
        ];
    }

    /// <summary>The week (ISO 8601, from Monday on) or month of an instant, in plant time.</summary>
    private static DateOnly PeriodOf(long timeUs, string by, TimeZoneInfo zone)
    {
        var date = DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(UnixMicros.ToDateTimeOffset(timeUs), zone).DateTime);
        return by == Month
            ? new DateOnly(date.Year, date.Month, 1)
            : DateOnly.FromDateTime(ISOWeek.ToDateTime(
                ISOWeek.GetYear(date.ToDateTime(default)), ISOWeek.GetWeekOfYear(date.ToDateTime(default)), DayOfWeek.Monday));
    }
}
