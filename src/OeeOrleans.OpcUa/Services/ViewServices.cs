using OeeOrleans.OpcUa.Binary;

namespace OeeOrleans.OpcUa.Services;

/// <summary>OPC 10000-4, 5.8.2.</summary>
internal readonly record struct BrowseRequest(ArraySegment<NodeId> Nodes, BrowseOptions Options) : IRequest
{
    private const uint AllFields = 63;

    public static uint TypeId => 527;

    public void Write(UaWriter writer)
    {
        // No view, at the present.
        writer.NodeId(default);
        writer.Int64(0);
        writer.UInt32(0);
        writer.UInt32((uint)Options.MaxReferencesPerNode);
        var options = Options;
        writer.Array(Nodes, (w, n) =>
        {
            w.NodeId(n);
            w.UInt32(options.Inverse ? 1u : 0);
            w.NodeId(options.ReferenceType);
            w.Boolean(true);
            w.UInt32((uint)options.NodeClasses);
            w.UInt32(AllFields);
        });
    }

    public static List<BrowseAnswer> Read(ref UaReader reader)
    {
        var results = new List<BrowseAnswer>();
        for (var left = reader.ArrayLength(12); left > 0; left--)
        {
            var status = reader.StatusCode();
            var continuation = reader.ByteString();
            var count = reader.ArrayLength(12);
            var references = new List<Reference>(Math.Max(0, count));
            reader.Spend(Math.Max(0, count) * 128L);
            for (; count > 0; count--) references.Add(ReadReference(ref reader));
            results.Add(new BrowseAnswer(status, continuation, references));
        }

        return results;
    }

    private static Reference ReadReference(ref UaReader reader)
    {
        var type = reader.NodeId();
        var forward = reader.Boolean();
        var target = reader.ExpandedNodeId();
        var (name, display) = (reader.QualifiedName(), reader.LocalizedText());
        var kind = (NodeClasses)reader.UInt32();
        return new Reference(target, name, display.Text, kind, type, reader.ExpandedNodeId().NodeId, forward);
    }
}

/// <summary>What one node refers to, or the first of it.</summary>
internal readonly record struct BrowseAnswer(StatusCode Status, byte[]? Continuation, List<Reference> References);

/// <summary>OPC 10000-4, 5.8.3.</summary>
internal readonly record struct BrowseNextRequest(IReadOnlyList<byte[]> Continuations, bool Release) : IRequest
{
    public static uint TypeId => 533;

    public void Write(UaWriter writer)
    {
        writer.Boolean(Release);
        writer.Array(Continuations, static (w, c) => w.ByteString(c));
    }
}

/// <summary>OPC 10000-4, 5.8.4.</summary>
internal readonly record struct TranslateRequest(ArraySegment<BrowsePath> Paths) : IRequest
{
    private const uint HierarchicalReferences = 33;

    public static uint TypeId => 554;

    public void Write(UaWriter writer) => writer.Array(Paths, static (w, p) =>
    {
        w.NodeId(p.From);
        w.Array(p.Names, static (inner, name) =>
        {
            inner.NodeId(new NodeId(HierarchicalReferences));
            inner.Boolean(false);
            inner.Boolean(true);
            inner.QualifiedName(name);
        });
    });

    public static List<(StatusCode Status, NodeId? Node)> Read(ref UaReader reader)
    {
        var results = new List<(StatusCode, NodeId?)>();
        for (var left = reader.ArrayLength(8); left > 0; left--)
        {
            var status = reader.StatusCode();
            NodeId? node = null;
            for (var targets = reader.ArrayLength(6); targets > 0; targets--)
            {
                var target = reader.ExpandedNodeId();
                // A path that ends in another server has an index of what is left of it.
                if (reader.UInt32() == uint.MaxValue) node ??= target.NodeId;
            }

            results.Add((node is null && !status.IsBad ? StatusCodes.BadNotFound : status, node));
        }

        return results;
    }
}
