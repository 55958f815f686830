using OeeOrleans.Access.Keys;
using OeeOrleans.Edge;

namespace OeeOrleans.Host.Hosting;

/// <summary>An edge node in the process of its host, which pins nobody's key, takes the commands of this host.</summary>
internal sealed class OwnCommandKey(EdgeOptions edge, CommandKey key) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken) => edge.CommandKeys = [await key.PublicAsync(cancellationToken)];

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
