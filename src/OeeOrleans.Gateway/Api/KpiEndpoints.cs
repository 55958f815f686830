using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Access.Grants;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Grains;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Api;

/// <summary>OEE now and over history.</summary>
internal static class KpiEndpoints
{
    private const long MaxExplainedUs = 31 * UnixMicros.PerDay;

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/kpi/current", async (HttpRequest request, Caller caller, PlantDirectory plant, IGrainFactory grains) =>
        {
            var scope = Scope.Required(request, plant, caller, live: true);
            var kind = Parameters.Choice(request, "window", "shift", "shift", "hour", "day", "rolling_5m", "job");
            return await CurrentAsync(scope, kind, grains)
                ?? throw new NotFoundException(
                    $"no {kind} window is open: the calendar or the machine has none now, or the machine has not been heard of long "
                        + "enough");
        })
        .WithQuery(
            ("line_id", "the line; or machine_id"), ("machine_id", "the machine; or line_id"),
            ("window", "shift (default), hour, day, rolling_5m or job (the run of the present order and product)"))
        .Needs(AccessPolicy.Look).Produces<KpiDocument>().WithSummary("OEE of the window that is open now, from memory");

        api
            .MapGet(
                "/kpi/history",
                async (HttpRequest request, Caller caller, PlantDirectory plant, IGrainFactory grains, IStore store, TimeProvider clock,
                    CancellationToken cancellationToken) =>
        {
            var scope = Scope.Required(request, plant, caller, Permission.History);
            var kind = Parameters.Choice(request, "window", "hour", "hour", "shift", "day", "job");
            var (from, to) = Parameters.Span(request, clock, 7 * UnixMicros.PerDay);
            return new Page<KpiDocument>(await HistoryAsync(scope, kind, from, to, grains, store, cancellationToken));
        })
        .WithQuery(
            ("line_id", "the line; or machine_id"), ("machine_id", "the machine; or line_id"), ("from", "ISO 8601; default 7 days ago"),
            ("to", "ISO 8601; default now"), ("window", "hour (default), shift, day or job"))
        .Needs(AccessPolicy.History).Produces<Page<KpiDocument>>()
        .WithSummary("Stored windows that begin in [from, to), newest revision of each");

        api
            .MapGet(
                "/kpi/explain",
                async (HttpRequest request, Caller caller, PlantDirectory plant, IGrainFactory grains, IStore store, TimeProvider clock,
                    CancellationToken cancellationToken) =>
        {
            var id = Parameters.Required(request, "machine_id");
            var (from, to) = Parameters.Span(request, clock, UnixMicros.PerHour);
            var machine = Scope.MachineOf(id, plant, caller);
            return await ExplainAsync(machine, from, to, caller, plant, grains, store, clock, cancellationToken);
        })
        .WithQuery(("machine_id", "the machine"), ("from", "ISO 8601; default an hour ago"), ("to", "ISO 8601; default now"))
        .Needs(AccessPolicy.Look).Produces<ExplanationDocument>().WithSummary(
            "Everything behind the figures of [from, to): intervals, counter deltas, ideal cycles, stops with reasons, losses, arithmetic");
    }

    /// <summary>The window that is open now; null: there is none.</summary>
    internal static async Task<KpiDocument?> CurrentAsync(Scope scope, string kind, IGrainFactory grains)
    {
        CheckJob(scope, kind);
        var window = scope.Line is { } line
            ? await grains.GetGrain<ILineGrain>(line.Id).GetWindow(kind)
            : await grains.GetGrain<IMachineGrain>(scope.Machine!.Id).GetWindow(kind);
        return window is null ? null : KpiDocument.Of(scope.Kind, window);
    }

    internal static async Task<List<KpiDocument>> HistoryAsync(
        Scope scope, string kind, long fromUs, long toUs, IGrainFactory grains, IStore store, CancellationToken cancellationToken)
    {
        CheckJob(scope, kind);
        var windows = scope.Line is { } line
            ? await grains.GetGrain<ILineGrain>(line.Id).GetHistory(kind, fromUs, toUs)
            : await store.ReadWindowsAsync(scope.MachineIds, kind, fromUs, toUs, cancellationToken);
        return [.. windows.Select(w => KpiDocument.Of(scope.Kind, w))];
    }

    internal static async Task<ExplanationDocument> ExplainAsync(
        Machine machine, long fromUs, long toUs, Caller caller, PlantDirectory plant, IGrainFactory grains, IStore store,
        TimeProvider clock, CancellationToken cancellationToken)
    {
        caller.MustReach(fromUs, machine.Id, clock);
        if (toUs - fromUs > MaxExplainedUs) throw new BadParameterException("from", "at most 31 days can be explained at once");
        var explanation = await grains.GetGrain<IMachineGrain>(machine.Id).Explain(fromUs, toUs);
        return ExplanationDocument.Of(
            machine.Id, explanation!, plant, await RevisionAsync(store, machine.Id, fromUs, toUs, cancellationToken));
    }

    /// <summary>Machines of a line change their orders one after the other; only a line that is its bottleneck has jobs.</summary>
    internal static void CheckJob(Scope scope, string kind)
    {
        if (kind == PlantWindows.JobKind && scope.Line is { Policy: not LinePolicy.Bottleneck })
        {
            throw new BadParameterException(
                "window", "job windows are those of a machine; ask for a machine_id, or for a line whose policy is bottleneck");
        }
    }

    private static async Task<int> RevisionAsync(IStore store, string machine, long fromUs, long toUs, CancellationToken cancellationToken)
    {
        var revision = 0;
        foreach (var kind in OeeWindow.StoredKinds)
        {
            foreach (var window in await store.ReadWindowsAsync([machine], kind, fromUs, fromUs + 1, cancellationToken))
            {
                if (window.ToUs == toUs) revision = Math.Max(revision, window.Revision);
            }
        }

        return revision;
    }
}
