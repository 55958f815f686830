using System.Data.Common;
using Dapper;
using OeeOrleans.Model;

namespace OeeOrleans.Storage.Sql;

/// <summary>
/// Trends: from the longest rollup that is not longer than a bucket, from samples where that would be too coarse or there is nothing to add
/// up.
/// </summary>
internal abstract partial class SqlStore
{
    public Task<Trend?> ReadTrendAsync(
        string machine, string name, long fromUs, long toUs, int points, CancellationToken cancellationToken) =>
        QueryAsync(async c =>
    {
        var id = await c.ExecuteScalarAsync<int?>(
            Command("select signal_id from signal where machine_id = @machine and name = @name", new { machine, name }, cancellationToken));
        if (id is not { } signal) return null;
        var widthUs = Math.Max(1, (toUs - fromUs + points - 1) / points);
        foreach (var level in Rollups.Levels.AsEnumerable().Reverse())
        {
            // At least two: the first bucket begins at `from`, so it may be cut short.
            if (level.WidthUs > widthUs || points < 2) continue;
            if (await FromRollupsAsync(c, signal, level.View, level.WidthUs, fromUs, toUs, points, cancellationToken) is { } trend)
            {
                return trend;
            }

            break;
        }

        var buckets = new TrendBuckets(fromUs, widthUs, fromUs, points);
        await AddSamplesAsync(c, buckets, signal, fromUs, toUs, cancellationToken);
        return buckets.Finish();
    }, cancellationToken);

    public Task<TrendPoint?> ReadSampleBeforeAsync(string machine, string name, long beforeUs, CancellationToken cancellationToken) =>
        QueryAsync(async c =>
    {
        await using var reader = await c.ExecuteReaderAsync(Command(
            "select oee_us(ts), value, text_value, quality from sample where signal_id = (select signal_id from signal where machine_id = "
                + "@machine and name = @name) and ts < oee_ts(@beforeUs) order by ts desc limit 1",
            new { machine, name, beforeUs }, cancellationToken));
        if (!await reader.ReadAsync(cancellationToken)) return null;
        var value = reader.IsDBNull(1) ? (double?)null : reader.GetDouble(1);
        var text = reader.IsDBNull(2) ? null : reader.GetString(2);
        return new TrendPoint(reader.GetInt64(0), value, value, value, value, value, text, 1, reader.GetInt16(3));
    }, cancellationToken);

    /// <summary>
    /// Whole buckets from a rollup, the cut ones at both ends from samples. Null when samples must answer: there are few of them, or none
    /// is a number.
    /// </summary>
    private static async Task<Trend?> FromRollupsAsync(
        DbConnection c, int signal, string view, long levelUs, long fromUs, long toUs, int points, CancellationToken cancellationToken)
    {
        var first = Rollups.Floor(fromUs + levelUs - 1, levelUs);
        var end = Math.Max(first, Rollups.Floor(toUs, levelUs));
        // A multiple of the rollup's, so that each rollup lies in one bucket; one bucket fewer, because the grid need not begin at `from`.
        var widthUs = Rollups.Floor(((toUs - fromUs) / (points - 1)) + levelUs, levelUs);
        var buckets = new TrendBuckets(fromUs, widthUs, 0, points);
        await AddSamplesAsync(c, buckets, signal, fromUs, first, cancellationToken);
        await using (var reader = await c.ExecuteReaderAsync(Command(
            $"select oee_us(bucket), min, max, sum, n, first, last, count, quality from {view} where signal_id = @signal and bucket >= "
                + $"oee_ts(@first) and bucket < oee_ts(@end) order by bucket",
            new { signal, first, end }, cancellationToken)))
        {
            double? Number(int column) => reader.IsDBNull(column) ? null : reader.GetDouble(column);
            while (await reader.ReadAsync(cancellationToken))
            {
                buckets.AddRollup(
                    reader.GetInt64(0), Number(1), Number(2), Number(3) ?? 0, reader.GetInt64(4), Number(5), Number(6),
                    reader.GetInt64(7), reader.GetInt16(8));
            }
        }

        await AddSamplesAsync(c, buckets, signal, Math.Max(first, end), toUs, cancellationToken);
        return buckets.Count <= points || buckets.Numbers == 0 ? null : buckets.Finish();
    }

    private static async Task AddSamplesAsync(
        DbConnection c, TrendBuckets buckets, int signal, long fromUs, long toUs, CancellationToken cancellationToken)
    {
        if (toUs <= fromUs) return;
        await using var reader = await c.ExecuteReaderAsync(Command(
            "select oee_us(ts), value, text_value, quality from sample where signal_id = @signal and ts >= oee_ts(@fromUs) and ts < "
                + "oee_ts(@toUs) order by ts",
            new { signal, fromUs, toUs }, cancellationToken));
        while (await reader.ReadAsync(cancellationToken))
        {
            buckets.Add(
                reader.GetInt64(0), reader.IsDBNull(1) ? null : reader.GetDouble(1), reader.IsDBNull(2) ? null : reader.GetString(2),
                reader.GetInt16(3));
        }
    }
}
