using OeeOrleans.Access.Identities;
using OeeOrleans.Access.Keys;
using OeeOrleans.Configuration.Reading;
using OeeOrleans.Edge;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Mqtt;
using OeeOrleans.Simulation;
using OeeOrleans.Simulation.Machines;

namespace OeeOrleans.Host.Hosting;

/// <summary>Runs the simulated plant beside the servers, as devices would: over the broker only. Four of its machines are in PLCs, which
/// our own edge connector reads: two by S7, two by CIP.</summary>
internal sealed class Simulator(
    SimulatedBroker broker, PlantDirectory plant, CommandKey key, AccessDirectory access, TimeProvider clock, ILoggerFactory logs)
    : BackgroundService
{
    private const int IntervalMs = 250;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var calendar = plant.ModelOf(plant.Plant.Machines.First()).Windows.Calendar;
        bool Paused(long ms) => calendar.SpanAt(ms * UnixMicros.PerMillisecond).Kind != PlanKind.Production;
        var simulation = new SimulatedPlant(
            broker.Address, broker.DataDir, broker.HistoryDays, Paused, clock, logs.CreateLogger("OeeOrleans.Simulation"));
        await Task.WhenAll([
            simulation.RunAsync(stoppingToken), .. simulation.Cells.Select(c => ReadAsync(simulation, c, stoppingToken)),
        ]);
    }

    /// <summary>First what the machines did before anybody read them; then the PLC is on, and the edge connector reads it.</summary>
    private async Task ReadAsync(SimulatedPlant simulation, PlcCell cell, CancellationToken stoppingToken)
    {
        try
        {
            await simulation.TellPastAsync(cell, stoppingToken);
            if (stoppingToken.IsCancellationRequested) return;
            await using var ending = cell;
            cell.Start();
            var options = Options(cell);
            var pinned = new OwnCommandKey(options, key, access);
            await pinned.StartAsync(stoppingToken);
            using var edge = new EdgeConnector(options, clock, logs.CreateLogger<EdgeConnector>());
            await edge.StartAsync(CancellationToken.None);
            await cell.RunAsync(stoppingToken);
            await edge.StopAsync(CancellationToken.None);
            await pinned.StopAsync(CancellationToken.None);
        }
        catch (Exception error) when (!stoppingToken.IsCancellationRequested)
        {
            // A boundary: without these machines the rest of the plant goes on.
            logs.CreateLogger("OeeOrleans.Simulation").LogError(error, "the machines of {Node} cannot be read", cell.Node);
        }
    }

    private EdgeOptions Options(PlcCell cell)
    {
        return new EdgeOptions
        {
            Group = SimulatedPlant.GroupId,
            Node = cell.Node,
            DataDir = broker.DataDir,
            Brokers = [broker.Address],
            ReadSources = ToldSourcesReader.Read,
            KeysComeLater = true,
            Sources =
            [
                .. cell.Tags.GroupBy(t => t.Device).Select(machine => new EdgeSource(
                    $"{machine.Key}-plc", cell.Url, machine.Key, IntervalMs,
                    [.. machine.Select(t => new EdgeTag(t.Address, t.Metric, Unit: t.Unit))])),
            ],
        };
    }
}

/// <summary>Where the simulated plant publishes and remembers.</summary>
internal sealed record SimulatedBroker(BrokerAddress Address, string DataDir, int HistoryDays);
