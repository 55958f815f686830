using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources.Polling;

/// <summary>What a protocol whose tags are polled must know; all else is <see cref="PolledSource"/>'s.</summary>
internal interface IPlcDriver
{
    /// <summary>Datatype of a tag as published; Unknown until the PLC was asked, where only that knows it.</summary>
    SparkplugDataType TypeOf(int tag);

    /// <summary>Grows whenever a type is another than before.</summary>
    int TypesVersion => 0;

    /// <summary>One attempt to connect, bounded in time by itself.</summary>
    /// <param name="groups">Indexes of the tags that are read together: one group for each interval.</param>
    /// <exception cref="PlcException">There is nobody, or he refuses.</exception>
    Task<IPlcConnection> ConnectAsync(IReadOnlyList<int[]> groups, CancellationToken cancellationToken);
}

/// <summary>A connection to a PLC. Several groups are read at a time, and a write may go on
/// beside; no group is read twice at a time.</summary>
internal interface IPlcConnection : IAsyncDisposable
{
    /// <summary>Done when it is over, with the reason.</summary>
    Task<string> Closed { get; }

    /// <summary>Reads a group. A tag that cannot be read is that tag's own affair.</summary>
    /// <exception cref="PlcException">The whole reading failed.</exception>
    ValueTask ReadAsync(int group, PlcReadings into, CancellationToken cancellationToken);

    /// <summary>Writes a value in the PLC's own units.</summary>
    /// <returns>What stood there before; null when that could not be read.</returns>
    /// <exception cref="PlcException">The PLC refuses.</exception>
    /// <exception cref="ArgumentException">The value is nothing for this tag.</exception>
    Task<object?> WriteAsync(int tag, object? value, CancellationToken cancellationToken);

    /// <summary>Reads one tag; null when it cannot be read.</summary>
    /// <exception cref="PlcException">The connection is over.</exception>
    Task<object?> ReadBackAsync(int tag, CancellationToken cancellationToken);
}

/// <summary>What the tags of a source show, by index. A tag whose bytes are what they were keeps its object.</summary>
internal sealed class PlcReadings(int count)
{
    /// <summary>long, ulong, double, bool or string; null when bad.</summary>
    public object?[] Values { get; } = new object?[count];

    /// <summary>OPC numbers.</summary>
    public int[] Qualities { get; } = new int[count];

    /// <summary>Why a tag is bad; null when it is not.</summary>
    public string?[] Errors { get; } = new string?[count];
}

/// <summary>A PLC could not be reached, or refused.</summary>
public sealed class PlcException : Exception
{
    public PlcException()
    {
    }

    public PlcException(string message)
        : base(message)
    {
    }

    public PlcException(string message, Exception? inner)
        : base(message, inner)
    {
    }

    /// <param name="isAway">Nobody answered, rather than refused.</param>
    public PlcException(string message, bool isAway, Exception? inner = null)
        : base(message, inner) => IsAway = isAway;

    /// <summary>Nobody answered, rather than refused: of a write it is not known then whether it was carried out.</summary>
    public bool IsAway { get; }

    /// <summary>Of a write: what stood there before, when that was read.</summary>
    public object? Before { get; init; }
}
