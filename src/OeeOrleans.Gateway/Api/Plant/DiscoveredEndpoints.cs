using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Access.Grants;
using OeeOrleans.Configuration;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Gateway.Api.Plant;

/// <summary>Devices that send and that the plant does not have: looked at, adopted as machines, or ignored. For who sees the whole
/// plant.</summary>
internal static class DiscoveredEndpoints
{
    private const int MaxDevices = 2_000;

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/discovered", async (HttpRequest request, Caller caller, PlantDirectory plant, IStore store, CancellationToken ct) =>
        {
            caller.MustEverywhere(Permission.Look);
            var ignored = Parameters.Choice(request, "ignored", "false", "false", "true") == "true";
            return new Page<DiscoveredDocument>(await ListAsync(MaxDevices, ignored, plant, store, ct));
        })
        .WithQuery(("ignored", "true: also those that somebody wants to hear no more of"))
        .Needs(AccessPolicy.Look).Produces<Page<DiscoveredDocument>>()
        .WithSummary("Edge nodes and devices that send and are no machines, at most 2,000");

        api.MapGet("/discovered/metrics", async (HttpRequest request, Caller caller, IStore store, CancellationToken ct) =>
        {
            caller.MustEverywhere(Permission.Look);
            var name = NameOf(Parameters.Required(request, "edge_node"), Parameters.Text(request, "device"));
            return new Page<DiscoveredMetricDocument>(await MetricsAsync(name, store, ct));
        })
        .WithQuery(("edge_node", "group/node"), ("device", "left out: the edge node itself"))
        .Needs(AccessPolicy.Look).Produces<Page<DiscoveredMetricDocument>>()
        .WithSummary("What such a device says now, and which signals it may be");

        api.MapPost("/discovered/adopt", async (HttpContext context, Caller caller, PlantConfiguration plant, IStore store) =>
        {
            var body = await PlantEdits.BodyAsync(context);
            var edgeNode = Text(body, "edge_node") ?? throw new BadParameterException("edge_node", "'edge_node' is missing");
            var propose = body["propose_tags"] is not JsonValue flag || flag.ToString() != "false";
            body.Remove("propose_tags");
            var edit = await AdoptionAsync(edgeNode, Text(body, "device"), body, propose, store, context.RequestAborted);
            return await PlantEdits.MakeAsync(context, caller, plant, edit, needsTag: false);
        })
        .WithQuery(PlantEdits.Query).Needs(AccessPolicy.AdministerPlant).Produces<AssetDocument>(201)
        .WithSummary(
            "Makes such a device a machine: { edge_node, device, id, parent_id, ... }; what it said becomes its history. Without `tags` "
                + "its metrics become the signals that their names say, unless `propose_tags` is false");

        api.MapPost("/discovered/ignore", async (
            IgnoreRequest body, HttpContext context, Caller caller, IStore store, TimeProvider clock) =>
        {
            var name = NameOf(Parameters.Given(body.EdgeNode, "edge_node"), body.Device);
            if ((await store.Plant.ReadSignalsNowAsync(name, context.RequestAborted)).Count == 0)
            {
                throw new NotFoundException($"nothing was heard of '{name}'");
            }

            await IgnoreAsync(name, body.Ignored ?? true, caller, Origin.Of(context), store, clock, context.RequestAborted);
            return Results.NoContent();
        })
        .Needs(AccessPolicy.AdministerPlant)
        .WithSummary("Puts a device on the list of those nobody wants to hear of, or takes it off: { edge_node, device, ignored }");
    }

    /// <summary>Devices that send and are none of the plant's, by name.</summary>
    /// <param name="ignored">Also those that somebody wants to hear no more of.</param>
    internal static async Task<List<DiscoveredDocument>> ListAsync(
        int limit, bool ignored, PlantDirectory plant, IStore store, CancellationToken cancellationToken)
    {
        var devices = await store.Plant.ReadDiscoveredAsync(limit, cancellationToken);
        return [.. devices.Where(d => !IsKnown(d.Name, plant) && (ignored || d.IgnoredBy is null)).Select(DiscoveredDocument.Of)];
    }

    /// <summary>What a device says now, and which signals that may be.</summary>
    /// <exception cref="NotFoundException">Nothing was heard of it.</exception>
    internal static async Task<List<DiscoveredMetricDocument>> MetricsAsync(
        string name, IStore store, CancellationToken cancellationToken)
    {
        var signals = await store.Plant.ReadSignalsNowAsync(name, cancellationToken);
        if (signals.Count == 0) throw new NotFoundException($"nothing was heard of '{name}'");
        var proposed = Proposals(signals);
        return [.. signals.Select(s => DiscoveredMetricDocument.Of(s, proposed.GetValueOrDefault(s.Name)))];
    }

    /// <summary>The edit that makes a device a machine.</summary>
    /// <param name="body">The machine, with the keys of plant.yaml; its id and parent among them.</param>
    /// <param name="propose">Without tags its metrics become the signals that their names say.</param>
    internal static async Task<PlantEdit> AdoptionAsync(
        string edgeNode, string? device, JsonObject body, bool propose, IStore store, CancellationToken cancellationToken)
    {
        (body["kind"], body["edge_node"], body["device"]) = ("machine", edgeNode, device ?? "");
        if (propose && body["tags"] is null)
        {
            var signals = await store.Plant.ReadSignalsNowAsync(NameOf(edgeNode, device), cancellationToken);
            var tags = Proposals(signals).Select(p => new JsonObject { ["metric"] = p.Key, ["signal"] = p.Value });
            body["tags"] = new JsonArray([.. tags]);
        }

        return new PlantEdit(PlantDeed.Add, PlantPart.Asset, PlantEdits.IdIn(body), body);
    }

    internal static Task IgnoreAsync(
        string name, bool ignores, Caller caller, string origin, IStore store, TimeProvider clock, CancellationToken cancellationToken)
    {
        var action = ignores ? "discovered.ignore" : "discovered.heed";
        var audit = new AuditEntry(UnixMicros.Now(clock), caller.Identity.Label, action, name, "{}") { Origin = origin };
        return store.Plant.IgnoreAsync(name, ignores, audit, cancellationToken);
    }

    /// <summary>`group/node`, or `group/node/device`.</summary>
    private static string NameOf(string edgeNode, string? device)
    {
        if (edgeNode.Split('/') is not [{ Length: > 0 }, { Length: > 0 }])
        {
            throw new BadParameterException("edge_node", $"'{edgeNode}' is not a Sparkplug group and edge node such as berlin/edge1");
        }

        return device is { Length: > 0 } ? $"{edgeNode}/{device}" : edgeNode;
    }

    private static bool IsKnown(string name, PlantDirectory plant)
    {
        var (edgeNode, device) = DiscoveredDocument.Split(name);
        var now = plant.Now;
        return now.FindDevice(edgeNode, device) is not null || now.FindRetiredDevice(edgeNode, device) is not null;
    }

    private static string? Text(JsonObject body, string key) => body[key] is JsonValue value ? value.ToString() : null;

    /// <summary>By metric; each signal once, and none for a metric that is named like one.</summary>
    private static Dictionary<string, string> Proposals(IReadOnlyList<SignalNow> signals)
    {
        var taken = signals.Select(s => s.Name).Where(CanonicalSignals.IsCanonical).ToHashSet(StringComparer.Ordinal);
        var proposals = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var signal in signals.Where(s => !CanonicalSignals.IsCanonical(s.Name)))
        {
            if (SignalProposal.Of(signal.Name, signal.DataType) is { } proposed && taken.Add(proposed)) proposals[signal.Name] = proposed;
        }

        return proposals;
    }
}

