using OeeOrleans.OpcUa.Binary;

namespace OeeOrleans.OpcUa.Services;

/// <summary>OPC 10000-4, 5.10.2.</summary>
internal readonly record struct ReadRequest(ArraySegment<ReadNode> Nodes, double MaxAgeMs) : IRequest
{
    private const uint BothTimes = 2;

    public static uint TypeId => 631;

    public static DataValue[] Read(ref UaReader reader)
    {
        var length = reader.ArrayLength(1);
        if (length <= 0) return [];
        reader.Spend(length * 64L);
        var values = new DataValue[length];
        for (var i = 0; i < length; i++) values[i] = reader.DataValue();
        return values;
    }

    public void Write(UaWriter writer)
    {
        writer.Double(MaxAgeMs);
        writer.UInt32(BothTimes);
        writer.Array(Nodes, static (w, n) => n.Write(w));
    }
}

/// <summary>OPC 10000-4, 5.10.4.</summary>
internal readonly record struct WriteRequest(ArraySegment<WriteNode> Nodes) : IRequest
{
    public static uint TypeId => 673;

    public void Write(UaWriter writer) => writer.Array(Nodes, static (w, n) =>
    {
        w.NodeId(n.Node);
        w.UInt32((uint)n.Attribute);
        w.String(n.IndexRange);
        w.DataValue(n.Value);
    });

    public static StatusCode[] Read(ref UaReader reader) => reader.StatusCodeArray();
}

/// <summary>Raw history of some nodes (OPC 10000-11, 6.4.3 and OPC 10000-4, 5.10.3).</summary>
internal readonly record struct HistoryReadRequest(
    IReadOnlyList<(NodeId Node, byte[]? Continuation)> Nodes, DateTime From, DateTime To, uint MaxValues, bool Release) : IRequest
{
    private const uint ReadRawModifiedDetails = 649;
    private const uint SourceAndServerTimes = 2;

    public static uint TypeId => 664;

    public void Write(UaWriter writer)
    {
        var start = writer.BeginExtensionObject(ReadRawModifiedDetails);
        writer.Boolean(false);
        writer.DateTime(From);
        writer.DateTime(To);
        writer.UInt32(MaxValues);
        writer.Boolean(false);
        writer.EndExtensionObject(start);
        writer.UInt32(SourceAndServerTimes);
        writer.Boolean(Release);
        writer.Array(Nodes, static (w, n) =>
        {
            w.NodeId(n.Node);
            w.String(null);
            w.QualifiedName(default);
            w.ByteString(n.Continuation);
        });
    }

    public static List<HistoryAnswer> Read(ref UaReader reader)
    {
        var results = new List<HistoryAnswer>();
        for (var left = reader.ArrayLength(8); left > 0; left--)
        {
            var status = reader.StatusCode();
            var continuation = reader.ByteString();
            var values = ReadValues(ref reader);
            results.Add(new HistoryAnswer(status, continuation, values));
        }

        return results;
    }

    private static DataValue[] ReadValues(ref UaReader reader)
    {
        if (!reader.BeginExtensionObject(out _, out var end)) return [];
        var values = ReadRequest.Read(ref reader);
        reader.SkipTo(end);
        return values;
    }
}

/// <summary>What a server has of one node.</summary>
internal readonly record struct HistoryAnswer(StatusCode Status, byte[]? Continuation, DataValue[] Values);

/// <summary>One method of one object (OPC 10000-4, 5.11.2).</summary>
internal readonly record struct CallMethodRequest(NodeId Object, NodeId Method, IReadOnlyList<Variant> Inputs) : IRequest
{
    public static uint TypeId => 712;

    public void Write(UaWriter writer)
    {
        writer.Int32(1);
        writer.NodeId(Object);
        writer.NodeId(Method);
        writer.Array(Inputs, static (w, v) => w.Variant(v));
    }

    public static CallAnswer Read(ref UaReader reader)
    {
        if (reader.ArrayLength(4) < 1) return new CallAnswer(StatusCodes.BadUnknownResponse, []);
        var status = reader.StatusCode();
        reader.StatusCodeArray();
        reader.SkipDiagnosticInfos();
        var outputs = new List<Variant>();
        for (var left = reader.ArrayLength(1); left > 0; left--) outputs.Add(reader.Variant());
        return new CallAnswer(status, outputs);
    }
}

/// <summary>What a method gave.</summary>
internal readonly record struct CallAnswer(StatusCode Status, List<Variant> Outputs);
