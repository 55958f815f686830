using Dapper;

namespace OeeOrleans.Storage.Sql;

/// <summary>Signals and their samples, piece by piece.</summary>
internal abstract partial class SqlStore
{
    public Task<List<StoredSignal>> ReadSignalsAsync(IReadOnlyList<string> machines, CancellationToken cancellationToken) => QueryAsync(
        async c =>
        {
            var rows = await c.QueryAsync<(int Id, string Machine, string Name, string DataType, string? Unit)>(Command(
                $"""
                select signal_id as Id, machine_id as Machine, name as Name, datatype as DataType, unit as Unit
                from signal where machine_id {In("machines")} order by machine_id, name
                """, new { machines }, cancellationToken));
            return rows.Select(r => new StoredSignal(r.Id, r.Machine, r.Name, r.DataType, r.Unit)).ToList();
        },
        cancellationToken);

    public Task<List<StoredSample>> ReadSignalSamplesAsync(
        int signalId, long afterUs, long toUs, int limit, CancellationToken cancellationToken) => QueryAsync(async c =>
    {
        var rows = await c.QueryAsync<(long TimeUs, double? Value, string? Text, int Quality, long IngestUs)>(Command(
            """
            select oee_us(ts) as TimeUs, value as Value, text_value as Text, quality as Quality, oee_us(ingest_ts) as IngestUs
            from sample where signal_id = @signalId and ts > oee_ts(@afterUs) and ts < oee_ts(@toUs) order by ts limit @limit
            """, new { signalId, afterUs, toUs, limit }, cancellationToken));
        return rows.Select(r => new StoredSample(r.TimeUs, r.Value, r.Text, (short)r.Quality, r.IngestUs)).ToList();
    }, cancellationToken);
}
