namespace OeeOrleans.OpcUa.Transport;

/// <summary>Sizes of chunks and messages (OPC 10000-6, 7.1.2.3), bytes; 0 = no limit was told.</summary>
/// <param name="SendBuffer">Longest chunk we may send.</param>
/// <param name="ReceiveBuffer">Longest chunk that comes.</param>
/// <param name="MaxRequest">Longest request.</param>
/// <param name="MaxRequestChunks">Chunks of a request at most.</param>
internal readonly record struct TransportLimits(int SendBuffer, int ReceiveBuffer, long MaxRequest, int MaxRequestChunks)
{
    /// <summary>OPC 10000-6, 7.1.2.3: no buffer is smaller.</summary>
    public const int SmallestBuffer = 8192;

    /// <summary>What we offer; larger ones gain nothing over loopback and more is only memory.</summary>
    public const int OfferedBuffer = 65_535;

    /// <summary>Chunks of one answer at most, whatever their size: a peer that sends empty ones would never end.</summary>
    public const int MaxResponseChunks = 16_384;
}
