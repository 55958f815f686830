using System.Text.Json;
using Dapper;
using OeeOrleans.Model;

namespace OeeOrleans.Storage.Sql;

/// <summary>
/// One bad row must not keep a thousand good ones from being stored: a refused group is taken apart until what is refused stands alone.
/// </summary>
internal abstract partial class SqlStore
{
    /// <summary>
    /// Rows tried one way or another to find out what an unexplained error is about; a database that takes nothing at all shows it sooner.
    /// </summary>
    private const int MaxTries = 500;

    public async Task<IReadOnlyList<RefusedUnit>> CommitAsync(IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken)
    {
        try
        {
            var outcome = new Outcome();
            await CommitOrSplitAsync(units, outcome, cancellationToken);
            if (outcome is { Undecided: [(_, { } error), ..], StoredRows: false })
            {
                // Nothing shows that the database takes anything, so it is not the unit's fault yet.
                throw new StoreUnavailableException($"the store fails: {error.Message}", error, mayBeTheUnit: true);
            }

            _lastWriteFailure = null;
            return [.. outcome.Refused, .. outcome.Undecided.Select(u => new RefusedUnit(u.Unit, u.Error.Message))];
        }
        catch (StoreUnavailableException away)
        {
            _lastWriteFailure = away.Message;
            throw;
        }
    }

    /// <summary>Writes units in one transaction.</summary>
    /// <exception cref="RowsRefusedException">The database refuses something in them; nothing is stored.</exception>
    /// <exception cref="UnexplainedException">The database fails at something in them; nothing is stored.</exception>
    protected abstract Task WriteAsync(IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken);

    /// <summary>Tries rows and takes them back. The reason when they are refused, null when they are not.</summary>
    protected abstract Task<string?> TryRowsAsync(ReadOnlyMemory<SampleRow> rows, CancellationToken cancellationToken);

    private async Task CommitOrSplitAsync(IReadOnlyList<CommitUnit> units, Outcome outcome, CancellationToken cancellationToken)
    {
        try
        {
            await WriteAsync(units, cancellationToken);
            outcome.StoredRows |= units.Any(u => u.SampleRows.Length > 0);
        }
        catch (Exception error) when (error is RowsRefusedException or UnexplainedException)
        {
            if (units.Count == 1)
            {
                await CommitWithoutAsync(units[0], error, outcome, cancellationToken);
                return;
            }

            var half = units.Count / 2;
            await CommitOrSplitAsync([.. units.Take(half)], outcome, cancellationToken);
            await CommitOrSplitAsync([.. units.Skip(half)], outcome, cancellationToken);
        }
    }

    /// <summary>One unit without the rows that provoke an error.</summary>
    private async Task CommitWithoutAsync(CommitUnit whole, Exception error, Outcome outcome, CancellationToken cancellationToken)
    {
        var unit = whole as TelemetryUnit;
        var bad = new SortedDictionary<int, string>();
        var found = unit is not null && unit.Rows.Length > 0
            && await FindRefusedAsync(unit.Rows, 0, bad, error is UnexplainedException ? outcome : null, cancellationToken);
        // Not its rows, then something else of it; or nothing of it goes, and it may be everything.
        if (!found || bad.Count == 0 || (error is UnexplainedException && bad.Count == unit!.Rows.Length))
        {
            outcome.Add(whole, error);
            return;
        }

        var letters = await LettersAsync(unit!.Rows, bad, cancellationToken);
        StorageMetrics.RefusedRows.Inc(bad.Count);
        try
        {
            var without = unit with { Rows = Without(unit.Rows, bad), DeadLetters = [.. unit.DeadLetters, .. letters] };
            await WriteAsync([without], cancellationToken);
            outcome.StoredRows |= without.Rows.Length > 0;
            outcome.Refused.Add(new RefusedUnit(unit, bad.Values.First(), RowsOnly: true));
        }
        catch (Exception still) when (still is RowsRefusedException or UnexplainedException)
        {
            outcome.Add(unit, still);
        }
    }

    /// <param name="limited">Whose tries are counted; null: there is no limit.</param>
    /// <returns>False when there were too many to find out.</returns>
    private async Task<bool> FindRefusedAsync(
        ReadOnlyMemory<SampleRow> rows, int offset, SortedDictionary<int, string> bad, Outcome? limited,
        CancellationToken cancellationToken)
    {
        if (limited is not null && limited.Tries++ >= MaxTries) return false;
        if (await TryRowsAsync(rows, cancellationToken) is not { } reason) return true;
        if (rows.Length == 1)
        {
            bad[offset] = reason;
            return true;
        }

        var half = rows.Length / 2;
        return await FindRefusedAsync(rows[..half], offset, bad, limited, cancellationToken)
            && await FindRefusedAsync(rows[half..], offset + half, bad, limited, cancellationToken);
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

    /// <summary>What became of the units of one call.</summary>
    private sealed class Outcome
    {
        public List<RefusedUnit> Refused { get; } = [];

        /// <summary>The database fails at them, and does not say why: theirs alone when it takes rows of others.</summary>
        public List<(CommitUnit Unit, Exception Error)> Undecided { get; } = [];

        public bool StoredRows { get; set; }

        public int Tries { get; set; }

        public void Add(CommitUnit unit, Exception error)
        {
            if (error is UnexplainedException) Undecided.Add((unit, error));
            else Refused.Add(new RefusedUnit(unit, error.Message));
        }
    }
}
