namespace OeeOrleans.OpcUa;

/// <summary>A value, its quality and its times (OPC 10000-4, 7.11).</summary>
public readonly record struct DataValue
{
    private readonly long _sourceTime;
    private readonly long _serverTime;

    public DataValue(Variant value, StatusCode status = default, DateTime sourceTime = default, DateTime serverTime = default)
        : this(value, status, OpcUaTime.FromDateTime(sourceTime), 0, OpcUaTime.FromDateTime(serverTime), 0)
    {
    }

    internal DataValue(
        Variant value, StatusCode status, long sourceTime, ushort sourcePicoseconds, long serverTime, ushort serverPicoseconds)
    {
        (Value, Status, _sourceTime, SourcePicoseconds) = (value, status, sourceTime, sourcePicoseconds);
        (_serverTime, ServerPicoseconds) = (serverTime, serverPicoseconds);
    }

    public Variant Value { get; }

    public StatusCode Status { get; }

    /// <summary>When the value came into being at its source, UTC, to 100 ns; the smallest time when it is not told.</summary>
    public DateTime SourceTime => OpcUaTime.ToDateTime(_sourceTime);

    /// <summary>When the server knew that it still holds, UTC; the smallest time when it is not told.</summary>
    public DateTime ServerTime => OpcUaTime.ToDateTime(_serverTime);

    /// <summary>Tens of picoseconds to add to <see cref="SourceTime"/>.</summary>
    public ushort SourcePicoseconds { get; }

    /// <summary>Tens of picoseconds to add to <see cref="ServerTime"/>.</summary>
    public ushort ServerPicoseconds { get; }

    internal long SourceTicks => _sourceTime;

    internal long ServerTicks => _serverTime;
}
