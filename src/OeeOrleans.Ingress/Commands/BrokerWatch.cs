using Microsoft.Extensions.Hosting;

namespace OeeOrleans.Ingress.Commands;

/// <summary>Keeps the command connection up from the start, so that the first rebirth request need not wait, edge nodes hear that their
/// host is there, and the broker's own figures are shown.</summary>
internal sealed class BrokerWatch(MqttCommandPublisher publisher) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await TryConnectAsync(stoppingToken);
            await publisher.WaitAsync(Period, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task TryConnectAsync(CancellationToken cancellationToken)
    {
        try
        {
            await publisher.ConnectAsync(cancellationToken);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // A boundary: the publisher has said why, and counted it; the next look comes in a moment.
            return;
        }
    }
}
