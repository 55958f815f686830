using System.Globalization;
using System.Net.Sockets;
using System.Reflection;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Model;

namespace OeeOrleans.Gateway.Access;

/// <summary>
/// Who asks, and what that one may do. A parameter of handlers; whoever holds one for long asks <see cref="Callers"/> again.
/// </summary>
internal sealed record Caller(Identity Identity, AccessScope Scope)
{
    /// <summary>The longest shift, and a little.</summary>
    private const long PresentUs = 25 * UnixMicros.PerHour;

    /// <summary>Binds a handler's parameter.</summary>
    public static ValueTask<Caller?> BindAsync(HttpContext context, ParameterInfo _) =>
        ValueTask.FromResult(context.Features.Get<Caller>());

    /// <summary>Of an asset that may not be looked at there is none; where it may, but no more, that is said.</summary>
    /// <exception cref="NotFoundException">There is no such asset, for this caller.</exception>
    /// <exception cref="ForbiddenException">There is, but its role does not suffice.</exception>
    public void Must(Permission permission, string asset, string missing)
    {
        if (!Scope.Sees(asset)) throw new NotFoundException(missing);
        if (!Scope.Allows(permission, asset)) throw new ForbiddenException($"your role at '{asset}' does not suffice for this");
    }

    /// <summary>What lies further back than a day is the past, which needs a role of its own.</summary>
    /// <exception cref="ForbiddenException">The caller may look at the present only.</exception>
    public void MustReach(long fromUs, string asset, TimeProvider clock)
    {
        if (fromUs >= UnixMicros.Now(clock) - PresentUs || Scope.Allows(Permission.History, asset)) return;
        throw new ForbiddenException($"your role at '{asset}' shows the last 24 hours; what was before needs the role analytics");
    }

    /// <exception cref="ForbiddenException">The caller may do this in a part of the plant at most.</exception>
    public void MustEverywhere(Permission permission)
    {
        if (!Scope.AllowsEverywhere(permission)) throw new ForbiddenException("this needs a role at the site");
    }

    /// <summary>As a doer of the access room.</summary>
    public Doer Doer(HttpContext context) => Doer(Origin.Of(context));

    /// <summary>The same, from where there is no request of its own.</summary>
    public Doer Doer(string origin) => new(Identity.Label, origin, Scope);
}

/// <summary>The caller is known and sees the thing, but may not do this; becomes 403.</summary>
internal sealed class ForbiddenException(string message) : Exception(message);

/// <summary>Where a request comes from, for the audit log.</summary>
internal static class Origin
{
    private const int NetworkBytes = 8;

    public static string Of(HttpContext context) => context.Connection.RemoteIpAddress?.ToString() ?? "unknown";

    /// <summary>Whoever has an address of IPv6 has all of its /64: for limits they are one.</summary>
    public static string NetworkOf(HttpContext context) =>
        context.Connection.RemoteIpAddress is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } address
            ? Convert.ToHexString(address.GetAddressBytes().AsSpan(0, NetworkBytes))
            : Of(context);
}

/// <summary>Finds out who a signed-in principal is now. Every door asks here: REST, hub, pages.</summary>
internal sealed class Callers(AccessDirectory directory)
{
    public const string KindClaim = "oee:kind";
    public const string SessionClaim = "oee:session";
    public const string StampClaim = "oee:stamp";
    public const string GrantsClaim = "oee:grants";
    public const string KeyClaim = "oee:key";
    public const string BeganClaim = "oee:began";
    public const string EndsClaim = "oee:ends";

    /// <summary>Null: nobody, or somebody who may not come in any more.</summary>
    public Caller? Of(ClaimsPrincipal principal) => Find(principal) is { } identity ? Of(identity) : null;

    public Caller Of(Identity identity) => new(identity, directory.ScopeOf(identity));

    public static ClaimsPrincipal Principal(Identity identity, string? stamp = null)
    {
        var claims = new List<Claim> { new(ClaimTypes.Name, identity.Name), new(KindClaim, identity.Kind.ToString()) };
        if (identity.Session is { } session) claims.Add(new Claim(SessionClaim, session));
        if (identity.KeyId is { } key) claims.Add(new Claim(KeyClaim, key));
        if (identity.EndsUs is { } ends)
        {
            claims.Add(new Claim(BeganClaim, identity.BeganUs.ToString(CultureInfo.InvariantCulture)));
            claims.Add(new Claim(EndsClaim, ends.ToString(CultureInfo.InvariantCulture)));
        }

        if (stamp is not null) claims.Add(new Claim(StampClaim, stamp));
        if (identity.Kind == IdentityKind.External) claims.Add(new Claim(GrantsClaim, GrantsJson.Write(identity.Grants)));
        return new ClaimsPrincipal(new ClaimsIdentity(claims, "oee"));
    }

    /// <summary>0, which is over, when there is none.</summary>
    private static long Number(ClaimsPrincipal principal, string claim) =>
        long.TryParse(principal.FindFirst(claim)?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private Identity? Find(ClaimsPrincipal principal)
    {
        if (principal.FindFirst(KindClaim)?.Value is not { } kind) return directory.Anonymous();
        var name = principal.FindFirst(ClaimTypes.Name)?.Value ?? "";
        var session = principal.FindFirst(SessionClaim)?.Value;
        return Enum.Parse<IdentityKind>(kind) switch
        {
            IdentityKind.User => directory.FindSession(
                session ?? "", name, principal.FindFirst(StampClaim)?.Value ?? "", Number(principal, BeganClaim),
                Number(principal, EndsClaim)),
            IdentityKind.Key => directory.FindKeyById(principal.FindFirst(KeyClaim)?.Value ?? ""),
            IdentityKind.External => directory.FindExternal(
                new Identity(IdentityKind.External, name, GrantsJson.Read(principal.FindFirst(GrantsClaim)?.Value ?? "[]"))
                {
                    Session = session, BeganUs = Number(principal, BeganClaim), EndsUs = Number(principal, EndsClaim),
                }),
            _ => directory.Anonymous(),
        };
    }
}

/// <summary>Grants in a cookie.</summary>
internal static class GrantsJson
{
    public static string Write(IReadOnlyList<Grant> grants) =>
        JsonSerializer.Serialize(grants.Select(g => new[] { g.Role.Name(), g.At }));

    public static List<Grant> Read(string json) =>
        [
            .. JsonSerializer.Deserialize<string[][]>(json)!
                .Where(g => g.Length == 2 && RoleNames.TryParse(g[0], out _))
                .Select(g => new Grant(RoleNames.TryParse(g[0], out var role) ? role : default, g[1])),
        ];
}
