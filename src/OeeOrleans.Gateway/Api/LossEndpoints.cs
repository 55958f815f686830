using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Access.Grants;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Grains;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Api;

/// <summary>Lost time by reason, stops, and the reasons people give.</summary>
internal static class LossEndpoints
{
    private const long MaxSpanUs = 31 * UnixMicros.PerDay;
    private const long DefaultSpanUs = 8 * UnixMicros.PerHour;

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/losses", async (
            HttpRequest request, Caller caller, PlantDirectory plant, IGrainFactory grains, TimeProvider clock) =>
        {
            var scope = Scope.Required(request, plant, caller);
            var (from, to) = Parameters.Span(request, clock, DefaultSpanUs);
            return await LossesAsync(scope, from, to, caller, grains, clock);
        })
        .WithQuery(
            ("line_id", "the line; or machine_id"), ("machine_id", "the machine; or line_id"), ("from", "ISO 8601; default 8 hours ago"),
            ("to", "ISO 8601; default now"))
        .Needs(AccessPolicy.Look).Produces<LossReportDocument>()
        .WithSummary("Pareto of lost time by reason, longest first, and the losses as a tree");

        api.MapGet("/stops", async (
            HttpRequest request, Caller caller, PlantDirectory plant, IGrainFactory grains, TimeProvider clock) =>
        {
            var scope = Scope.Required(request, plant, caller);
            var (from, to) = Parameters.Span(request, clock, DefaultSpanUs);
            var small = Parameters.Choice(request, "small", "false", "false", "true") == "true";
            bool? given = Parameters.Choice(request, "given", "any", "any", "false", "true") switch
            {
                "any" => null,
                var text => text == "true",
            };
            return new Page<StopDocument>(await StopsAsync(scope, from, to, small, given, caller, plant, grains, clock));
        })
        .WithQuery(
            ("line_id", "the line; or machine_id"), ("machine_id", "the machine; or line_id"), ("from", "ISO 8601; default 8 hours ago"),
            ("to", "ISO 8601; default now"), ("small", "true: short stops too"),
            ("given", "false: only stops that nobody explained; true: only explained ones"))
        .Needs(AccessPolicy.Look).Produces<Page<StopDocument>>()
        .WithSummary("Stops that overlap [from, to) with their reasons, newest first");

        api.MapPost("/stops/{id}/reason", async (
            string id, ReasonRequest body, Caller caller, PlantDirectory plant, IGrainFactory grains) =>
            await GiveReasonAsync(id, body, caller, plant, grains))
        .Needs(AccessPolicy.Operate).Produces<StopDocument>()
        .WithSummary("Gives a stop a reason; with `at` the part from there on; null takes it back. Audited");

        api.MapGet("/reasons", (PlantDirectory plant) => new Page<ReasonDocument>([.. plant.Plant.Reasons.Select(ReasonDocument.Of)]))
            .Needs(AccessPolicy.Look).Produces<Page<ReasonDocument>>().WithSummary("The plant's catalogue of reasons");
    }

    internal static async Task<StopDocument> GiveReasonAsync(
        string id, ReasonRequest body, Caller caller, PlantDirectory plant, IGrainFactory grains)
    {
        if (!StopEvent.TryParseId(id, out var machineId, out var stopUs) || plant.FindMachine(machineId) is not { } machine)
        {
            throw new NotFoundException($"there is no stop '{id}'");
        }

        caller.Must(Permission.Operate, machine.Id, $"there is no stop '{id}'");
        var stop = await GiveReasonAsync(caller, plant, grains, machine, stopUs, body)
            ?? throw new NotFoundException($"there is no stop '{id}': the machine did not stand then, or late data has moved the stop");
        return StopDocument.Of(machine.Id, stop, plant.ModelOf(machine).Reasons);
    }

    /// <summary>Checks what a person said and passes it on; used by the board as well.</summary>
    /// <exception cref="BadParameterException">The reason is not in the catalogue, a text is too long, or the split lies outside the
    /// stop.</exception>
    internal static async Task<ExplainedStop?> GiveReasonAsync(
        Caller caller, PlantDirectory plant, IGrainFactory grains, Machine machine, long stopUs, ReasonRequest body)
    {
        caller.Must(Permission.Operate, machine.Id, $"there is no machine '{machine.Id}'");
        var catalogue = plant.Plant.Reasons;
        if (body.Reason is { } reason && catalogue.Count > 0 && catalogue.All(r => r.Id != reason))
        {
            throw new BadParameterException(
                "reason", $"'{reason}' is not in the catalogue; {string.Join(", ", catalogue.Select(r => r.Id))} are");
        }

        if (body.Reason is { Length: 0 }) throw new BadParameterException("reason", "'reason' is empty; null takes a reason back");
        _ = Actor.Text(body.Reason, "reason");
        _ = Actor.Text(body.Comment, "comment");
        try
        {
            return await grains.GetGrain<IMachineGrain>(machine.Id).GiveReason(
                stopUs, body.At is { } at ? UnixMicros.From(at) : null, body.Reason, body.Comment, Actor.Of(caller, body.By));
        }
        catch (ArgumentException error)
        {
            throw new BadParameterException("at", error.Message);
        }
    }

    internal static async Task<LossReportDocument> LossesAsync(
        Scope scope, long fromUs, long toUs, Caller caller, IGrainFactory grains, TimeProvider clock)
    {
        CheckSpan(scope, fromUs, toUs, caller, clock);
        var report = scope.Line is { } line
            ? await grains.GetGrain<ILineGrain>(line.Id).GetLosses(fromUs, toUs)
            : await grains.GetGrain<IMachineGrain>(scope.Machine!.Id).GetLosses(fromUs, toUs);
        return LossReportDocument.Of(scope.Kind, scope.Id, report!);
    }

    /// <param name="small">Short stops too.</param>
    /// <param name="given">Only those that somebody explained, or nobody; null: both.</param>
    internal static async Task<List<StopDocument>> StopsAsync(
        Scope scope, long fromUs, long toUs, bool small, bool? given, Caller caller, PlantDirectory plant, IGrainFactory grains,
        TimeProvider clock)
    {
        CheckSpan(scope, fromUs, toUs, caller, clock);
        var reports = await Task.WhenAll(
            scope.MachineIds.Select(async m => (Machine: m, Report: await grains.GetGrain<IMachineGrain>(m).GetLosses(fromUs, toUs))));
        var stops = reports
            .SelectMany(r => r.Report!.Stops.Select(s => StopDocument.Of(r.Machine, s, plant.Now.FindModel(r.Machine)!.Reasons)))
            .Where(s => (small || !s.Small) && (given is null || s.Segments.All(p => p.Reason is not null) == given));
        return [.. stops.OrderByDescending(s => s.From)];
    }

    private static void CheckSpan(Scope scope, long fromUs, long toUs, Caller caller, TimeProvider clock)
    {
        Parameters.CheckLength(fromUs, toUs, MaxSpanUs);
        caller.MustReach(fromUs, scope.Id, clock);
    }
}

