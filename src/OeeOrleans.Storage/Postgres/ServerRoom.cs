using Microsoft.Extensions.Logging;
using Npgsql;
using OeeOrleans.Model;

namespace OeeOrleans.Storage.Postgres;

/// <summary>
/// How many connections a server has room for: asked once, before any but the first is opened, and respected. A server that is full refuses
/// everybody, its administrators and other programs among them.
/// </summary>
/// <param name="turns">Turns of queries; as many are taken away as there is no room for.</param>
internal sealed class ServerRoom(NpgsqlDataSource source, StoreOptions options, int connections, SemaphoreSlim turns, ILogger log)
{
    /// <summary>Sessions of other roles are counted by statistics that everybody may read; our own one is left out.</summary>
    private const string Asked = """
        select least(
          current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
            - (select sum(numbackends) - 1 from pg_stat_database),
          (select case when rolconnlimit < 0 then 1000000 else rolconnlimit end
            - (select count(*) - 1 from pg_stat_activity where usename = current_user) from pg_roles where rolname = current_user),
          (select case when d.datconnlimit < 0 then 1000000 else d.datconnlimit end - (s.numbackends - 1)
            from pg_database d join pg_stat_database s on s.datid = d.oid where d.datname = current_database()))::int,
          current_setting('max_connections')::int
        """;

    private bool _fitted;

    /// <exception cref="StoreUnavailableException">There is no room for the fewest connections we can work with.</exception>
    public async Task FitAsync(CancellationToken cancellationToken)
    {
        if (_fitted) return;
        await using var command = source.CreateCommand(Asked);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (free, allowed) = (reader.GetInt32(0) - StoreFactory.ClusterConnections, reader.GetInt32(1));
        if (free < options.Fewest)
        {
            throw new StoreUnavailableException(
                $"PostgreSQL has room for {free} more connections (max_connections {allowed}), and at least {options.Fewest} are needed; "
                    + "raise its limit, or end what holds them");
        }

        _fitted = true;
        StorageMetrics.Connections.Set(Math.Min(connections, free));
        if (free >= connections) return;
        Log.FewConnections(log, free, allowed, connections);
        for (var i = free; i < connections; i++) await turns.WaitAsync(cancellationToken);
    }
}
