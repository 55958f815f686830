using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OeeOrleans.Model;

namespace OeeOrleans.Storage;

/// <summary>Has the store looked after: every process tries, one of them does it.</summary>
public sealed class StoreKeeper(IStore store, Retention retention, TimeProvider clock, ILogger<StoreKeeper> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        try
        {
            do
            {
                await KeepAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            return;
        }
    }

    private async Task KeepAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await store.MaintainAsync(retention, UnixMicros.Now(clock), cancellationToken) is not { } report) return;
            foreach (var (view, seconds) in report.FreshnessS) StorageMetrics.Freshness.WithLabels(view).Set(seconds);
            foreach (var (table, ratio) in report.CompressionRatio) StorageMetrics.CompressionRatio.WithLabels(table).Set(ratio);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            // A boundary: upkeep that failed is owed, and the next round does it.
            Log.UpkeepFailed(log, error.Message, error is StoreUnavailableException ? null : error);
        }
    }
}
