using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Access.Grants;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Api;

/// <summary>Faults, active and past.</summary>
internal static class FaultEndpoints
{
    public static void Map(IEndpointRouteBuilder api)
    {
        api
            .MapGet(
                "/faults/active",
                async (HttpRequest request, Caller caller, PlantDirectory plant, IStore store, TimeProvider clock,
                    CancellationToken cancellationToken) =>
        {
            var machines = Scope.Optional(request, plant, caller, live: true)?.MachineIds ?? Scope.AllMachines(caller);
            var shelved = Parameters.Choice(request, "shelved", "false", "false", "true") == "true";
            var nowUs = UnixMicros.Now(clock);
            var faults = await store.ReadActiveFaultsAsync(machines, cancellationToken);
            return new Page<FaultDocument>(
                [.. faults.Where(f => shelved || !(f.ShelvedUntilUs > nowUs)).Select(f => FaultDocument.Of(f, plant))]);
        })
        .WithQuery(("line_id", "only this line"), ("machine_id", "only this machine"), ("shelved", "true: those that are shelved too"))
        .Needs(AccessPolicy.Look).Produces<Page<FaultDocument>>().WithSummary("Faults that have not ended, newest first");

        api
            .MapGet(
                "/faults/history",
                async (HttpRequest request, Caller caller, PlantDirectory plant, IStore store, TimeProvider clock,
                    CancellationToken cancellationToken) =>
        {
            var machines = Scope.Optional(request, plant, caller, Permission.History)?.MachineIds
                ?? Scope.AllMachines(caller, Permission.History);
            var (from, to) = Parameters.Span(request, clock, 7 * UnixMicros.PerDay);
            var limit = Parameters.Integer(request, "limit", 100, 1, 1000);
            return await HistoryAsync(
                machines, from, to, limit, Parameters.Text(request, "cursor"), plant, store, cancellationToken);
        })
        .WithQuery(
            ("line_id", "only this line"), ("machine_id", "only this machine"), ("from", "ISO 8601; default 7 days ago"),
            ("to", "ISO 8601; default now"), ("limit", "1..1000, default 100"), ("cursor", "'next' of the page before"))
        .Needs(AccessPolicy.History).Produces<Page<FaultDocument>>().WithSummary("Faults that overlap [from, to), newest first");

        api.MapPost("/faults/{id}/ack", (
            string id, AckRequest body, Caller caller, HttpContext context, PlantDirectory plant, IStore store, TimeProvider clock) =>
            AckAsync(id, body, caller, context, plant, store, clock))
        .Needs(AccessPolicy.Operate).Produces<FaultDocument>()
        .WithSummary("Acknowledges a fault; idempotent, an active fault stays active. Audited");

        api.MapPost("/faults/{id}/shelve", (
            string id, ShelveRequest body, Caller caller, HttpContext context, PlantDirectory plant, IStore store, TimeProvider clock) =>
            ShelveAsync(id, body, caller, context, plant, store, clock))
        .Needs(AccessPolicy.Operate).Produces<FaultDocument>()
        .WithSummary("Hides a fault from the active ones until a time (null: shows it again). Audited");
    }

    internal static async Task<FaultDocument> AckAsync(
        string id, AckRequest body, Caller caller, HttpContext context, PlantDirectory plant, IStore store, TimeProvider clock)
    {
        var machine = await MachineOfAsync(id, caller, store, context.RequestAborted);
        var by = Actor.Of(caller, body.By);
        var audit = Audit("fault.ack", id, machine, by, context, Actor.Text(body.Comment, "comment"), null, clock);
        var fault = await store.AcknowledgeFaultAsync(id, audit, context.RequestAborted);
        return FaultDocument.Of(fault ?? throw new NotFoundException($"there is no fault '{id}'"), plant);
    }

    internal static async Task<FaultDocument> ShelveAsync(
        string id, ShelveRequest body, Caller caller, HttpContext context, PlantDirectory plant, IStore store, TimeProvider clock)
    {
        var machine = await MachineOfAsync(id, caller, store, context.RequestAborted);
        if (body.Until is { } until && until <= clock.GetUtcNow())
        {
            throw new BadParameterException("until", "'until' must lie ahead; null shows the fault again");
        }

        var by = Actor.Of(caller, body.By);
        var audit = Audit("fault.shelve", id, machine, by, context, Actor.Text(body.Comment, "comment"), body.Until, clock);
        var fault = await store.ShelveFaultAsync(
            id, body.Until is { } time ? UnixMicros.From(time) : null, audit, context.RequestAborted);
        return FaultDocument.Of(fault ?? throw new NotFoundException($"there is no fault '{id}'"), plant);
    }

    /// <summary>The page after a cursor of faults that overlap a span.</summary>
    internal static async Task<Page<FaultDocument>> HistoryAsync(
        IReadOnlyList<string> machines, long fromUs, long toUs, int limit, string? cursor, PlantDirectory plant, IStore store,
        CancellationToken cancellationToken)
    {
        var faults = await store.ReadFaultsAsync(machines, fromUs, toUs, limit, PageCursor.Read(cursor), cancellationToken);
        return new Page<FaultDocument>(
            [.. faults.Select(f => FaultDocument.Of(f, plant))],
            faults.Count == limit ? PageCursor.Write(faults[^1].StartUs, faults[^1].Id) : null);
    }

    /// <summary>A fault that is not of a machine that the caller sees is none.</summary>
    private static async Task<string> MachineOfAsync(string id, Caller caller, IStore store, CancellationToken cancellationToken)
    {
        var missing = $"there is no fault '{id}'";
        var machine = await store.FindFaultMachineAsync(id, cancellationToken) ?? throw new NotFoundException(missing);
        caller.Must(Permission.Operate, machine, missing);
        return machine;
    }

    private static AuditEntry Audit(
        string action, string id, string machine, string actor, HttpContext context, string? comment, DateTimeOffset? until,
        TimeProvider clock) =>
        new(UnixMicros.Now(clock), actor, action, id, System.Text.Json.JsonSerializer.Serialize(new { comment, until }))
        {
            Asset = machine, Origin = Origin.Of(context),
        };
}

/// <summary>Acknowledges a fault; `by` says who.</summary>
public sealed record AckRequest(string? Comment = null, string? By = null);

/// <summary>Hides a fault until a time.</summary>
public sealed record ShelveRequest(DateTimeOffset? Until, string? Comment = null, string? By = null);
