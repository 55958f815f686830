using OeeOrleans.TestServers;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>`oee run` as a process of its own, ready when it is started; ports that are not asked for are any free ones.</summary>
internal static class OeeRun
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    public static async Task<ServerProcess> StartAsync(string config, int mqttPort = 0, params string[] more)
    {
        var process = ServerProcess.Start(
            "dotnet",
            [
                Repository.Oee, "run", "--config", config, "--mqtt-port", $"{mqttPort}", "--silo-port", "0", "--gateway-port", "0", .. more,
            ]);
        await Eventually.TrueAsync("oee to be ready", Soon, () => process.HasExited
            ? throw new InvalidOperationException(process.Output)
            : Task.FromResult(process.Output.Contains("ready;", StringComparison.Ordinal)));
        return process;
    }
}
