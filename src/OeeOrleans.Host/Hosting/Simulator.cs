using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Simulation;

namespace OeeOrleans.Host.Hosting;

/// <summary>Runs the simulated plant beside the servers, as devices would: over the broker only.</summary>
internal sealed class Simulator(SimulatedBroker broker, PlantDirectory plant, TimeProvider clock, ILoggerFactory logs) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var calendar = plant.ModelOf(plant.Plant.Machines.First()).Windows.Calendar;
        bool Paused(long ms) => calendar.SpanAt(ms * UnixMicros.PerMillisecond).Kind != PlanKind.Production;
        var simulation = new SimulatedPlant(
            "127.0.0.1", broker.Port, broker.DataDir, Paused, clock, logs.CreateLogger("OeeOrleans.Simulation"));
        return simulation.RunAsync(stoppingToken);
    }
}

/// <summary>Where the simulated plant publishes and remembers.</summary>
internal sealed record SimulatedBroker(int Port, string DataDir);
