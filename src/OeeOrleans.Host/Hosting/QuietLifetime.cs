using Microsoft.Extensions.Hosting;

namespace OeeOrleans.Host.Hosting;

/// <summary>
/// Signals are ours (<see cref="StopSignals"/>): beside the console's own lifetime nobody could tell whether the host stops because it was
/// asked to, or because its work ended.
/// </summary>
internal sealed class QuietLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
