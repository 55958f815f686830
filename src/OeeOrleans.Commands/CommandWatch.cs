using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OeeOrleans.Storage;

namespace OeeOrleans.Commands;

/// <summary>Looks once a second whether the time of a command is over. Several processes may: each command is ended once.</summary>
internal sealed class CommandWatch(CommandDesk desk, TimeProvider clock, ILogger<CommandWatch> log) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private bool _isWarned;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await timer.WaitForNextTickAsync(stoppingToken);
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
                limit.CancelAfter(Limit);
                await desk.EndOverdueAsync(limit.Token);
                _isWarned = false;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // A boundary: a look that failed must not be the last one. Once per absence: the store may be away for hours.
                if (!_isWarned) Log.NotWatched(log, error.Message, error is StoreUnavailableException ? null : error);
                _isWarned = true;
            }
        }
    }
}
