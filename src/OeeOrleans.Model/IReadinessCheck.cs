namespace OeeOrleans.Model;

/// <summary>Something a process needs to do its work. Asked by `/health/ready`.</summary>
public interface IReadinessCheck
{
    /// <summary>What is checked, in a word: `store`, `broker`, `disk`, `silo`.</summary>
    string Name { get; }

    /// <summary>Null when all is well, else why not, in a sentence without credentials.</summary>
    Task<string?> WhyNotAsync(CancellationToken cancellationToken);
}
