namespace OeeOrleans.Configuration;

/// <summary>Something wrong in a configuration, and where.</summary>
/// <param name="File">The file; empty of a document that is in none.</param>
/// <param name="Line">Its line, counted from 1.</param>
/// <param name="Message">What is wrong, and what would be right.</param>
public sealed record ConfigProblem(string File, long Line, string Message)
{
    /// <summary>Where it is, as a JSON pointer (RFC 6901) into the plant document; null of a file.</summary>
    public string? Pointer { get; init; }

    public override string ToString() => Pointer is null ? $"{File}:{Line}: {Message}" : $"{Pointer}: {Message}";
}

/// <summary>A configuration that cannot be used; holds every problem.</summary>
public sealed class ConfigException(IReadOnlyList<ConfigProblem> problems)
    : Exception(string.Join(Environment.NewLine, problems))
{
    public IReadOnlyList<ConfigProblem> Problems => problems;
}
