using System.Data.Common;
using System.Text.Json;
using Dapper;

namespace OeeOrleans.Storage.Sql.Reads;

/// <summary>Signals of one machine whose ids somebody wants to know.</summary>
internal sealed record SignalRequest(string Machine, IReadOnlyList<SignalSpec> Signals, bool InPlant);

/// <summary>
/// Ids of signals: remembered, read, or made. Machines that come at once are read and made together. Safe for concurrent use.
/// </summary>
internal sealed class SignalCatalog
{
    /// <summary>Signals whose ids are remembered at most.</summary>
    private const int MaxCached = 500_000;

    private static readonly (string, string)[] MachineColumns = [("Machine", "text")];

    private readonly SqlDialect _dialect;
    private readonly MachineReads.Query _query;
    private readonly Func<int> _maxSignals;
    private readonly Lock _lock = new();

    /// <summary>Signal ids by machine and name.</summary>
    private readonly Dictionary<string, Dictionary<string, int>> _known = new(StringComparer.Ordinal);
    private readonly Coalescer<SignalRequest, int[]> _requests;
    private int _cached;

    public SignalCatalog(SqlDialect dialect, MachineReads.Query query, Func<int> maxSignals)
    {
        (_dialect, _query, _maxSignals) = (dialect, query, maxSignals);
        _requests = new Coalescer<SignalRequest, int[]>("signals", AnswerAsync);
    }

    /// <returns>In the order asked; 0 for a signal that may not be made.</returns>
    public Task<int[]> ResolveAsync(SignalRequest request, CancellationToken cancellationToken) =>
        Known(request) is { } ids ? Task.FromResult(ids) : _requests.AskAsync(request, cancellationToken);

    public void Forget()
    {
        lock (_lock)
        {
            _known.Clear();
            _cached = 0;
        }
    }

    private int[]? Known(SignalRequest request)
    {
        lock (_lock)
        {
            if (!_known.TryGetValue(request.Machine, out var known)) return null;
            var ids = new int[request.Signals.Count];
            for (var i = 0; i < ids.Length; i++)
            {
                if (!known.TryGetValue(request.Signals[i].Name, out ids[i])) return null;
            }

            return ids;
        }
    }

    private async Task<IReadOnlyList<int[]>> AnswerAsync(IReadOnlyList<SignalRequest> requests)
    {
        // One after the other as far as this process goes: the coalescer has one lane.
        Dictionary<string, Dictionary<string, int>> ids = new(StringComparer.Ordinal);
        await _query(async c =>
        {
            ids = await LoadAsync(c, requests.Select(r => r.Machine));
            var missing = await MissingAsync(c, requests, ids);
            if (missing.Count == 0) return true;
            await MakeAsync(c, missing);
            foreach (var (machine, made) in await LoadAsync(c, missing.Select(m => m.Machine))) ids[machine] = made;
            return true;
        });
        Remember(ids);
        return [.. requests.Select(r => r.Signals.Select(s => ids[r.Machine].GetValueOrDefault(s.Name)).ToArray())];
    }

    private void Remember(Dictionary<string, Dictionary<string, int>> ids)
    {
        lock (_lock)
        {
            // A cache, so it may be emptied; what is bound to its metrics stays bound.
            if (_cached > MaxCached)
            {
                _known.Clear();
                _cached = 0;
            }

            foreach (var (machine, signals) in ids)
            {
                _cached += signals.Count - (_known.TryGetValue(machine, out var before) ? before.Count : 0);
                _known[machine] = signals;
            }
        }
    }

    /// <summary>Every machine that was asked for has an entry, also when it has no signal.</summary>
    private async Task<Dictionary<string, Dictionary<string, int>>> LoadAsync(DbConnection c, IEnumerable<string> machines)
    {
        var ids = new Dictionary<string, Dictionary<string, int>>(StringComparer.Ordinal);
        foreach (var machine in machines) ids[machine] = new Dictionary<string, int>(StringComparer.Ordinal);
        var rows = await c.QueryAsync<(int Id, string Machine, string Name)>(
            $"""
            select s.signal_id as Id, s.machine_id as Machine, s.name as Name
            from (select * from {_dialect.Rows(MachineColumns)}) r join signal s on s.machine_id = r."Machine"
            """,
            new { json = JsonSerializer.Serialize(ids.Keys.Select(m => new { Machine = m })) }, commandTimeout: SqlStore.QueryTimeoutS);
        foreach (var (id, machine, name) in rows) ids[machine][name] = id;
        return ids;
    }

    /// <summary>Signals that are not there and may be made.</summary>
    private async Task<List<NewSignal>> MissingAsync(
        DbConnection c, IReadOnlyList<SignalRequest> requests, Dictionary<string, Dictionary<string, int>> ids)
    {
        var missing = requests.SelectMany(r => r.Signals
                .Where(s => !ids[r.Machine].ContainsKey(s.Name))
                .Select(s => (r.InPlant, New: new NewSignal(r.Machine, s.Name, s.DataType, s.Unit))))
            .DistinctBy(m => (m.New.Machine, m.New.Name))
            .ToList();
        if (missing.TrueForAll(m => m.InPlant)) return [.. missing.Select(m => m.New)];
        var room = _maxSignals() - await c.ExecuteScalarAsync<long>("select count(*) from signal", commandTimeout: SqlStore.QueryTimeoutS);
        var taken = missing.Where(m => m.InPlant).Select(m => m.New).ToList();
        // All signals of a message or none: half a machine is of no use.
        foreach (var machine in missing.Where(m => !m.InPlant).GroupBy(m => m.New.Machine))
        {
            if (taken.Count + machine.Count() <= room) taken.AddRange(machine.Select(m => m.New));
        }

        return taken;
    }

    private async Task MakeAsync(DbConnection c, List<NewSignal> signals)
    {
        await using var transaction = await c.BeginTransactionAsync();
        await new SetWriter(c, transaction, _dialect, CancellationToken.None).WriteAsync(
            signals, s => (s.Machine, s.Name), [("Machine", "text"), ("Name", "text"), ("DataType", "text"), ("Unit", "text")],
            rows =>
                $"""
                insert into signal(machine_id, name, datatype, unit)
                select "Machine", "Name", "DataType", "Unit" from {rows} on conflict (machine_id, name) do nothing
                """);
        await transaction.CommitAsync();
    }

    private sealed record NewSignal(string Machine, string Name, string DataType, string? Unit);
}
