using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Access.Audit;
using OeeOrleans.Access.Grants;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Gateway.Api;

/// <summary>What people did. An administrator of a part of the plant sees what was done to the assets of that part.</summary>
internal static class AuditEndpoints
{
    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapGet("/audit", async (HttpRequest request, Caller caller, IAccessStore store, CancellationToken cancellationToken) =>
        {
            var query = QueryOf(request, Parameters.Integer(request, "limit", 100, 1, 1000)) with { Assets = AssetsOf(caller.Scope) };
            var rows = await store.SearchAuditAsync(query, cancellationToken);
            return new Page<AuditDocument>(
                [.. rows.Select(AuditDocument.Of)],
                rows.Count == query.Limit ? rows[^1].Id.ToString(System.Globalization.CultureInfo.InvariantCulture) : null);
        })
        .Needs(AccessPolicy.Administer)
        .WithQuery(
            ("target", "only what was done to this stop, fault, user or key"),
            ("actor", "only what this one did, such as anna or key:reader"),
            ("action", "only actions that begin so, such as fault."), ("from", "ISO 8601"), ("to", "ISO 8601"),
            ("limit", "1..1000, default 100"), ("cursor", "'next' of the page before"))
        .Produces<Page<AuditDocument>>().WithSummary("What people did, newest first");

        api.MapGet("/audit/verify", async (
            IAccessStore store, AuditChain chain, AuditAnchors anchors, CancellationToken cancellationToken) =>
            VerdictDocument.Of(await AuditVerifier.VerifyAsync(store, chain, anchors.Read(), cancellationToken)))
        .Needs(AccessPolicy.AdministerPlant)
        .Produces<VerdictDocument>().WithSummary("Whether the audit log is as it was written, and what was touched first otherwise");
    }

    /// <summary>Null: everything, also what is about the plant as a whole.</summary>
    internal static IReadOnlyList<string>? AssetsOf(AccessScope scope)
    {
        if (scope.AllowsEverywhere(Permission.Administer)) return null;
        var lines = scope.Lines.Where(l => scope.Allows(Permission.Administer, l.Id)).ToList();
        return [.. lines.Select(l => l.Id), .. lines.SelectMany(l => l.Machines).Select(m => m.Id)];
    }

    private static AuditQuery QueryOf(HttpRequest request, int limit) => new(limit)
    {
        Target = Parameters.Text(request, "target"),
        Actor = Parameters.Text(request, "actor"),
        Action = Parameters.Text(request, "action"),
        FromUs = Parameters.Text(request, "from") is null ? null : Parameters.Time(request, "from"),
        ToUs = Parameters.Text(request, "to") is null ? null : Parameters.Time(request, "to"),
        BeforeId = Parameters.Text(request, "cursor") is not { } cursor ? null : Cursor(cursor),
    };

    private static long Cursor(string text) =>
        long.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var id)
            ? id
            : throw new BadParameterException("cursor", "the cursor is none that a page before gave as 'next'");
}

/// <summary>An action of a person; `detail` is JSON; `seq` its place in the chain.</summary>
public sealed record AuditDocument(
    long? Seq, DateTimeOffset Ts, string Actor, string Action, string Target, string? Asset, string? Origin, JsonElement Detail)
{
    internal static AuditDocument Of(ChainedEntry c) => new(
        c.Seq, UnixMicros.ToDateTimeOffset(c.Entry.AtUs), c.Entry.Actor, c.Entry.Action, c.Entry.Target, c.Entry.Asset, c.Entry.Origin,
        Json(c.Entry.Detail));

    /// <summary>What was put in by hand need not be JSON.</summary>
    private static JsonElement Json(string text)
    {
        try
        {
            return JsonDocument.Parse(text).RootElement;
        }
        catch (JsonException)
        {
            return JsonSerializer.SerializeToElement(text);
        }
    }
}

/// <summary>`whole`, or the first entry that was touched and what was done to it; `further` ones behind it.</summary>
public sealed record VerdictDocument(bool Whole, long Entries, long? FirstTouched, string? Problem, IReadOnlyList<string> Further)
{
    internal static VerdictDocument Of(AuditVerdict v) =>
        new(v.IsWhole, v.Entries, v.Seq, v.Problem, [.. v.Findings.Skip(1).Select(f => f.Problem)]);
}