/// <summary>What is ignored, or not any more.</summary>
internal sealed record IgnoreRequest(string? EdgeNode, string? Device = null, bool? Ignored = null);

/// <summary>A device that sends and is no machine; an empty device is the edge node itself.</summary>
internal sealed record DiscoveredDocument(
    string EdgeNode, string Device, long Metrics, DateTimeOffset? FirstHeard, DateTimeOffset? LastHeard, string? IgnoredBy)
{
    public static DiscoveredDocument Of(DiscoveredDevice d)
    {
        var (edgeNode, device) = Split(d.Name);
        return new DiscoveredDocument(
            edgeNode, device, d.Signals, UnixMicros.ToDateTimeOffset(d.FirstUs), UnixMicros.ToDateTimeOffset(d.LastUs), d.IgnoredBy);
    }

    /// <summary>The ids of a group and a node have no slash.</summary>
    public static (string EdgeNode, string Device) Split(string name)
    {
        var parts = name.Split('/', 3);
        return ($"{parts[0]}/{parts.ElementAtOrDefault(1)}", parts.ElementAtOrDefault(2) ?? "");
    }
}

/// <summary>A metric as it was said last, and the signal that its name may mean; null: it says nothing, or it is named like one.</summary>
internal sealed record DiscoveredMetricDocument(
    string Name, string Datatype, string? Unit, DateTimeOffset? Ts, double? Value, string? TextValue, short Quality, string? Proposal)
{
    public static DiscoveredMetricDocument Of(SignalNow s, string? proposal) => new(
        s.Name, s.DataType, s.Unit, UnixMicros.ToDateTimeOffset(s.TimeUs),
        s.Value is { } value && double.IsFinite(value) ? value : null, s.Text, s.Quality, proposal);
}
