using Microsoft.AspNetCore.SignalR;
using OeeOrleans.Grains.Plant;

namespace OeeOrleans.Gateway.Live;

/// <summary>`/hubs/live`: subscribe to lines or machines and be told of `MachineChanged`, `KpiChanged`, `FaultChanged`.</summary>
public sealed class LiveHub(PlantDirectory plant) : Hub
{
    public Task SubscribeLine(string lineId)
    {
        if (plant.FindLine(lineId) is null) throw new HubException($"there is no line '{lineId}'");
        return Groups.AddToGroupAsync(Context.ConnectionId, LineGroup(lineId));
    }

    public Task SubscribeMachine(string machineId)
    {
        if (plant.FindMachine(machineId) is null) throw new HubException($"there is no machine '{machineId}'");
        return Groups.AddToGroupAsync(Context.ConnectionId, MachineGroup(machineId));
    }

    internal static string LineGroup(string lineId) => $"line:{lineId}";

    internal static string MachineGroup(string machineId) => $"machine:{machineId}";
}