/// <summary>
/// Who acts: whoever signed in. Where several people share a sign-in or a key (a terminal at the line, another system), `by` says which of
/// them, and both are noted.
/// </summary>
internal static class Actor
{
    private const int MaxName = 100;
    private const int MaxText = 500;

    public static string Of(Caller caller, string? by) => by?.Trim() switch
    {
        null => caller.Identity.Label,
        // In brackets stands who signed in.
        { Length: > 0 and <= MaxName } name when !name.Any(c => char.IsControl(c) || c is '(' or ')') =>
            $"{name} ({caller.Identity.Label})",
        _ => throw new BadParameterException("by", $"a name has 1 to {MaxName} characters, and no brackets and no control characters"),
    };

    /// <summary>What somebody wrote, as it may be kept for good.</summary>
    public static string? Text(string? text, string name)
    {
        if (text is { Length: > MaxText }) throw new BadParameterException(name, $"'{name}' has at most {MaxText} characters");
        return text?.Contains('\0') == true ? throw new BadParameterException(name, $"'{name}' holds U+0000") : text;
    }
}

/// <summary>A reason for a stop. `reason` null takes back what was given; `at` splits the stop there; `by` says who.</summary>
public sealed record ReasonRequest(string? Reason, string? Comment = null, DateTimeOffset? At = null, string? By = null);

/// <summary>A reason of the catalogue; `loss` is breakdown, setup or other.</summary>
public sealed record ReasonDocument(string Id, string Name, string Loss)
{
    internal static ReasonDocument Of(StopReason r) => new(r.Id, r.Name, r.Loss.ToString().ToLowerInvariant());
}

/// <summary>A part of a stop; `source` is none, fault or person.</summary>
public sealed record SegmentReasonDocument(
    DateTimeOffset From, DateTimeOffset? To, string? Reason, string? Name, string Source, string? Comment, string? By);

/// <summary>A stop: from its first to its last instant inside production time.</summary>
public sealed record StopDocument(
    string Id, string MachineId, DateTimeOffset From, DateTimeOffset? To, double ProductionS, bool Open, bool Small, string? Fault,
    IReadOnlyList<SegmentReasonDocument> Segments)
{
    internal static StopDocument Of(string machine, ExplainedStop s, ReasonBook book) => new(
        StopEvent.IdOf(machine, s.StartUs), machine, Time(s.StartUs), s.EndUs is { } end
            ? Time(end)
            : null, UnixMicros.ToSeconds(s.ProductionUs), s.EndUs is null, s.Small, s.Fault,
        [
            .. s.Segments.Select(
                p => new SegmentReasonDocument(
                    Time(p.FromUs), p.ToUs is { } to ? Time(to) : null, p.Reason, p.Reason is { } reason ? book.NameOf(reason) : null,
                    p.Source.ToString().ToLowerInvariant(), p.Comment, p.By)),
        ]);

    private static DateTimeOffset Time(long micros) => UnixMicros.ToDateTimeOffset(micros);
}

/// <summary>A line of the Pareto. `kind` is stop, small_stops, reduced_speed, rejects or unknown; a stop with reason null is not explained
/// yet. Counts are stops, short stops or rejected pieces.</summary>
public sealed record LossItemDocument(string Kind, string? Reason, string Name, string? Loss, double LostS, long Count)
{
    internal static LossItemDocument Of(LossItem i) => new(
        i.Kind switch
        {
            LossItemKind.SmallStops => "small_stops",
            LossItemKind.ReducedSpeed => "reduced_speed",
            LossItemKind.Rejects => "rejects",
            LossItemKind.Unknown => "unknown",
            _ => "stop"
        },
        i.Reason, i.Name, i.Loss?.ToString().ToLowerInvariant(), UnixMicros.ToSeconds(i.LostUs), i.Count);
}

/// <summary>Lost time of [from, to).</summary>
public sealed record LossReportDocument(
    string Scope, string Id, DateTimeOffset From, DateTimeOffset To, double LostS, LossDocument Losses,
    IReadOnlyList<LossItemDocument> Items)
{
    internal static LossReportDocument Of(string scope, string id, LossReport r) => new(
        scope, id, UnixMicros.ToDateTimeOffset(
            r.FromUs), UnixMicros.ToDateTimeOffset(r.ToUs), UnixMicros.ToSeconds(r.Items.Sum(i => i.LostUs)), LossDocument.Of(r.Tree), [
            .. r.Items.Select(LossItemDocument.Of),
        ]);
}
