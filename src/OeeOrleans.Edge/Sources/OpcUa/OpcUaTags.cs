using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OeeOrleans.Edge.Tags;
using OeeOrleans.OpcUa;

namespace OeeOrleans.Edge.Sources.OpcUa;

/// <summary>An OPC UA server's nodes, to look at and to change by hand.</summary>
internal sealed class OpcUaTags(OpcUaClient client) : ITagAccess
{
    private const uint ObjectsFolder = 85;
    private const uint DurationType = 290;
    private const int BrowseBatch = 200;
    private const int WatchCapacity = 100_000;
    private const byte CurrentWrite = 2;
    private const double MsPerSecond = 1000;

    private readonly Dictionary<NodeId, string> _typeNames = [];

    /// <exception cref="OpcUaException">There is no connection to be had; the message says what to do.</exception>
    public static async Task<OpcUaTags> OpenAsync(Uri url, OpcUaSettings settings, string pki, ILogger log,
        CancellationToken cancellationToken) =>
        new(await OpcUaClient.ConnectAsync(settings.ToOptions(url, pki), log, null, cancellationToken));

    public async Task<IReadOnlyList<TagReading>> ReadAsync(IReadOnlyList<string> addresses, CancellationToken cancellationToken)
    {
        var nodes = Resolve(addresses);
        var known = nodes.OfType<NodeId>().ToList();
        var values = await client.ReadAsync(
            [.. known.SelectMany(n => new[] { new ReadNode(n), new ReadNode(n, AttributeId.DataType) })], cancellationToken);
        var readings = new List<TagReading>(addresses.Count);
        var at = 0;
        for (var i = 0; i < addresses.Count; i++)
        {
            if (nodes[i] is null)
            {
                readings.Add(Unknown(addresses[i]));
                continue;
            }

            readings.Add(await ReadingAsync(addresses[i], values[at], values[at + 1].Value.Value as NodeId?, cancellationToken));
            at += 2;
        }

        return readings;
    }

    public async Task<IReadOnlyList<TagWriteResult>> WriteAsync(
        IReadOnlyList<(string Address, JsonElement Value)> values, CancellationToken cancellationToken)
    {
        var nodes = Resolve([.. values.Select(v => v.Address)]);
        var results = new TagWriteResult?[values.Count];
        var writes = new List<(int Index, WriteNode Write)>();
        for (var i = 0; i < values.Count; i++)
        {
            if (nodes[i] is not { } node)
            {
                results[i] = new TagWriteResult(values[i].Address, false, Unknown(values[i].Address).Error);
                continue;
            }

            try
            {
                writes.Add((i, new WriteNode(node, new DataValue(await ParseAsync(node, values[i].Value, cancellationToken)))));
            }
            catch (FormatException error)
            {
                results[i] = new TagWriteResult(values[i].Address, false, error.Message);
            }
        }

        var statuses = await client.WriteAsync([.. writes.Select(w => w.Write)], cancellationToken);
        for (var i = 0; i < writes.Count; i++)
        {
            var address = values[writes[i].Index].Address;
            results[writes[i].Index] = new TagWriteResult(address, !statuses[i].IsBad, statuses[i].IsBad ? Sentence(statuses[i]) : null);
        }

        return [.. results.Select(r => r!)];
    }

    public async IAsyncEnumerable<TagReading> WatchAsync(
        IReadOnlyList<string> addresses, TimeSpan interval, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var first = await ReadAsync(addresses, cancellationToken);
        foreach (var reading in first) yield return reading;
        var nodes = Resolve(addresses);
        var types = new NodeId?[addresses.Count];
        var asked = await client.ReadAsync(
            [.. nodes.Select(n => new ReadNode(n ?? default, AttributeId.DataType))], cancellationToken);
        for (var i = 0; i < types.Length; i++) types[i] = asked[i].Value.Value as NodeId?;
        // Whoever reads slowly holds up the server, not our memory.
        var changes = Channel.CreateBounded<(int Index, DataValue Value)>(WatchCapacity);
        client.StateChanged += change =>
        {
            // Somebody at a terminal wants to know: a watch that goes on without values would look like a quiet machine.
            if (change.From == ConnectionState.Connected) changes.Writer.TryComplete(
                new OpcUaException(StatusCodes.BadConnectionClosed, change.Why));
        };
        var options = MonitoredItemOptions.Default with { SamplingInterval = interval, QueueSize = 100 };
        var subscription = await client.SubscribeAsync(
            SubscriptionOptions.Default with { PublishingInterval = interval },
            async (notification, cancel) =>
            {
                for (var i = 0; i < notification.Changes.Length; i++)
                {
                    var change = notification.Changes.Span[i];
                    await changes.Writer.WriteAsync(((int)change.Item.Context!, change.Value), cancel);
                }
            },
            [.. addresses.Select((a, i) => (ExpandedNodeId.Parse(a), options, (object?)i))], cancellationToken);
        await using var ending = subscription;
        foreach (var item in subscription.Items.Where(i => i.Status.IsBad && first[(int)i.Context!].Error is null))
        {
            // It can be read and not be watched.
            yield return first[(int)item.Context!] with { Value = null, Quality = 0, Error = Sentence(item.Status) };
        }

        var started = new bool[addresses.Count];
        await foreach (var (index, value) in changes.Reader.ReadAllAsync(cancellationToken))
        {
            var reading = await ReadingAsync(addresses[index], value, types[index], cancellationToken);
            // The first notification tells what reading told already.
            var told = !started[index] && reading.SourceTime is not null && reading.SourceTime == first[index].SourceTime
                && reading.Quality == first[index].Quality;
            started[index] = true;
            if (!told) yield return reading;
        }
    }

