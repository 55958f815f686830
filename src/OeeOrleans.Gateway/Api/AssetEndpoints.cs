using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using OeeOrleans.Access.Grants;
using OeeOrleans.Configuration;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Gateway.Api;

/// <summary>The asset tree.</summary>
internal static class AssetEndpoints
{
    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/assets", (PlantDirectory plant, Caller caller) => Tree(plant.Plant, caller.Scope))
            .Needs(AccessPolicy.Look).Produces<AssetDocument>()
            .WithSummary("Site > area > line > (cell) > machine");
        api
            .MapGet(
                "/assets/{id}",
                async (
                    string id, PlantDirectory plant, PlantConfiguration configuration, Caller caller, HttpContext context,
                    IOptions<JsonOptions> json) =>
                {
                    var found = Find(Tree(plant.Plant, caller.Scope), id) ?? throw new NotFoundException($"there is no asset '{id}'");
                    var editor = new PlantEditor((await configuration.AtHandAsync(context.RequestAborted)).Document);
                    // The keys that it has in plant.yaml, and what is derived from them.
                    var body = JsonSerializer.SerializeToNode(found, json.Value.SerializerOptions)!.AsObject();
                    if (editor.Show(PlantPart.Asset, id) is not JsonObject shown) return Results.Json(body);
                    foreach (var (key, value) in shown) body[key] = value?.DeepClone();
                    context.Response.Headers.ETag = editor.TagOf(PlantPart.Asset, id);
                    return Results.Json(body);
                })
            .Needs(AccessPolicy.Look).Produces<AssetDocument>()
            .WithSummary("One asset with its keys of plant.yaml, its ETag, and what is below it");
        api.MapGet("/assets/{id}/tags", async (
            string id, PlantDirectory plant, PlantConfiguration configuration, Caller caller, HttpContext context) =>
        {
            var machine = Scope.MachineOf(id, plant, caller, live: true);
            var state = await configuration.AtHandAsync(context.RequestAborted);
            // The items and their tag are of one state.
            machine = state.Plant.Machines.FirstOrDefault(m => m.Id == id) ?? machine;
            context.Response.Headers.ETag = new PlantEditor(state.Document).TagOf(PlantPart.Tags, id);
            return new Page<TagDocument>(
                [.. machine.Tags.Select(TagDocument.Of)]);
        }).Needs(AccessPolicy.Look).Produces<Page<TagDocument>>().WithSummary("How a machine's metrics become signals");
    }

    private static AssetDocument? Find(AssetDocument asset, string id) =>
        asset.Id == id ? asset : asset.Children.Select(c => Find(c, id)).FirstOrDefault(found => found is not null);

    /// <summary>The site, and of areas and lines those that may be looked at.</summary>
    private static AssetDocument Tree(PlantModel plant, AccessScope scope) => new()
    {
        Id = plant.Site.Id, Kind = "site", Name = plant.Site.Name,
        Attributes = new Dictionary<string, object?> { ["time_zone"] = plant.Site.TimeZone },
        Children = [.. plant.Areas.Where(a => scope.IsWhole || a.Lines.Any(l => scope.Sees(l.Id))).Select(a => new AssetDocument
        {
            Id = a.Id, Kind = "area", Name = a.Name, ParentId = plant.Site.Id,
            Children = [.. a.Lines.Where(l => scope.Sees(l.Id)).Select(Line)],
        })],
    };

    private static AssetDocument Line(Line line) => new()
    {
        Id = line.Id, Kind = "line", Name = line.Name, ParentId = line.AreaId,
        Attributes = new Dictionary<string, object?>
        {
            ["calendar"] = line.Calendar,
            ["policy"] = line.Policy switch { LinePolicy.Bottleneck => "bottleneck", LinePolicy.InOut => "in_out", _ => "weighted" },
            ["machine"] = line.BottleneckMachine,
        },
        Children =
        [
            .. line.Cells.Select(cell => new AssetDocument
            {
                Id = cell.Id, Kind = "cell", Name = cell.Name, ParentId = line.Id,
                Children = [.. line.Machines.Where(m => m.CellId == cell.Id).Select(Machine)],
            }),
            .. line.Machines.Where(m => m.CellId is null).Select(Machine),
        ],
    };

    private static AssetDocument Machine(Machine machine) => new()
    {
        Id = machine.Id, Kind = "machine", Name = machine.Name, ParentId = machine.CellId ?? machine.LineId,
        Attributes = new Dictionary<string, object?>
        {
            ["vendor"] =
                machine.Vendor, ["model"] =
                    machine.ModelName, ["ip"] =
                        machine.Ip, ["protocol"] = machine.Protocol, ["edge_node"] = machine.EdgeNode, ["device"] = machine.Device,
            ["ideal_cycle_s"] =
                machine.Oee.IdealCycleS, ["micro_stop_s"] = machine.Oee.MicroStopS, ["counter_modulus"] = machine.Oee.CounterModulus,
        },
    };
}
