using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Grains;
using OeeOrleans.Grains.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Api;

/// <summary>OEE now and over history.</summary>
internal static class KpiEndpoints
{
    private const long MaxExplainedUs = 31 * UnixMicros.PerDay;

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/kpi/current", async (HttpRequest request, PlantDirectory plant, IGrainFactory grains) =>
        {
            var scope = Scope.Required(request, plant);
            var kind = Parameters.Choice(request, "window", "shift", "shift", "hour", "day", "rolling_5m");
            var window = scope.Line is { } line
                ? await grains.GetGrain<ILineGrain>(line.Id).GetWindow(kind)
                : await grains.GetGrain<IMachineGrain>(scope.Machine!.Id).GetWindow(kind);
            return window is null
                ? throw new NotFoundException($"no {kind} window is open: the calendar has none now, or the machine has not been heard of long enough")
                : KpiDocument.Of(scope.Line is null ? "machine" : "line", window);
        })
        .WithQuery(("line_id", "the line; or machine_id"), ("machine_id", "the machine; or line_id"), ("window", "shift (default), hour, day or rolling_5m"))
        .Produces<KpiDocument>().WithSummary("OEE of the window that is open now, from memory");

        api.MapGet("/kpi/history", async (HttpRequest request, PlantDirectory plant, IGrainFactory grains, IStore store, TimeProvider clock, CancellationToken cancellationToken) =>
        {
            var scope = Scope.Required(request, plant);
            var kind = Parameters.Choice(request, "window", "hour", "hour", "shift", "day");
            var (from, to) = Parameters.Span(request, clock, 7 * UnixMicros.PerDay);
            var windows = scope.Line is { } line
                ? await grains.GetGrain<ILineGrain>(line.Id).GetHistory(kind, from, to)
                : await store.ReadWindowsAsync(scope.MachineIds, kind, from, to, cancellationToken);
            return new Page<KpiDocument>([.. windows.Select(w => KpiDocument.Of(scope.Line is null ? "machine" : "line", w))]);
        })
        .WithQuery(("line_id", "the line; or machine_id"), ("machine_id", "the machine; or line_id"), ("from", "ISO 8601; default 7 days ago"), ("to", "ISO 8601; default now"), ("window", "hour (default), shift or day"))
        .Produces<Page<KpiDocument>>().WithSummary("Stored windows that begin in [from, to), newest revision of each");

        api.MapGet("/kpi/explain", async (HttpRequest request, PlantDirectory plant, IGrainFactory grains, TimeProvider clock) =>
        {
            var id = Parameters.Required(request, "machine_id");
            var machine = plant.FindMachine(id) ?? throw new NotFoundException($"there is no machine '{id}'");
            var (from, to) = Parameters.Span(request, clock, UnixMicros.PerHour);
            if (to - from > MaxExplainedUs) throw new BadParameterException("from", "at most 31 days can be explained at once");
            var explanation = await grains.GetGrain<IMachineGrain>(machine.Id).Explain(from, to);
            return ExplanationDocument.Of(machine.Id, explanation!);
        })
        .WithQuery(("machine_id", "the machine"), ("from", "ISO 8601; default an hour ago"), ("to", "ISO 8601; default now"))
        .Produces<ExplanationDocument>().WithSummary("Everything behind the figures of [from, to): intervals, counter deltas, ideal cycles, losses, arithmetic");
    }
}
