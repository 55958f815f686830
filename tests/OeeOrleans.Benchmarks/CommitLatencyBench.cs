using OeeOrleans.TestServers;

namespace OeeOrleans.Benchmarks;

/// <summary>
/// `oee load --store` at a rate: from publishing to commit, as PostgreSQL recorded the commits. usage: commit [MESSAGES_PER_S [SECONDS
/// [METRICS]]]
/// </summary>
internal static class CommitLatencyBench
{
    public static async Task<int> RunAsync(string[] args)
    {
        string Argument(int index, string otherwise) => args.Length > index ? args[index] : otherwise;
        await using var rig = await Rig.StartAsync("          - { id: press1 }");
        await using var load = ServerProcess.Start("dotnet",
        [
            Rig.Program,
            "load",
            "--broker",
            rig.Broker.ToString(),
            "--nodes",
            "10",
            "--devices",
            "5",
            "--metrics",
            Argument(2, "100"),
            "--rate",
            Argument(0, "1250"),
            "--seconds",
            Argument(1, "20"),
            "--store",
            rig.Connection,
        ]);
        await load.WaitForExitAsync(TimeSpan.FromMinutes(5));
        Console.WriteLine(load.Output);
        return load.ExitCode;
    }
}
