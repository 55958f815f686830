using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>`oee tags` as a user types it.</summary>
internal static class OeeTags
{
    public static ServerProcess Start(string verb, string source, params IEnumerable<string> arguments) =>
        ServerProcess.Start("dotnet", [Oee.Program, "tags", verb, "--source", source, .. arguments]);

    /// <summary>To its end: exit code, the lines that are JSON, and all it said.</summary>
    public static async Task<(int Code, List<JsonElement> Lines, string Output)> EndAsync(ServerProcess started)
    {
        await using var process = started;
        await process.WaitForExitAsync(TimeSpan.FromSeconds(60));
        return (process.ExitCode, Lines(process), process.Output);
    }

    public static List<JsonElement> Lines(ServerProcess process) =>
    [
        .. process.Output.Split('\n').Where(l => l.StartsWith('{')).Select(l => JsonDocument.Parse(l).RootElement),
    ];
}
