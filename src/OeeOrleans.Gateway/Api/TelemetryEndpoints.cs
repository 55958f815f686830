using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Access.Grants;
using OeeOrleans.Configuration;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Gateway.Live;
using OeeOrleans.Grains;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using Orleans.Runtime;

namespace OeeOrleans.Gateway.Api;

/// <summary>Trends, machine states, edge nodes.</summary>
internal static class TelemetryEndpoints
{
    /// <summary>Of a trend.</summary>
    internal const int MaxPoints = 10_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/trend", async (
            HttpRequest request, Caller caller, PlantDirectory plant, IStore store, TimeProvider clock,
            CancellationToken cancellationToken) =>
        {
            var machine = Parameters.Required(request, "machine_id");
            var name = Parameters.Required(request, "name");
            var (from, to) = Parameters.Span(request, clock, UnixMicros.PerDay);
            var points = Parameters.Integer(request, "points", 1000, 1, MaxPoints);
            return await TrendAsync(machine, name, from, to, points, caller, plant, store, cancellationToken);
        })
        .WithQuery(
            ("machine_id", "the machine"), ("name", "the signal, such as counter.good"), ("from", "ISO 8601; default a day ago"),
            ("to", "ISO 8601; default now"), ("points", "buckets at most, 1..10000, default 1000"))
        .Needs(AccessPolicy.History).Produces<TrendDocument>().WithSummary("One signal over time: raw when it fits, buckets otherwise");

        api.MapGet("/machines/status", async (
            HttpRequest request, Caller caller, PlantDirectory plant, IGrainFactory grains, LiveBoard board) =>
        {
            var scope = Scope.Optional(request, plant, caller, live: true);
            if (scope?.Machine is { } one)
            {
                return new Page<MachineStatusDocument>([MachineStatusDocument.Of(one, await StatusAsync(one.Id, grains, board))]);
            }

            // As they were told of last: asking for all machines wakes none.
            var machines = (scope?.MachineIds ?? caller.Scope.MachineIds).Select(plant.FindMachine).OfType<Machine>();
            return new Page<MachineStatusDocument>([.. machines.Select(m => MachineStatusDocument.Of(m, board.StatusOf(m.Id)))]);
        })
        .WithQuery(("line_id", "only this line's machines"), ("machine_id", "only this machine"))
        .Needs(AccessPolicy.Look).Produces<Page<MachineStatusDocument>>()
        .WithSummary("Every machine as it was told of last, from memory; with machine_id the machine now");

        api.MapGet("/machines/{id}/timeline", async (string id, Caller caller, PlantDirectory plant, IGrainFactory grains) =>
        {
            var timeline = await grains.GetGrain<IMachineGrain>(Scope.MachineOf(id, plant, caller, live: true).Id).GetTimeline()
                ?? throw new NotFoundException("the calendar has no shift now");
            return TimelineDocument.Of(timeline);
        }).Needs(AccessPolicy.Look).Produces<TimelineDocument>().WithSummary("What the present shift looked like so far");

        api.MapGet("/edge-nodes", async (Caller caller, PlantDirectory plant, PlantConfiguration configuration, IGrainFactory grains) =>
            new Page<EdgeNodeDocument>(await EdgeNodesAsync(caller, plant, configuration, grains)))
        .Needs(AccessPolicy.Look).Produces<Page<EdgeNodeDocument>>()
        .WithSummary("The plant's edge nodes: alive, clock skew, missed messages, rebirths, whether they read the sources they are given");
    }

    internal static async Task<List<EdgeNodeDocument>> EdgeNodesAsync(
        Caller caller, PlantDirectory plant, PlantConfiguration configuration, IGrainFactory grains)
    {
        var wanted = PlantSources.ByNode(await configuration.AtHandAsync(default));
        var nodes = caller.Scope.Lines.SelectMany(l => l.Machines).Select(m => m.EdgeNode).OfType<string>();
        // One that is given sources may have no machine yet.
        if (caller.Scope.IsWhole) nodes = nodes.Concat(wanted.Keys);
        var items = await Task.WhenAll(nodes.Distinct().Select(n => grains.GetGrain<IEdgeNodeGrain>(n).GetStatus()));
        return [.. items.Select(s => EdgeNodeDocument.Of(s, wanted, d => IsSeen(s.EdgeNode, d, plant, caller), caller.Scope.IsWhole))];
    }

    internal static async Task<TrendDocument> TrendAsync(
        string machineId, string name, long fromUs, long toUs, int points, Caller caller, PlantDirectory plant, IStore store,
        CancellationToken cancellationToken)
    {
        var machine = MachineOfTrend(machineId, plant, caller);
        var trend = await store.ReadTrendAsync(machine, name, fromUs, toUs, points, cancellationToken)
            ?? throw new NotFoundException($"the machine '{machine}' has no signal '{name}'");
        return new TrendDocument([.. trend.Items.Select(TrendItem.Of)], trend.Raw);
    }

    /// <summary>A node may serve several lines; of devices that are no machines whoever sees the whole plant is told.</summary>
    private static bool IsSeen(string edgeNode, string device, PlantDirectory plant, Caller caller) =>
        plant.FindDevice(edgeNode, device) is { } machine ? caller.Scope.Sees(machine.Id) : caller.Scope.IsWhole;

    /// <summary>A machine that the plant model does not have is for those who see the whole plant.</summary>
    private static string MachineOfTrend(string id, PlantDirectory plant, Caller caller)
    {
        if (plant.FindMachine(id) is null && caller.Scope.AllowsEverywhere(Permission.History)) return id;
        return Scope.MachineOf(id, plant, caller, Permission.History).Id;
    }

    /// <summary>
    /// While a machine moves to another silo, or is still being read from the store, it does not answer: then it is as it was last heard
    /// of; `last_seen` says when that was.
    /// </summary>
    private static async Task<MachineStatus> StatusAsync(string machine, IGrainFactory grains, LiveBoard board)
    {
        try
        {
            return await grains.GetGrain<IMachineGrain>(machine).GetStatus().WaitAsync(Patience) ?? board.StatusOf(machine);
        }
        catch (Exception error) when (error is TimeoutException or OrleansException or StoreUnavailableException)
        {
            return board.StatusOf(machine);
        }
    }
}
