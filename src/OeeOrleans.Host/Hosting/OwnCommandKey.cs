using OeeOrleans.Access.Identities;
using OeeOrleans.Access.Keys;
using OeeOrleans.Edge;

namespace OeeOrleans.Host.Hosting;

/// <summary>An edge node in the process of a gateway, which pins nobody's key, takes the commands of this host.</summary>
internal sealed class OwnCommandKey(EdgeOptions edge, CommandKey key, AccessDirectory directory) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        edge.CommandKeys = [await key.PublicAsync(cancellationToken)];
        directory.Changed += Follow;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        directory.Changed -= Follow;
        return Task.CompletedTask;
    }

    /// <summary>It may have been renewed.</summary>
    private void Follow()
    {
        if (key.PublicNow() is { } now && !edge.CommandKeys.Contains(now)) edge.CommandKeys = [now];
    }
}
