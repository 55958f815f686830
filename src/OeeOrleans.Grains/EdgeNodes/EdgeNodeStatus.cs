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

    /// <summary>What it says of the sources that the plant gave it; null: it takes none.</summary>
    [Id(7)]
    public ToldSourcesStatus? Sources { get; init; }
}

/// <summary>What an edge node says of the sources that the plant gave it (<see cref="CommitProtocol.SourcesReport"/>).</summary>
[GenerateSerializer]
[Immutable]
[Alias("oee.told-sources-status")]
public sealed record ToldSourcesStatus
{
    [Id(0)]
    public required long Number { get; init; }

    /// <summary>Of those it reads.</summary>
    [Id(1)]
    public required string Digest { get; init; }

    /// <summary>Of those it was told and does not read.</summary>
    [Id(2)]
    public string? Refused { get; init; }

    /// <summary>Why not.</summary>
    [Id(3)]
    public string? Problem { get; init; }

    /// <summary>The plant whose word they are.</summary>
    [Id(4)]
    public string? Host { get; init; }
}
