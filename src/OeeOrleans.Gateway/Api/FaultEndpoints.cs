using System.Buffers.Text;
using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Grains.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Api;

/// <summary>Faults, active and past.</summary>
internal static class FaultEndpoints
{
    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/faults/active", async (HttpRequest request, PlantDirectory plant, IStore store, CancellationToken cancellationToken) =>
        {
            var machines = Scope.Optional(request, plant)?.MachineIds ?? [.. plant.Plant.Machines.Select(m => m.Id)];
            return new Page<FaultDocument>([.. (await store.ReadActiveFaultsAsync(machines, cancellationToken)).Select(FaultDocument.Of)]);
        })
        .WithQuery(("line_id", "only this line"), ("machine_id", "only this machine"))
        .Produces<Page<FaultDocument>>().WithSummary("Faults that have not ended, newest first");

        api.MapGet("/faults/history", async (HttpRequest request, PlantDirectory plant, IStore store, TimeProvider clock, CancellationToken cancellationToken) =>
        {
            var machines = Scope.Optional(request, plant)?.MachineIds ?? [.. plant.Plant.Machines.Select(m => m.Id)];
            var (from, to) = Parameters.Span(request, clock, 7 * UnixMicros.PerDay);
            var limit = Parameters.Integer(request, "limit", 100, 1, 1000);
            var faults = await store.ReadFaultsAsync(machines, from, to, limit, ReadCursor(Parameters.Text(request, "cursor")), cancellationToken);
            return new Page<FaultDocument>([.. faults.Select(FaultDocument.Of)], faults.Count == limit ? WriteCursor(faults[^1]) : null);
        })
        .WithQuery(("line_id", "only this line"), ("machine_id", "only this machine"), ("from", "ISO 8601; default 7 days ago"), ("to", "ISO 8601; default now"), ("limit", "1..1000, default 100"), ("cursor", "'next' of the page before"))
        .Produces<Page<FaultDocument>>().WithSummary("Faults that overlap [from, to), newest first");
    }

    private static string WriteCursor(FaultEvent last) =>
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{last.StartUs}:{last.Id}")));

    private static (long StartUs, string Id)? ReadCursor(string? cursor)
    {
        if (cursor is null) return null;
        try
        {
            var parts = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor)).Split(':');
            return (long.Parse(parts[0], CultureInfo.InvariantCulture), parts[1]);
        }
        catch (Exception error) when (error is FormatException or IndexOutOfRangeException or OverflowException)
        {
            throw new BadParameterException("cursor", "the cursor is none that a page before gave as 'next'");
        }
    }
}
