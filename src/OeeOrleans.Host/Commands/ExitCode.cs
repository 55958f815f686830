namespace OeeOrleans.Host.Commands;

/// <summary>What the process tells its caller.</summary>
internal static class ExitCode
{
    public const int Success = 0;
    public const int Failure = 1;
    /// <summary>Wrong usage, or a configuration that cannot be used.</summary>
    public const int WrongUsage = 2;
}
