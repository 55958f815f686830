using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using OeeOrleans.OpcUa.Services;
using OeeOrleans.OpcUa.Sessions;

namespace OeeOrleans.OpcUa;

/// <summary>Reading, writing, browsing, history and methods.</summary>
public sealed partial class OpcUaClient
{
    /// <summary>Browse calls that are under way at a time.</summary>
    private const int BrowsesAtOnce = 4;

    /// <summary>Nodes whose references are asked for in one call at most: the answers are long.</summary>
    private const int NodesPerBrowse = 250;

    private const int MaxBrowseAttempts = 5;
    private static readonly TimeSpan BrowsePause = TimeSpan.FromMilliseconds(50);

    /// <summary>Empty pages of history in a row; more say nothing.</summary>
    private const int MaxEmptyPages = 10;

    /// <summary>Values of one history call.</summary>
    private const int HistoryPage = 10_000;

    /// <summary>Reads one value.</summary>
    /// <exception cref="OpcUaException">There is no connection, or no answer. That a node cannot be read is the value's status.</exception>
    public async Task<DataValue> ReadAsync(NodeId node, CancellationToken cancellationToken = default) =>
        (await ReadAsync([node], cancellationToken).ConfigureAwait(false))[0];

    /// <summary>Reads values, and other attributes; one answer for each, in their order.</summary>
    /// <inheritdoc cref="ReadAsync(NodeId, CancellationToken)"/>
    public async Task<IReadOnlyList<DataValue>> ReadAsync(IReadOnlyList<ReadNode> nodes, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        var link = Current;
        var values = new List<DataValue>(nodes.Count);
        await link.InBatchesAsync(nodes, link.Limits.NodesPerRead, async batch =>
        {
            var some = await link.CallAsync(new ReadRequest(batch.ToArray(), 0), ReadRequest.Read, cancellationToken).ConfigureAwait(false);
            CheckCount(some.Length, batch.Count, "Read");
            values.AddRange(some);
        }, isRepeatable: true).ConfigureAwait(false);
        return values;
    }

    /// <summary>Writes one value.</summary>
    /// <returns>What the server says of it.</returns>
    public async Task<StatusCode> WriteAsync(NodeId node, Variant value, CancellationToken cancellationToken = default) =>
        (await WriteAsync([new WriteNode(node, new DataValue(value))], cancellationToken).ConfigureAwait(false))[0];

    /// <summary>Writes values; one status for each, in their order.</summary>
    /// <exception cref="OpcUaException">There is no connection, or no answer: whether something was written is not known.</exception>
    public async Task<IReadOnlyList<StatusCode>> WriteAsync(IReadOnlyList<WriteNode> nodes, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        var link = Current;
        var results = new List<StatusCode>(nodes.Count);
        await link.InBatchesAsync(nodes, link.Limits.NodesPerWrite, async batch =>
        {
            var some = await link.CallAsync(new WriteRequest(batch.ToArray()), WriteRequest.Read, cancellationToken).ConfigureAwait(false);
            CheckCount(some.Length, batch.Count, "Write");
            results.AddRange(some);
        }).ConfigureAwait(false);
        return results;
    }

    /// <summary>What one node refers to.</summary>
    public async IAsyncEnumerable<Reference> BrowseAsync(
        NodeId node, BrowseOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var (status, references) =
            (await BrowseManyAsync([node], options ?? BrowseOptions.Hierarchy, cancellationToken).ConfigureAwait(false))[0];
        if (status.IsBad) throw Refused.Call(Url, $"to browse {node}", status);
        foreach (var reference in references) yield return reference;
    }

