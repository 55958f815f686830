using System.Data.Common;
using Dapper;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Storage.Sql;

/// <summary>
/// What both engines share: the same SQL text, in which `oee_ts` and `oee_us` translate between microseconds and the engine's own time.
/// </summary>
internal abstract partial class SqlStore : IStore
{
    /// <summary>Signals whose ids are remembered at most.</summary>
    private const int MaxCachedSignals = 500_000;

    /// <summary>Signal ids by machine and name.</summary>
    private readonly Dictionary<string, Dictionary<string, int>> _signals = [];
    private readonly SemaphoreSlim _signalLock = new(1, 1);

    /// <summary>Why the last commit was not taken at all; null when it was.</summary>
    private volatile string? _lastWriteFailure;

    protected abstract SqlDialect Dialect { get; }

    /// <summary>See <see cref="StoreOptions.MaxSignals"/>.</summary>
    protected abstract int MaxSignals { get; }

    /// <summary>`column In("list")`: membership in a list parameter, in this engine's words.</summary>
    protected abstract string In(string parameter);

    public abstract Task MigrateAsync(CancellationToken cancellationToken);

    public abstract Task<MaintenanceReport?> MaintainAsync(Retention retention, long nowUs, CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();

    public abstract Task<T> AloneAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken);

    public async Task<string?> WhyNotAsync(CancellationToken cancellationToken)
    {
        try
        {
            await QueryAsync(c => c.ExecuteScalarAsync<int>(Command("select 1", null, cancellationToken)), cancellationToken);
            return _lastWriteFailure;
        }
        catch (StoreUnavailableException away)
        {
            return away.Message;
        }
    }

    public async Task<int[]> ResolveSignalsAsync(
        string machine, IReadOnlyList<SignalSpec> signals, bool inPlant, CancellationToken cancellationToken)
    {
        await _signalLock.WaitAsync(cancellationToken);
        try
        {
            if (!_signals.TryGetValue(machine, out var known))
            {
                // A cache, so it may be emptied; what is bound to its metrics stays bound.
                if (_signals.Values.Sum(s => s.Count) > MaxCachedSignals) _signals.Clear();
                _signals[machine] = known = new Dictionary<string, int>(StringComparer.Ordinal);
            }

            if (signals.Any(s => !known.ContainsKey(s.Name)))
            {
                await LoadOrAddSignalsAsync(machine, signals, inPlant, known, cancellationToken);
            }

            return [.. signals.Select(s => known.GetValueOrDefault(s.Name))];
        }
        finally
        {
            _signalLock.Release();
        }
    }

    public Task<EdgeNodeRecord?> LoadEdgeNodeAsync(string edgeNode, CancellationToken cancellationToken) => QueryAsync(async c =>
    {
        var births = (await c.QueryAsync<BirthRow>(Command(
            "select device, birth_ms as BirthMs, topic, payload from edge_birth where edge_node = @edgeNode "
                + "order by birth_ms, length(device)",
            new { edgeNode },
            cancellationToken))).ToList();
        var state = await c.ExecuteScalarAsync<string?>(
            Command("select state from edge_node where edge_node = @edgeNode", new { edgeNode }, cancellationToken));
        return state is null && births.Count == 0
            ? null
            : new EdgeNodeRecord(state ?? "", [.. births.Select(b => new BirthRecord(edgeNode, b.Device, b.BirthMs, b.Topic, b.Payload))]);
    }, cancellationToken);

    public Task<SnapshotRecord?> LoadSnapshotAsync(string machine, CancellationToken cancellationToken) => QueryAsync(async c =>
    {
        var row = await c.QueryFirstOrDefaultAsync<SnapshotRow>(Command(
            "select oee_us(ts) as TimeUs, oee_us(ingest_ts) as IngestUs, payload from machine_snapshot where machine_id = @machine",
            new { machine }, cancellationToken));
        return row is null ? null : new SnapshotRecord(machine, row.TimeUs, row.IngestUs, row.Payload);
    }, cancellationToken);

    public Task SavePlantAsync(PlantModel plant, CancellationToken cancellationToken) => QueryAsync(async c =>
    {
        await using var transaction = await c.BeginTransactionAsync(cancellationToken);
        await c.ExecuteAsync(new CommandDefinition("delete from tag_mapping", null, transaction, cancellationToken: cancellationToken));
        await c.ExecuteAsync(new CommandDefinition("delete from asset", null, transaction, cancellationToken: cancellationToken));
        await c.ExecuteAsync(new CommandDefinition(
            $"insert into asset(id, parent_id, kind, name, position, attributes) values (@Id, @ParentId, @Kind, @Name, @Position, "
                + $"cast(@Attributes as {Dialect.Json}))",
            AssetRows.Of(plant), transaction, cancellationToken: cancellationToken));
        var mappings = plant.Machines
            .SelectMany(m => m.Tags.Select(t => new { Machine = m.Id, t.Metric, t.Signal, t.Scale, t.Offset, t.Unit, t.Deadband }))
            .ToList();
        if (mappings.Count > 0)
        {
            await c.ExecuteAsync(new CommandDefinition(
                "insert into tag_mapping(machine_id, metric, signal, scale, offset_value, unit, deadband) values (@Machine, @Metric, "
                    + "@Signal, @Scale, @Offset, @Unit, @Deadband)",
                mappings, transaction, cancellationToken: cancellationToken));
        }

        await transaction.CommitAsync(cancellationToken);
        return true;
    }, cancellationToken);