    public async IAsyncEnumerable<TagNode> BrowseAsync(string? from, int? depth,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var start = from is null ? new NodeId(ObjectsFolder) : client.Resolve(ExpandedNodeId.Parse(from))
            ?? throw new OpcUaException(StatusCodes.BadNodeIdUnknown, Unknown(from).Error!);
        var batch = new List<Reference>(BrowseBatch);
        await foreach (var node in client.BrowseTreeAsync(start, depth ?? int.MaxValue, null, cancellationToken))
        {
            batch.Add(node.Reference);
            if (batch.Count < BrowseBatch) continue;
            foreach (var described in await DescribeAsync(batch, cancellationToken)) yield return described;
            batch.Clear();
        }

        foreach (var described in await DescribeAsync(batch, cancellationToken)) yield return described;
    }

    public ValueTask DisposeAsync() => client.DisposeAsync();

    private static TagReading Unknown(string address) => new(
        address, null, null, 0, null, null, $"{address}: the server has no namespace {ExpandedNodeId.Parse(address).NamespaceUri}");

    private static string Sentence(StatusCode status) => $"{status.Name}{status.Advice}";

    private static DateTime? Known(DateTime time) => time > DateTime.MinValue ? time : null;

    private List<NodeId?> Resolve(IReadOnlyList<string> addresses) => [.. addresses.Select(a => client.Resolve(ExpandedNodeId.Parse(a)))];

    private async Task<TagReading> ReadingAsync(string address, DataValue value, NodeId? dataType, CancellationToken cancellationToken)
    {
        var quality = OpcUaValues.QualityOf(value.Status);
        var type = dataType is { } id ? await TypeNameAsync(id, cancellationToken) : value.Value.Type.ToString();
        if (value.Value.IsArray) type += "[]";
        if (value.Status.IsBad)
        {
            return new TagReading(
                address, null, dataType is null ? null : type, quality, Known(value.SourceTime), Known(value.ServerTime),
                    Sentence(value.Status));
        }

        var shown = value.Value.Type is BuiltInType.ExtensionObject or BuiltInType.Variant
            ? await client.DecodeAsync(value.Value, cancellationToken)
            : TagJson.Arranged(value.Value);
        // OPC 10000-3, 8.13: a Duration is a Double of milliseconds; here as everywhere outside seconds.
        if (dataType == new NodeId(DurationType))
        {
            if (shown is double duration) shown = duration / MsPerSecond;
            else if (shown is double[] durations) shown = Array.ConvertAll(durations, d => d / MsPerSecond);
        }

        return new TagReading(address, shown, type, quality, Known(value.SourceTime), Known(value.ServerTime), null);
    }

    private async Task<Variant> ParseAsync(NodeId node, JsonElement value, CancellationToken cancellationToken)
    {
        var asked = await client.ReadAsync(
            [new ReadNode(node, AttributeId.DataType), new ReadNode(node, AttributeId.ValueRank)], cancellationToken);
        if (asked[0].Value.Value is not NodeId type) throw new FormatException(Sentence(asked[0].Status));
        var builtIn = await client.BuiltInTypeOfAsync(type, cancellationToken)
            ?? throw new FormatException($"the server does not say what its type {type} is made of");
        var rank = (int)(asked[1].Value.AsDouble() ?? -2);
        if (builtIn == BuiltInType.ExtensionObject) return await client.EncodeAsync(type, value, rank, cancellationToken);
        var variant = VariantJson.Parse(value, builtIn, rank);
        if (type != new NodeId(DurationType)) return variant;
        if (variant.AsDouble() is { } seconds) return seconds * MsPerSecond;
        return variant.Value is double[] all ? Variant.From(Array.ConvertAll(all, s => s * MsPerSecond)) : variant;
    }

    private async Task<List<TagNode>> DescribeAsync(List<Reference> references, CancellationToken cancellationToken)
    {
        var variables = references.Where(r => r.NodeClass == NodeClasses.Variable).Select(r => client.Resolve(r.Target)!.Value).ToList();
        var asked = await client.ReadAsync(
            [
                .. variables.SelectMany(n => new[]
                {
                    new ReadNode(n, AttributeId.DataType), new ReadNode(n, AttributeId.ValueRank),
                        new ReadNode(n, AttributeId.UserAccessLevel),
                }),
            ],
            cancellationToken);
        var nodes = new List<TagNode>(references.Count);
        var at = 0;
        foreach (var reference in references)
        {
            string? type = null;
            var writable = false;
            if (reference.NodeClass == NodeClasses.Variable)
            {
                if (asked[at].Value.Value is NodeId id) type = await TypeNameAsync(id, cancellationToken);
                if (type is not null && asked[at + 1].Value.AsDouble() >= 0) type += "[]";
                writable = asked[at + 2].Value.Value is byte level && (level & CurrentWrite) != 0;
                at += 3;
            }

            var node = client.Resolve(reference.Target)!.Value;
            var kind = reference.NodeClass.ToString().ToLowerInvariant();
            nodes.Add(new TagNode(node.ToString(), reference.Name.Name ?? "", kind, type, writable) { LastingAddress = ByUri(node) });
        }

        return nodes;
    }

    private string? ByUri(NodeId node) => node.NamespaceIndex > 0 && node.NamespaceIndex < client.Namespaces.Count
        ? new ExpandedNodeId(node.In(0), client.Namespaces[node.NamespaceIndex]).ToString()
        : null;

    private async Task<string> TypeNameAsync(NodeId type, CancellationToken cancellationToken)
    {
        if (_typeNames.TryGetValue(type, out var known)) return known;
        var name = (await client.ReadAsync([new ReadNode(type, AttributeId.BrowseName)], cancellationToken))[0].Value.Value;
        return _typeNames[type] = name is QualifiedName { Name: { } text } ? text : type.ToString();
    }
}