    /// <summary>
    /// Everything below a node, level by level, each node once, into variables as well; as a stream, so that a hundred thousand nodes need
    /// no list.
    /// </summary>
    /// <param name="from">Where to start; its own references come first.</param>
    /// <param name="maxDepth">Levels at most.</param>
    /// <param name="options">Which references to follow.</param>
    public async IAsyncEnumerable<BrowsedNode> BrowseTreeAsync(
        NodeId from, int maxDepth = int.MaxValue, BrowseOptions? options = null,
            [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        options ??= BrowseOptions.Hierarchy;
        var seen = new HashSet<NodeId> { from };
        var level = new List<NodeId> { from };
        for (var depth = 1; depth <= maxDepth && level.Count > 0; depth++)
        {
            var next = new List<NodeId>();
            var found = BrowseLevelAsync(level, options, isStart: depth == 1, cancellationToken);
            await foreach (var (parent, reference) in found.ConfigureAwait(false))
            {
                var id = reference.Target.Resolve(Namespaces);
                // What lies in another server, or was met already.
                if (reference.Target.ServerIndex != 0 || id is not { } node || !seen.Add(node)) continue;
                yield return new BrowsedNode(parent, reference, depth);
                if (reference.NodeClass is NodeClasses.Object or NodeClasses.Variable or NodeClasses.View or NodeClasses.All) next.Add(
                    node);
            }

            level = next;
        }
    }

    /// <summary>Finds nodes by the names that lead to them; null where there is none.</summary>
    public async Task<IReadOnlyList<NodeId?>> TranslateAsync(IReadOnlyList<BrowsePath> paths, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var link = Current;
        var found = new List<NodeId?>(paths.Count);
        await link.InBatchesAsync(paths, link.Limits.NodesPerTranslate, async batch =>
        {
            var some = await link.CallAsync(new TranslateRequest(batch.ToArray()), TranslateRequest.Read,
                cancellationToken).ConfigureAwait(false);
            CheckCount(some.Count, batch.Count, "TranslateBrowsePaths");
            found.AddRange(some.Select(r => r.Node));
        }, isRepeatable: true).ConfigureAwait(false);
        return found;
    }

    /// <summary>Raw values that the server has kept of a node, from one time (included) to another (not included), oldest first.</summary>
    /// <exception cref="OpcUaException">There is no connection, or the server keeps no history of it.</exception>
    public async IAsyncEnumerable<DataValue> ReadHistoryAsync(
        NodeId node, DateTime from, DateTime to, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var link = Current;
        byte[]? continuation = null;
        var empty = 0;
        do
        {
            var results = await link.CallAsync(
                new HistoryReadRequest([(node, continuation)], from, to, HistoryPage, false), HistoryReadRequest.Read, cancellationToken)
                .ConfigureAwait(false);
            CheckCount(results.Count, 1, "HistoryRead");
            var (status, more, values) = results[0];
            if (status.IsBad) throw Refused.Call(Url, $"the history of {node}", status);
            foreach (var value in values) yield return value;
            // A server that goes on without giving anything would go on for ever.
            empty = values.Length > 0 ? 0 : empty + 1;
            if (empty > MaxEmptyPages) throw Refused.Call(Url, $"the history of {node}, page after empty page", StatusCodes.BadNoData);
            continuation = more is { Length: > 0 } ? more : null;
        }
        while (continuation is not null);
    }

    /// <summary>Calls a method of an object.</summary>
    /// <returns>Its output arguments.</returns>
    /// <exception cref="OpcUaException">There is no connection, or the server refuses.</exception>
    public async Task<IReadOnlyList<Variant>> CallAsync(
        NodeId objectId, NodeId method, IReadOnlyList<Variant> inputs, CancellationToken cancellationToken = default)
    {
        var answer = await Current.CallAsync(new CallMethodRequest(objectId, method, inputs), CallMethodRequest.Read, cancellationToken)
            .ConfigureAwait(false);
        return answer.Status.IsBad ? throw Refused.Call(Url, $"to call {method}", answer.Status) : answer.Outputs;
    }

    /// <summary>
    /// Reads structures by the definitions the server gives of them, fetched once each and only when met: fields by name. What cannot be
    /// read stays the <see cref="ExtensionObject"/> it is.
    /// </summary>
    /// <returns>The value with <see cref="StructureValue"/> in place of structures; arrays become `object?[]`.</returns>
    public Task<object?> DecodeAsync(Variant value, CancellationToken cancellationToken = default) =>
        Structures.DecodeAsync(value, cancellationToken);

    /// <summary>
    /// The built-in type that values of a data type are made of: Int32 for an enumeration, Double for a Duration, ExtensionObject for a
    /// structure; null when the server does not say.
    /// </summary>
    public Task<BuiltInType?> BuiltInTypeOfAsync(NodeId dataType, CancellationToken cancellationToken = default) =>
        Structures.BuiltInOfAsync(dataType, cancellationToken);

    /// <summary>Makes a value of a structured data type from JSON, by the definition the server gives; an array from an array.</summary>
    /// <exception cref="FormatException">The JSON does not fit the type; the message says where.</exception>
    public Task<Variant> EncodeAsync(NodeId dataType, JsonElement json, int valueRank, CancellationToken cancellationToken = default) =>
        Structures.EncodeAsync(dataType, json, valueRank, cancellationToken);

    /// <summary>The address of a node in this session; null when its namespace is not there.</summary>
    public NodeId? Resolve(ExpandedNodeId node) => node.Resolve(Namespaces);

    /// <summary>
    /// The address of a watched node in this session, in the namespace its index meant when it was first used; null when that is not there.
    /// </summary>
    public NodeId? Resolve(MonitoredItem item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return Current.Resolve(item);
    }

    /// <summary>References of nodes, as many calls at a time as are good for both sides.</summary>
    private async IAsyncEnumerable<(NodeId Parent, Reference Reference)> BrowseLevelAsync(
        List<NodeId> nodes, BrowseOptions options, bool isStart, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var size = Math.Min(NodesPerBrowse, Current.Limits.NodesPerBrowse);
        var running = new Queue<(List<NodeId> Nodes, Task<List<(StatusCode, List<Reference>)>> Call)>();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            for (var at = 0; at < nodes.Count || running.Count > 0;)
            {
                while (at < nodes.Count && running.Count < BrowsesAtOnce)
                {
                    var batch = nodes.GetRange(at, Math.Min(size, nodes.Count - at));
                    at += batch.Count;
                    running.Enqueue((batch, BrowseManyAsync(batch, options, over.Token)));
                }

                var (parents, call) = running.Dequeue();
                var results = await call.ConfigureAwait(false);
                for (var i = 0; i < parents.Count; i++)
                {
                    // That the start is not there is an error. A node below it that may not be browsed hides what is below that.
                    if (isStart && results[i].Item1.IsBad) throw Refused.Call(Url, $"to browse {parents[i]}", results[i].Item1);
                    foreach (var reference in results[i].Item2) yield return (parents[i], reference);
                }
            }
        }
        finally
        {
            // Nobody wants the rest any more.
            await over.CancelAsync().ConfigureAwait(false);
            foreach (var (_, call) in running) await ((Task)call).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<List<(StatusCode Status, List<Reference> References)>> BrowseManyAsync(
        IReadOnlyList<NodeId> nodes, BrowseOptions options, CancellationToken cancellationToken)
    {
        var link = Current;
        var all = new List<(StatusCode, List<Reference>)>(nodes.Count);
        await link.InBatchesAsync(
            nodes, Math.Min(NodesPerBrowse, link.Limits.NodesPerBrowse),
            async batch => all.AddRange(await BrowseBatchAsync(link, batch, options, cancellationToken).ConfigureAwait(false)),
            "Browse", isRepeatable: true).ConfigureAwait(false);
        return all;
    }

    private async Task<IEnumerable<(StatusCode, List<Reference>)>> BrowseBatchAsync(
        ServerLink link, IReadOnlyList<NodeId> batch, BrowseOptions options, CancellationToken cancellationToken)
    {
        var answers =
            await link.CallAsync(new BrowseRequest(batch.ToArray(), options), BrowseRequest.Read, cancellationToken).ConfigureAwait(false);
        CheckCount(answers.Count, batch.Count, "Browse");
        await ContinueAsync(link, answers, cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < answers.Count; i++)
        {
            // A server has few continuation points, and other calls may have taken them: these nodes alone, when some are free again.
            for (var attempt = 1; answers[i].Status.Code == StatusCodes.BadNoContinuationPoints; attempt++)
            {
                if (attempt > MaxBrowseAttempts) throw Refused.Call(Url, $"to browse {batch[i]}", answers[i].Status);
                await Task.Delay(BrowsePause * attempt, _clock, cancellationToken).ConfigureAwait(false);
                var again = await link.CallAsync(
                    new BrowseRequest(new[] { batch[i] }, options), BrowseRequest.Read, cancellationToken).ConfigureAwait(false);
                CheckCount(again.Count, 1, "Browse");
                await ContinueAsync(link, again, cancellationToken).ConfigureAwait(false);
                answers[i] = again[0];
            }
        }

        return answers.Select(a => (a.Status, a.References));
    }

    /// <summary>Fetches what did not fit into the first answers (OPC 10000-4, 5.8.3); a list that cannot be completed is no list.</summary>
    private async Task ContinueAsync(ServerLink link, List<BrowseAnswer> answers, CancellationToken cancellationToken)
    {
        var open = answers.Where(a => a.Continuation is { Length: > 0 }).Select(a => (a.References, Point: a.Continuation!)).ToList();
        try
        {
            while (open.Count > 0)
            {
                var some = open.GetRange(0, Math.Min(open.Count, link.Limits.NodesPerBrowse));
                var more = await link.CallAsync(
                    new BrowseNextRequest([.. some.Select(o => o.Point)], false), BrowseRequest.Read, cancellationToken)
                        .ConfigureAwait(false);
                CheckCount(more.Count, some.Count, "BrowseNext");
                open.RemoveRange(0, some.Count);
                for (var i = 0; i < some.Count; i++)
                {
                    if (more[i].Status.IsBad) throw Refused.Call(Url, "to go on browsing", more[i].Status);
                    some[i].References.AddRange(more[i].References);
                    // One that goes on without giving anything would go on for ever.
                    if (more[i].Continuation is { Length: > 0 } point && more[i].References.Count > 0) open.Add(
                        (some[i].References, point));
                }
            }
        }
        catch when (open.Count > 0)
        {
            await ReleaseAsync(link, [.. open.Select(o => o.Point)]).ConfigureAwait(false);
            throw;
        }
    }

    private async Task ReleaseAsync(ServerLink link, List<byte[]> points)
    {
        using var limit = new CancellationTokenSource(Goodbye, _clock);
        try
        {
            await link.CallAsync(new BrowseNextRequest(points, true), BrowseRequest.Read, limit.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is OpcUaException or OperationCanceledException)
        {
            // The server lets them go with the session.
            _log.LogDebug(error, "{Url}: continuation points not released", Url);
        }
    }

    private void CheckCount(int came, int asked, string service)
    {
        if (came == asked) return;
        throw new OpcUaException(StatusCodes.BadUnknownResponse, $"{Url} answers {service} for {asked} nodes with {came} results");
    }
}