    public Task<List<ModelVersion>> ReadModelsAsync(CancellationToken cancellationToken) => QueryAsync(async c =>
    {
        var rows = await c.QueryAsync<(string Machine, string Part, long FromUs, string Model)>(Command(
            "select machine_id as Machine, part as Part, oee_us(valid_from) as FromUs, model as Model from machine_model order by "
                + "machine_id, part, valid_from", null, cancellationToken));
        return rows.Select(r => new ModelVersion(r.Machine, r.Part, r.FromUs, r.Model)).ToList();
    }, cancellationToken);

    public Task SaveModelsAsync(IReadOnlyList<ModelVersion> versions, CancellationToken cancellationToken) => QueryAsync(async c =>
    {
        await using var transaction = await c.BeginTransactionAsync(cancellationToken);
        await c.ExecuteAsync(new CommandDefinition("delete from machine_model", null, transaction, cancellationToken: cancellationToken));
        await c.ExecuteAsync(new CommandDefinition(
            "insert into machine_model(machine_id, part, valid_from, model) values (@Machine, @Part, oee_ts(@FromUs), @Model)", versions,
            transaction, cancellationToken: cancellationToken));
        await transaction.CommitAsync(cancellationToken);
        return true;
    }, cancellationToken);

    /// <summary>Opens a connection that knows `oee_ts` and `oee_us`.</summary>
    protected abstract Task<DbConnection> OpenAsync(CancellationToken cancellationToken);

    /// <summary>Whether an error means that the database is away rather than that the question is wrong.</summary>
    protected abstract bool IsTransient(Exception error);

    /// <summary>What an error means that <see cref="IsTransient"/> takes for the database's absence.</summary>
    protected virtual StoreUnavailableException Away(string what, Exception error) => new($"{what}: {error.Message}", error);

    /// <summary>Runs work that an engine would otherwise do on the caller's thread, in a grain's turn.</summary>
    protected virtual Task<T> AsideAsync<T>(Func<Task<T>> work) => work();

    /// <summary>Statement timeout of queries, seconds.</summary>
    protected const int QueryTimeoutS = 30;

    protected static CommandDefinition Command(string sql, object? parameters, CancellationToken cancellationToken) =>
        new(sql, parameters, commandTimeout: QueryTimeoutS, cancellationToken: cancellationToken);

    protected Task<T> QueryAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken) =>
        AsideAsync(() => AskAsync(query, cancellationToken));

    private async Task<T> AskAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await OpenAsync(cancellationToken);
            return await query(connection);
        }
        catch (Exception error) when (error is not OperationCanceledException && IsTransient(error))
        {
            throw Away("the store does not answer", error);
        }
    }

    private async Task LoadOrAddSignalsAsync(
        string machine, IReadOnlyList<SignalSpec> signals, bool inPlant, Dictionary<string, int> known,
        CancellationToken cancellationToken) =>
        await QueryAsync(async c =>
        {
            await LoadSignalsAsync(c, machine, known, cancellationToken);
            var missing = signals.Where(s => !known.ContainsKey(s.Name)).DistinctBy(s => s.Name).ToList();
            if (missing.Count == 0) return true;
            if (!inPlant)
            {
                var there = await c.ExecuteScalarAsync<long>(Command("select count(*) from signal", null, cancellationToken));
                if (there + missing.Count > MaxSignals) return true;
            }

            await using (var transaction = await c.BeginTransactionAsync(cancellationToken))
            {
                await new SetWriter(c, transaction, Dialect, cancellationToken).WriteAsync(
                    missing, m => m.Name, [("Name", "text"), ("DataType", "text"), ("Unit", "text")],
                    rows =>
                        $"""
                        insert into signal(machine_id, name, datatype, unit)
                        select @machine, "Name", "DataType", "Unit" from {rows} on conflict (machine_id, name) do nothing
                        """,
                    new { machine });
                await transaction.CommitAsync(cancellationToken);
            }

            await LoadSignalsAsync(c, machine, known, cancellationToken);
            return true;
        }, cancellationToken);

    private static async Task LoadSignalsAsync(
        DbConnection c, string machine, Dictionary<string, int> known, CancellationToken cancellationToken)
    {
        var rows = await c.QueryAsync<(int Id, string Name)>(
            Command("select signal_id, name from signal where machine_id = @machine", new { machine }, cancellationToken));
        foreach (var (id, name) in rows) known[name] = id;
    }

    private sealed class BirthRow
    {
        public string Device { get; set; } = "";
        public long BirthMs { get; set; }
        public string Topic { get; set; } = "";
        public byte[] Payload { get; set; } = [];
    }

    private sealed class SnapshotRow
    {
        public long TimeUs { get; set; }
        public long IngestUs { get; set; }
        public string Payload { get; set; } = "";
    }
}
