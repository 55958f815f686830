using System.Text.Json;
using Dapper;

namespace OeeOrleans.Storage.Sql.Reads;

/// <summary>What a host remembers of edge nodes, read for many of them with two statements.</summary>
internal sealed class EdgeNodeReads(SqlDialect dialect, MachineReads.Query query)
{
    private static readonly (string, string)[] Columns = [("Node", "text")];

    public async Task<IReadOnlyList<EdgeNodeRecord?>> ReadAsync(IReadOnlyList<string> nodes)
    {
        Dictionary<string, string> states = [];
        ILookup<string, BirthRow> births = Array.Empty<BirthRow>().ToLookup(b => b.EdgeNode);
        var asked = $"(select * from {dialect.Rows(Columns)}) r";
        var json = JsonSerializer.Serialize(nodes.Distinct().Select(n => new { Node = n }));
        await query(async c =>
        {
            births = (await c.QueryAsync<BirthRow>(
                $"""
                select b.edge_node as EdgeNode, b.device as Device, b.birth_ms as BirthMs, b.topic as Topic, b.payload as Payload
                from {asked} join edge_birth b on b.edge_node = r."Node" order by b.birth_ms, length(b.device)
                """,
                new { json }, commandTimeout: SqlStore.QueryTimeoutS)).ToLookup(b => b.EdgeNode);
            states = (await c.QueryAsync<(string Node, string State)>(
                $"""select n.edge_node as Node, n.state as State from {asked} join edge_node n on n.edge_node = r."Node" """,
                new { json }, commandTimeout: SqlStore.QueryTimeoutS)).ToDictionary(s => s.Node, s => s.State);
            return true;
        });
        return [.. nodes.Select(n => RecordOf(states.GetValueOrDefault(n), [.. births[n]]))];
    }

    private static EdgeNodeRecord? RecordOf(string? state, List<BirthRow> births) => state is null && births.Count == 0
        ? null
        : new EdgeNodeRecord(state ?? "", [.. births.Select(b => new BirthRecord(b.EdgeNode, b.Device, b.BirthMs, b.Topic, b.Payload))]);

    private sealed class BirthRow
    {
        public string EdgeNode { get; set; } = "";
        public string Device { get; set; } = "";
        public long BirthMs { get; set; }
        public string Topic { get; set; } = "";
        public byte[] Payload { get; set; } = [];
    }
}
