namespace OeeOrleans.Commands;

/// <summary>The section `commands` of the configuration.</summary>
public sealed record CommandOptions
{
    /// <summary>How long somebody may take to approve one.</summary>
    public TimeSpan ApproveWithin { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long the edge node's answer is waited for; then nobody knows what became of it.</summary>
    public TimeSpan AnswerWithin { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long after it was sent an edge node may still begin with it.</summary>
    public TimeSpan BeginWithin { get; } = TimeSpan.FromSeconds(15);
}
