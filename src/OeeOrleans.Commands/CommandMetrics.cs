using OeeOrleans.Model.Commands;
using Prometheus;

namespace OeeOrleans.Commands;

/// <summary>Instruments of this room.</summary>
internal static class CommandMetrics
{
    private static readonly Counter States = Metrics.CreateCounter(
        "plc_commands_total", "Writes to PLCs that this gateway brought into a state; what edge nodes answer the silos store.", "state");

    public static void Moved(CommandState to) => States.WithLabels(to.Name()).Inc();
}
