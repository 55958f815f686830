using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.SignalR;
using OeeOrleans.Gateway.Access;

namespace OeeOrleans.Gateway.Live;

/// <summary>
/// `/hubs/live`: subscribe to lines or machines and be told of `MachineChanged`, `KpiChanged`, `FaultChanged`. Of what the caller may not
/// look at there is none.
/// </summary>
[Authorize(AccessPolicy.Look)]
public sealed class LiveHub : Hub
{
    private readonly LiveSubscribers _subscribers;
    private readonly Callers _callers;

    /// <summary>Made by the host.</summary>
    public LiveHub(LiveSubscribers subscribers, IServiceProvider services) =>
        (_subscribers, _callers) = (subscribers, (Callers)services.GetService(typeof(Callers))!);

    public Task SubscribeLine(string lineId) => SubscribeAsync(lineId, LineTopic(lineId), $"there is no line '{lineId}'", isLine: true);

    public Task SubscribeMachine(string machineId) =>
        SubscribeAsync(machineId, MachineTopic(machineId), $"there is no machine '{machineId}'", isLine: false);

    public override Task OnConnectedAsync()
    {
        _subscribers.Add(Context);
        return Task.CompletedTask;
    }

    public override Task OnDisconnectedAsync(Exception? exception)
    {
        _subscribers.Remove(Context.ConnectionId);
        return Task.CompletedTask;
    }

    internal static string LineTopic(string lineId) => $"line:{lineId}";

    internal static string MachineTopic(string machineId) => $"machine:{machineId}";

    private Task SubscribeAsync(string asset, string topic, string missing, bool isLine)
    {
        var scope = Context.User is { } user ? _callers.Of(user)?.Scope : null;
        var exists = isLine ? scope?.Lines.Any(l => l.Id == asset) : scope?.MachineIds.Contains(asset);
        if (exists != true) throw new HubException(missing);
        _subscribers.Subscribe(Context.ConnectionId, topic, asset);
        return Task.CompletedTask;
    }
}
