using OeeOrleans.Model.Commands;
using Prometheus;

namespace OeeOrleans.Commands;

/// <summary>Instruments of this room.</summary>
internal static class CommandMetrics
{
    private static readonly Counter States = Metrics.CreateCounter(
        "plc_commands_total", "Writes to PLCs by what they became; answers of edge nodes are in the audit log.", "state");

    public static void Moved(CommandState to) => States.WithLabels(to.Name()).Inc();
}
