using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace OeeOrleans.Ingress.Connection;

/// <summary>Keeps the command connection up from the start, so that the first rebirth request need not wait and the broker's own figures are shown.</summary>
internal sealed class BrokerWatch(MqttCommandPublisher publisher, TimeProvider clock, ILogger<BrokerWatch> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        do
        {
            try
            {
                await publisher.ConnectAsync(stoppingToken);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                Log.CommandsAway(log, error.Message);
            }
        }
        while (await WaitAsync(timer, stoppingToken));
    }

    private static async Task<bool> WaitAsync(PeriodicTimer timer, CancellationToken cancellationToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
