using Microsoft.AspNetCore.SignalR;
using OeeOrleans.Kpi.Plant;

namespace OeeOrleans.Gateway.Live;

/// <summary>`/hubs/live`: subscribe to lines or machines and be told of `MachineChanged`, `KpiChanged`, `FaultChanged`.</summary>
public sealed class LiveHub(PlantDirectory plant, LiveSubscribers subscribers) : Hub
{
    public Task SubscribeLine(string lineId)
    {
        if (plant.FindLine(lineId) is null) throw new HubException($"there is no line '{lineId}'");
        subscribers.Subscribe(Context.ConnectionId, LineTopic(lineId));
        return Task.CompletedTask;
    }

    public Task SubscribeMachine(string machineId)
    {
        if (plant.FindMachine(machineId) is null) throw new HubException($"there is no machine '{machineId}'");
        subscribers.Subscribe(Context.ConnectionId, MachineTopic(machineId));
        return Task.CompletedTask;
    }

    public override Task OnConnectedAsync()
    {
        subscribers.Add(Context);
        return Task.CompletedTask;
    }

    public override Task OnDisconnectedAsync(Exception? exception)
    {
        subscribers.Remove(Context.ConnectionId);
        return Task.CompletedTask;
    }

    internal static string LineTopic(string lineId) => $"line:{lineId}";

    internal static string MachineTopic(string machineId) => $"machine:{machineId}";
}
