using System.Text.Json;

namespace OeeOrleans.Edge.Tags;

/// <summary>A tag as it was read.</summary>
/// <param name="Address">As it was asked for.</param>
/// <param name="Value">What <see cref="TagJson"/> writes; null when bad.</param>
/// <param name="Type">Its type in the PLC's words, `[]` behind it for an array; null when not known.</param>
/// <param name="Quality">OPC number: 192 good, 64..191 uncertain, below bad.</param>
/// <param name="SourceTime">By the device, UTC; null when not told.</param>
/// <param name="ServerTime">By the server, UTC; null when not told.</param>
/// <param name="Error">A sentence when it is bad.</param>
public sealed record TagReading(
    string Address, object? Value, string? Type, int Quality, DateTime? SourceTime, DateTime? ServerTime, string? Error);

/// <summary>What became of a write.</summary>
public sealed record TagWriteResult(string Address, bool Ok, string? Error);

/// <summary>A node or tag that was found.</summary>
/// <param name="Address">To read it by.</param>
/// <param name="Name">What it is called.</param>
/// <param name="Kind">`object`, `variable`, `method`, … in the protocol's words.</param>
/// <param name="Type">Of a variable's values; null for what has none.</param>
/// <param name="Writable">Whether this user may write it.</param>
public sealed record TagNode(string Address, string Name, string Kind, string? Type, bool Writable)
{
    /// <summary>An address that means the same after the PLC was restarted or changed, where the protocol has one.</summary>
    public string? LastingAddress { get; init; }
}

/// <summary>One PLC, to look at and to change by hand. Whatever the protocol, one bad address spoils no other.</summary>
public interface ITagAccess : IAsyncDisposable
{
    /// <summary>One reading for each address, in their order.</summary>
    Task<IReadOnlyList<TagReading>> ReadAsync(IReadOnlyList<string> addresses, CancellationToken cancellationToken);

    /// <summary>One result for each, in their order.</summary>
    Task<IReadOnlyList<TagWriteResult>> WriteAsync(
        IReadOnlyList<(string Address, JsonElement Value)> values, CancellationToken cancellationToken);

    /// <summary>What each tag shows now, in their order, and then every change, until it is cancelled.</summary>
    IAsyncEnumerable<TagReading> WatchAsync(IReadOnlyList<string> addresses, TimeSpan interval, CancellationToken cancellationToken);

    /// <param name="from">Where to start; null: where the PLC's own tags are.</param>
    /// <param name="depth">Levels at most; null: all.</param>
    IAsyncEnumerable<TagNode> BrowseAsync(string? from, int? depth, CancellationToken cancellationToken);
}
