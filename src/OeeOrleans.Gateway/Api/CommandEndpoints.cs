using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Access.Grants;
using OeeOrleans.Commands;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Commands;
using OeeOrleans.Storage.Commands;

namespace OeeOrleans.Gateway.Api;

/// <summary>Writes to PLCs: asked for by one person, approved by another.</summary>
internal static class CommandEndpoints
{
    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapPost("/commands", async (AskCommandRequest body, Caller caller, HttpContext context, CommandDesk desk) =>
        {
            var command = await desk.AskAsync(
                new CommandRequest(
                    Parameters.Given(body.MachineId, "machine_id"), Parameters.Given(body.Metric, "metric"),
                    body.Value ?? throw new BadParameterException("value", "'value' is missing"),
                    Parameters.Given(body.Reason, "reason")),
                ActorOf(caller, context), context.RequestAborted);
            return Results.Accepted($"/api/commands/{command.Id}", CommandDocument.Of(command));
        })
        .Needs(AccessPolicy.Operate).Produces<CommandDocument>(202)
        .WithSummary(
            "Asks for a write to a PLC: { machine_id, metric, value, reason }; another person must approve it in time. Only tags with "
                + "`write` in the plant, and within its limits");

        api.MapGet("/commands", async (
            HttpRequest request, Caller caller, HttpContext context, PlantDirectory plant, CommandDesk desk) =>
        {
            var limit = Parameters.Integer(request, "limit", 100, 1, 1000);
            var machines = Scope.Optional(request, plant, caller, Permission.Operate)?.MachineIds;
            var query = new CommandQuery(limit)
            {
                States = StatesOf(request), Machines = machines, After = PageCursor.Read(Parameters.Text(request, "cursor")),
            };
            return await ListAsync(query, ActorOf(caller, context), desk, context.RequestAborted);
        })
        .WithQuery(
            ("state", "one or more, with commas: " + string.Join(", ", CommandStateNames.All)), ("line_id", "only this line"),
            ("machine_id", "only this machine"), ("limit", "1..1000, default 100"), ("cursor", "'next' of the page before"))
        .Needs(AccessPolicy.Operate).Produces<Page<CommandDocument>>().WithSummary("Writes that were asked for, newest first");

        api.MapGet("/commands/{id}", async (string id, Caller caller, HttpContext context, CommandDesk desk) =>
            CommandDocument.Of(await desk.FindAsync(id, ActorOf(caller, context), context.RequestAborted)))
        .Needs(AccessPolicy.Operate).Produces<CommandDocument>().WithSummary("One write, and what has become of it");

        api.MapPost("/commands/{id}/approve", async (
            string id, DecideRequest body, Caller caller, HttpContext context, CommandDesk desk) =>
            CommandDocument.Of(await desk.ApproveAsync(id, body.Comment, ActorOf(caller, context), context.RequestAborted)))
        .Needs(AccessPolicy.Administer).Produces<CommandDocument>()
        .WithSummary("Approves somebody else's write, which is sent then: { comment }. Never one's own, also not by another key");

        api.MapPost("/commands/{id}/reject", async (
            string id, DecideRequest body, Caller caller, HttpContext context, CommandDesk desk) =>
            CommandDocument.Of(await desk.RejectAsync(id, body.Comment, ActorOf(caller, context), context.RequestAborted)))
        .Needs(AccessPolicy.Operate).Produces<CommandDocument>()
        .WithSummary("Says no to a write, or takes one's own back: { comment }");
    }

    internal static CommandActor ActorOf(Caller caller, HttpContext context) => new(caller.Identity, caller.Scope, Origin.Of(context));

    internal static async Task<Page<CommandDocument>> ListAsync(
        CommandQuery query, CommandActor actor, CommandDesk desk, CancellationToken cancellationToken)
    {
        var commands = await desk.ListAsync(query, actor, cancellationToken);
        return new Page<CommandDocument>(
            [.. commands.Select(CommandDocument.Of)],
            commands.Count == query.Limit ? PageCursor.Write(commands[^1].AskedUs, commands[^1].Id) : null);
    }

    internal static CommandState StateOf(string name) => CommandStateNames.TryParse(name, out var state)
        ? state
        : throw new BadParameterException("state", $"'{name}' is unknown; {string.Join(", ", CommandStateNames.All)} are possible");

    private static List<CommandState>? StatesOf(HttpRequest request) =>
        Parameters.Text(request, "state") is { } text ? [.. text.Split(',', StringSplitOptions.TrimEntries).Select(StateOf)] : null;
}

/// <summary>A write that somebody asks for; `metric` is the signal's name, or that of the Sparkplug metric behind it.</summary>
public sealed record AskCommandRequest(string? MachineId, string? Metric, JsonElement? Value, string? Reason);

/// <summary>A yes or no, and why.</summary>
public sealed record DecideRequest(string? Comment = null);

/// <summary>
/// A write to a PLC. `shown`: what the signal showed when it was asked for; `old` and `new`: what the PLC had before, and what was read
/// back; values are as JSON has them, in the signal's `unit`.
/// </summary>
public sealed record CommandDocument(
    string Id, string State, string MachineId, string Metric, string Signal, string? Unit, JsonElement Value, JsonElement? Shown,
    string Reason, string RequestedBy, DateTimeOffset RequestedAt, DateTimeOffset ExpiresAt, string? DecidedBy, DateTimeOffset? DecidedAt,
    string? Comment, DateTimeOffset? SentAt, JsonElement? Old, JsonElement? New, DateTimeOffset? AnsweredAt, DateTimeOffset? FinishedAt,
    string? Detail)
{
    internal static CommandDocument Of(PlcCommand c) => new(
        c.Id, c.State.Name(), c.Machine, c.Metric, c.Signal, c.Unit, Json(c.Value)!.Value, Json(c.Shown), c.Reason, c.AskedBy,
        UnixMicros.ToDateTimeOffset(c.AskedUs), UnixMicros.ToDateTimeOffset(c.ExpiresUs), c.DecidedBy,
        UnixMicros.ToDateTimeOffset(c.DecidedUs), c.Comment, UnixMicros.ToDateTimeOffset(c.SentUs), Json(c.Old), Json(c.New),
        UnixMicros.ToDateTimeOffset(c.AnsweredUs), UnixMicros.ToDateTimeOffset(c.FinishedUs), c.Detail);

    /// <summary>What an edge node said need not be JSON.</summary>
    private static JsonElement? Json(string? text)
    {
        if (text is null) return null;
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return JsonSerializer.SerializeToElement(text);
        }
    }
}
