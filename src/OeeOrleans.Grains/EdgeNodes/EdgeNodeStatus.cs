namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>An edge node as its host sees it.</summary>
[GenerateSerializer]
[Immutable]
[Alias("oee.edge-node-status")]
public sealed record EdgeNodeStatus
{
    [Id(0)]
    public required string EdgeNode { get; init; }
    [Id(1)]
    public bool Online { get; init; }
    [Id(2)]
    public long? LastMessageUs { get; init; }
    /// <summary>Its clock minus ours, seconds; includes the shortest way here, so a little below the truth.</summary>
    [Id(3)]
    public double? ClockSkewS { get; init; }
    [Id(4)]
    public long MissedMessages { get; init; }
    [Id(5)]
    public long RebirthsRequested { get; init; }
    [Id(6)]
    public string[] Devices { get; init; } = [];
}
