using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;

namespace OeeOrleans.Benchmarks.Scale;

/// <summary>What was measured of a plant of one size.</summary>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
internal sealed class ScaleResult
{
    public int Machines { get; init; }
    public double BirthsToLiveS { get; set; }
    public double KillToReadyS { get; set; }
    public double KillToFreshS { get; set; }
    public int Unavailable { get; set; }
    public int UnavailableAfterKill { get; set; }
    public double MessagesPerS { get; set; }
    public double Cores { get; set; }
    public double CpuPerMessageUs { get; set; }
    public double AllocatedPerMessage { get; set; }
    public double ExceptionsPerS { get; set; }
    public double StatusOfAllP95Ms { get; set; }
    public double StatusOfLineP95Ms { get; set; }
    public double DashboardP95Ms { get; set; }
    public double MetricsKb { get; set; }
    public double MemoryIdleMb { get; set; }
    public double MemorySteadyMb { get; set; }
    public double MemoryEndMb { get; set; }
    public int StartLogLines { get; set; }
    public int LogLinesAfterKill { get; set; }

    /// <summary>Published and not stored.</summary>
    public long Lost { get; set; }
}

/// <summary>The results as one table of Markdown.</summary>
internal static class ScaleTable
{
    private static readonly CultureInfo English = CultureInfo.InvariantCulture;

    private static readonly (string Name, Func<ScaleResult, double> Value, string Format)[] Rows =
    [
        ("first births to all machines live, s", r => r.BirthsToLiveS, "0.0"),
        ("answers 503 meanwhile", r => r.Unavailable, "0"),
        ("kill -9 to ready, s", r => r.KillToReadyS, "0.0"),
        ("kill -9 to all machines fresh, s", r => r.KillToFreshS, "0.0"),
        ("answers 503 meanwhile (after `ready`)", r => r.UnavailableAfterKill, "0"),
        ("messages/s", r => r.MessagesPerS, "0"),
        ("cores", r => r.Cores, "0.000"),
        ("CPU per message, us", r => r.CpuPerMessageUs, "0"),
        ("CPU per value, us", r => r.CpuPerMessageUs / PlantLoad.MetricsPerMessage, "0.0"),
        ("allocated per value, bytes", r => r.AllocatedPerMessage / PlantLoad.MetricsPerMessage, "0"),
        ("exceptions/s", r => r.ExceptionsPerS, "0.0"),
        ("status of all, p95 ms", r => r.StatusOfAllP95Ms, "0"),
        ("status of one line, p95 ms", r => r.StatusOfLineP95Ms, "0.0"),
        ("dashboard, p95 ms", r => r.DashboardP95Ms, "0"),
        ("size of /metrics, KB", r => r.MetricsKb, "0"),
        ("resident memory without machines, MB", r => r.MemoryIdleMb, "0"),
        ("resident memory, MB", r => r.MemorySteadyMb, "0"),
        ("lines of log until all live", r => r.StartLogLines, "0"),
        ("lines of log after the kill", r => r.LogLinesAfterKill, "0"),
        ("published - stored", r => r.Lost, "0"),
    ];

    public static string Of(IReadOnlyList<ScaleResult> results)
    {
        var text = new StringBuilder();
        text.Append("| machines |").AppendJoin("|", results.Select(r => $" {r.Machines:#,0} ")).Append("|\n|---|");
        foreach (var _ in results) text.Append("---|");
        foreach (var (name, value, format) in Rows)
        {
            text.Append("\n| ").Append(name).Append(" |");
            foreach (var result in results) text.Append(English, $" {value(result).ToString(format, English)} |");
        }

        return text.ToString();
    }
}
