using OeeOrleans.Edge;
using OeeOrleans.Edge.Results;
using OeeOrleans.Grains.Live;
using OeeOrleans.Grains.Plant;
using Orleans.Streams;

namespace OeeOrleans.Host.Hosting;

/// <summary>Wires the live streams of machines and lines to the results node.</summary>
internal sealed class ResultsPublisher(IClusterClient cluster, PlantDirectory plant, ResultsSettings settings, TimeProvider clock, ILogger<ResultsPublisher> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var ids = plant.Plant.Lines.Select(l => l.Id).Concat(plant.Plant.Machines.Select(m => m.Id)).ToList();
        var node = new ResultsNode(settings.Group, settings.Node, ids, settings.Broker, clock, log);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await SubscribeAsync(node);
                break;
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                Log.ResultsNotSubscribed(log, error.Message);
                await Task.Delay(TimeSpan.FromSeconds(2), clock, stoppingToken);
            }
        }

        await node.RunAsync(stoppingToken);
    }

    private async Task SubscribeAsync(ResultsNode node)
    {
        var streams = cluster.GetStreamProvider(LiveStreams.Provider);
        foreach (var line in plant.Plant.Lines)
        {
            await streams.GetStream<MachineUpdate>(StreamId.Create(LiveStreams.Machines, line.Id)).SubscribeAsync((update, _) =>
            {
                if (update.Shift is { } shift) node.Update(update.Status.MachineId, shift);
                return Task.CompletedTask;
            });
            await streams.GetStream<LineUpdate>(StreamId.Create(LiveStreams.Lines, line.Id)).SubscribeAsync((update, _) =>
            {
                node.Update(update.LineId, update.Shift);
                return Task.CompletedTask;
            });
        }
    }
}

/// <summary>Under which name results are published, and where.</summary>
internal sealed record ResultsSettings(string Group, string Node, EdgeBroker Broker);
