using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Access.Grants;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Api.Export;

/// <summary>The past as files, streamed: telemetry, windows, events.</summary>
internal static class ExportEndpoints
{
    private const long MaxSpanUs = 366 * UnixMicros.PerDay;

    private static readonly (string Name, string Description)[] Query =
    [
        ("machine_id", "only this machine"), ("line_id", "only this line"), ("from", "ISO 8601; default 24 hours ago"),
        ("to", "ISO 8601; default now; at most 366 days"), ("format", "csv (default), parquet or arrow (its streaming format)"),
    ];

    public static void Map(IEndpointRouteBuilder api)
    {
        Map(api, "telemetry", "Samples of signals, raw, signal by signal in order of time", [("name", "only this signal; may be repeated")],
            (request, store, machines, from, to, ct) => ExportRows.TelemetryAsync(store, machines, NamesIn(request), from, to, ct),
            ExportRows.TelemetryColumns);
        Map(api, "windows", "OEE windows that begin in [from, to), newest revision, with every sum",
            [("window", "shift (default), hour, day or job")],
            (request, store, machines, from, to, ct) => ExportRows.WindowsAsync(
                store, machines, Parameters.Choice(request, "window", "shift", [.. OeeWindow.StoredKinds]), from, to, ct),
            ExportRows.WindowColumns);
        Map(api, "events", "Faults, limits that were passed, and stops that overlap [from, to)", [],
            (_, store, machines, from, to, ct) => ExportRows.EventsAsync(store, machines, from, to, ct), ExportRows.EventColumns);
    }

    /// <summary>Also those that are no more: what they did is there.</summary>
    private static IReadOnlyList<string> MachinesOf(HttpRequest request, PlantDirectory plant, Caller caller)
    {
        var scope = Scope.Optional(request, plant, caller, Permission.History);
        if (scope?.Machine is { } machine) return [machine.Id];
        var retired = plant.Plant.Retired.Select(r => r.Machine)
            .Where(m => scope?.Line is not { } line || m.LineId == line.Id)
            .Select(m => m.Id)
            .Where(m => caller.Scope.Allows(Permission.History, m));
        return [.. scope?.MachineIds ?? Scope.AllMachines(caller, Permission.History), .. retired];
    }

    private static HashSet<string> NamesIn(HttpRequest request) =>
        request.Query["name"].OfType<string>().Where(n => n.Length > 0).ToHashSet(StringComparer.Ordinal);

    private delegate IAsyncEnumerable<ExportBatch> Rows(
        HttpRequest request, IStore store, IReadOnlyList<string> machines, long fromUs, long toUs, CancellationToken cancellationToken);

    private static void Map(
        IEndpointRouteBuilder api, string what, string summary, (string Name, string Description)[] more, Rows rows,
        IReadOnlyList<ExportColumn> columns) => api
        .MapGet($"/export/{what}", async (
            HttpContext context, Caller caller, PlantDirectory plant, IStore store, ExportTurns turns, TimeProvider clock) =>
        {
            var request = context.Request;
            var machines = MachinesOf(request, plant, caller);
            var (from, to) = Parameters.Span(request, clock, UnixMicros.PerDay);
            if (to - from > MaxSpanUs) throw new BadParameterException("from", "at most 366 days can be exported at once");
            var format = ExportFormats.Of(Parameters.Choice(request, "format", ExportFormats.Names[0], ExportFormats.Names));
            using var turn = await turns.TakeAsync(context.RequestAborted);
            await SendAsync(
                context, format, what, columns, rows(request, store, machines, from, to, context.RequestAborted), context.RequestAborted);
        })
        .WithQuery([.. Query, .. more])
        .Needs(AccessPolicy.History).WithSummary(summary);

    /// <summary>Headers go out when the first batch is read: until then an error has a status of its own; after it the connection breaks,
    /// and no half file looks like a whole one.</summary>
    private static async Task SendAsync(
        HttpContext context, IExportWriter format, string what, IReadOnlyList<ExportColumn> columns, IAsyncEnumerable<ExportBatch> rows,
        CancellationToken cancellationToken)
    {
        await using var stream = new ForwardStream(context.Response.Body);
        await using var batches = rows.GetAsyncEnumerator(cancellationToken);
        var has = await batches.MoveNextAsync();
        context.Response.ContentType = format.ContentType;
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{what}.{format.Extension}\"";
        await format.BeginAsync(stream, columns, cancellationToken);
        for (; has; has = await batches.MoveNextAsync())
        {
            await format.WriteAsync(batches.Current, cancellationToken);
            await stream.SendAsync(cancellationToken);
        }

        await format.EndAsync(cancellationToken);
        await stream.SendAsync(cancellationToken);
    }
}

/// <summary>Exports that run at the same time: they read much, and live views come first.</summary>
internal sealed class ExportTurns : IDisposable
{
    private const int AtOnce = 2;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly SemaphoreSlim _turns = new(AtOnce);

    /// <exception cref="TimeoutException">Others take long.</exception>
    public async Task<IDisposable> TakeAsync(CancellationToken cancellationToken)
    {
        if (!await _turns.WaitAsync(Patience, cancellationToken))
        {
            throw new TimeoutException($"{AtOnce} exports are under way; ask again in a while");
        }

        return new Turn(_turns);
    }

    public void Dispose() => _turns.Dispose();

    private sealed class Turn(SemaphoreSlim turns) : IDisposable
    {
        public void Dispose() => turns.Release();
    }
}
