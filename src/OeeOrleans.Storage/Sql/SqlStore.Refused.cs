using System.Text.Json;
using Dapper;
using OeeOrleans.Model;

namespace OeeOrleans.Storage.Sql;

/// <summary>
/// One bad row must not keep a thousand good ones from being stored: a refused group is taken apart until what is refused stands alone.
/// </summary>
internal abstract partial class SqlStore
{
    public async Task<IReadOnlyList<RefusedUnit>> CommitAsync(IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken)
    {
        try
        {
            var refused = await CommitOrSplitAsync(units, cancellationToken);
            _lastWriteFailure = null;
            return refused;
        }
        catch (StoreUnavailableException away)
        {
            _lastWriteFailure = away.Message;
            throw;
        }
    }

    private async Task<IReadOnlyList<RefusedUnit>> CommitOrSplitAsync(IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken)
    {
        try
        {
            await WriteAsync(units, cancellationToken);
            return [];
        }
        catch (RowsRefusedException refused)
        {
            return await CommitApartAsync(units, refused, cancellationToken);
        }
    }

    /// <summary>Writes units in one transaction.</summary>
    /// <exception cref="RowsRefusedException">The database refuses something in them; nothing is stored.</exception>
    protected abstract Task WriteAsync(IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken);

    /// <summary>Tries rows and takes them back. The reason when they are refused, null when they are not.</summary>
    protected abstract Task<string?> TryRowsAsync(ReadOnlyMemory<SampleRow> rows, CancellationToken cancellationToken);

    private async Task<IReadOnlyList<RefusedUnit>> CommitApartAsync(
        IReadOnlyList<CommitUnit> units, RowsRefusedException refused, CancellationToken cancellationToken)
    {
        if (units.Count > 1)
        {
            var half = units.Count / 2;
            var first = await CommitOrSplitAsync([.. units.Take(half)], cancellationToken);
            return [.. first, .. await CommitOrSplitAsync([.. units.Skip(half)], cancellationToken)];
        }

        if (units[0] is not TelemetryUnit unit) return [new RefusedUnit(units[0], refused.Message)];
        var bad = new SortedDictionary<int, string>();
        if (unit.Rows.Length > 0) await FindRefusedAsync(unit.Rows, 0, bad, cancellationToken);
        // Not its rows then: something else of it.
        if (bad.Count == 0) return [new RefusedUnit(unit, refused.Message)];
        var letters = await LettersAsync(unit.Rows, bad, cancellationToken);
        StorageMetrics.RefusedRows.Inc(bad.Count);
        try
        {
            await WriteAsync(
                [unit with { Rows = Without(unit.Rows, bad), DeadLetters = [.. unit.DeadLetters, .. letters] }], cancellationToken);
            return [new RefusedUnit(unit, bad.Values.First(), RowsOnly: true)];
        }
        catch (RowsRefusedException still)
        {
            return [new RefusedUnit(unit, still.Message)];
        }
    }

    private async Task FindRefusedAsync(
        ReadOnlyMemory<SampleRow> rows, int offset, SortedDictionary<int, string> bad, CancellationToken cancellationToken)
    {
        if (await TryRowsAsync(rows, cancellationToken) is not { } reason) return;
        if (rows.Length == 1)
        {
            bad[offset] = reason;
            return;
        }

        var half = rows.Length / 2;
        await FindRefusedAsync(rows[..half], offset, bad, cancellationToken);
        await FindRefusedAsync(rows[half..], offset + half, bad, cancellationToken);
    }

    private Task<List<DeadLetter>> LettersAsync(
        ReadOnlyMemory<SampleRow> rows, SortedDictionary<int, string> bad, CancellationToken cancellationToken) =>
        QueryAsync(async c =>
    {
        var letters = new List<DeadLetter>();
        foreach (var (index, reason) in bad)
        {
            var row = rows.Span[index];
            var (machine, name) = await c.QueryFirstOrDefaultAsync<(string, string)>(
                Command("select machine_id, name from signal where signal_id = @SignalId", new { row.SignalId }, cancellationToken));
            double? value = double.IsFinite(row.Value) ? row.Value : null;
            var payload = JsonSerializer.SerializeToUtf8Bytes(new
            {
                signal_id = row.SignalId,
                machine_id = machine,
                name,
                ts = UnixMicros.ToIso(row.TimeUs),
                value,
                text_value = row.Text,
                quality = row.Quality,
            });
            letters.Add(DeadLetter.Of(row.IngestUs, $"sample {machine}/{name}", payload, reason));
        }

        return letters;
    }, cancellationToken);

    private static SampleRow[] Without(ReadOnlyMemory<SampleRow> rows, SortedDictionary<int, string> bad)
    {
        var kept = new List<SampleRow>(rows.Length);
        for (var i = 0; i < rows.Length; i++)
        {
            if (!bad.ContainsKey(i)) kept.Add(rows.Span[i]);
        }

        return [.. kept];
    }
}
