using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OeeOrleans.Storage;

namespace OeeOrleans.Configuration;

/// <summary>Looks whether the plant was changed, by whichever process: a change is in force everywhere within two seconds.</summary>
public sealed class PlantRefresher(PlantConfiguration plant, TimeProvider clock, ILogger<PlantRefresher> log) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(500);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var isTold = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await plant.RefreshAsync(stoppingToken);
                isTold = false;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // Told once: it is tried again all the time.
                if (!isTold) Log.NotRefreshed(log, error.Message, error is StoreUnavailableException ? null : error);
                isTold = true;
            }

            await Task.Delay(Every, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
