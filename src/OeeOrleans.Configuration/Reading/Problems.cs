namespace OeeOrleans.Configuration.Reading;

/// <summary>The problems of one file.</summary>
internal sealed class Problems(string file)
{
    public List<ConfigProblem> Found { get; } = [];

    /// <summary>How a message names the place where something else stands; a document that was no file has no lines.</summary>
    public Func<long, string> Place { get; init; } = line => $"in line {line}";

    public void Add(long line, string message) => Found.Add(new ConfigProblem(file, line, message));
}
