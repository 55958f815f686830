using OeeOrleans.OpcUa.Binary;

namespace OeeOrleans.OpcUa.Services;

/// <summary>A request: the ids of its encoding and of its answer's, and its fields behind the header.</summary>
internal interface IRequest
{
    /// <summary>Encoding id (OPC 10000-6, A.3); the answer's is three higher for every service.</summary>
    static abstract uint TypeId { get; }

    void Write(UaWriter writer);
}

/// <summary>Reads the fields of an answer behind its header.</summary>
internal delegate T ReadAnswer<out T>(ref UaReader reader);

/// <summary>Headers of requests and answers (OPC 10000-4, 7.33 and 7.34).</summary>
internal static class ServiceHeader
{
    private const uint ServiceFault = 397;

    /// <summary>From the encoding id of a request to that of its answer.</summary>
    private const uint ToAnswer = 3;

    public static void Write<TRequest>(UaWriter writer, NodeId session, DateTime now, uint handle, TimeSpan timeout)
        where TRequest : IRequest
    {
        writer.NodeId(new NodeId(TRequest.TypeId));
        writer.NodeId(session);
        writer.DateTime(now);
        writer.UInt32(handle);
        writer.UInt32(0);
        writer.String(null);
        writer.UInt32((uint)Math.Min(timeout.TotalMilliseconds, uint.MaxValue));
        writer.ExtensionObject(null);
    }

    /// <summary>Reads type and header of an answer; returns what the server says of the whole call.</summary>
    /// <exception cref="OpcUaException">It is no answer to such a request.</exception>
    public static StatusCode Read<TRequest>(ref UaReader reader)
        where TRequest : IRequest
    {
        var type = reader.NodeId();
        reader.DateTime();
        reader.UInt32();
        var status = reader.StatusCode();
        reader.SkipDiagnosticInfo();
        for (var left = reader.ArrayLength(4); left > 0; left--) reader.SkipBytes();
        reader.ExtensionObject();
        if (type == new NodeId(TRequest.TypeId + ToAnswer)) return status;
        if (type == new NodeId(ServiceFault)) return status.IsBad ? status : StatusCodes.BadUnknownResponse;
        throw new OpcUaException(
            StatusCodes.BadUnknownResponse, $"the server answers a request {TRequest.TypeId} with {type}, which is no answer to it");
    }
}
