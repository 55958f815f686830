using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Gateway.Api;

/// <summary>Users, their grants, API keys. An administrator of a part of the plant sees those whose grants all lie in it.</summary>
internal static class UserEndpoints
{
    /// <summary>Of a key that does not hold for ever.</summary>
    internal const int MaxDays = 3_650;

    public static void Map(IEndpointRouteBuilder api)
    {
        MapUsers(api);
        MapKeys(api);
    }

    private static void MapUsers(IEndpointRouteBuilder api)
    {
        api.MapGet("/users", (Caller caller, HttpContext context, AccessKeeper keeper) => new Page<UserDocument>(
            [.. keeper.Users(caller.Doer(context)).Select(UserDocument.Of)]))
        .Needs(AccessPolicy.Administer).Produces<Page<UserDocument>>().WithSummary("Users with their grants");

        api.MapPost("/users", async (NewUserRequest body, Caller caller, HttpContext context, AccessKeeper keeper) =>
        {
            var name = Parameters.Given(body.Name, "name");
            await keeper.AddUserAsync(
                caller.Doer(context), name, Parameters.Given(body.Password, "password"), Grants(body.Grants), mustChange: true,
                context.RequestAborted);
            return Results.Created($"/api/users/{name}", One(keeper, caller, context, name));
        })
        .Needs(AccessPolicy.Administer).Produces<UserDocument>(201)
        .WithSummary("Makes a user; the password must be changed at the first sign-in. Audited");

        api.MapGet("/users/{name}", (string name, Caller caller, HttpContext context, AccessKeeper keeper) =>
            One(keeper, caller, context, name))
        .Needs(AccessPolicy.Administer).Produces<UserDocument>().WithSummary("One user");

        api.MapPatch("/users/{name}", async (string name, UserChange body, Caller caller, HttpContext context, AccessKeeper keeper) =>
        {
            if (body.Disabled is not { } disabled) throw new BadParameterException("disabled", "'disabled' is missing");
            await keeper.DisableUserAsync(caller.Doer(context), name, disabled, context.RequestAborted);
            return One(keeper, caller, context, name);
        })
        .Needs(AccessPolicy.Administer).Produces<UserDocument>()
        .WithSummary("Disables a user, whose sign-ins end, or lets it in again. Audited");

        api.MapPut("/users/{name}/password", async (
            string name, NewPasswordRequest body, Caller caller, HttpContext context, AccessKeeper keeper) =>
            await keeper.SetPasswordAsync(
                caller.Doer(context), name, Parameters.Given(body.Password, "password"), mustChange: true, context.RequestAborted)
                ? Results.NoContent()
                : throw Missing(name))
        .Needs(AccessPolicy.Administer).Produces(204)
        .WithSummary("Another password, to be changed at the next sign-in; all sign-ins end. Audited");

        api.MapGet("/users/{name}/grants", (string name, Caller caller, HttpContext context, AccessKeeper keeper) =>
            new Page<GrantDocument>(One(keeper, caller, context, name).Grants))
        .Needs(AccessPolicy.Administer).Produces<Page<GrantDocument>>().WithSummary("A user's grants");

        api.MapPut("/users/{name}/grants", async (
            string name, GrantsRequest body, Caller caller, HttpContext context, AccessKeeper keeper) =>
            await keeper.SetGrantsAsync(
                caller.Doer(context), name, Grants(Parameters.Given(body.Items, "items"), "items"), context.RequestAborted)
                ? Results.Ok(body)
                : throw Missing(name))
        .Needs(AccessPolicy.Administer).Produces<GrantsRequest>().WithSummary("Makes a user's grants what is given. Audited");
    }

    private static void MapKeys(IEndpointRouteBuilder api)
    {
        api.MapGet("/keys", (Caller caller, HttpContext context, AccessKeeper keeper) => new Page<KeyDocument>(
            [.. keeper.Keys(caller.Doer(context)).Select(k => KeyDocument.Of(k.Key, k.Grants))]))
        .Needs(AccessPolicy.Administer).Produces<Page<KeyDocument>>().WithSummary("API keys with their grants, without the keys");

        api.MapPost("/keys", async (NewKeyRequest body, Caller caller, HttpContext context, AccessKeeper keeper) =>
        {
            if (body.Days is < 1 or > MaxDays) throw new BadParameterException("days", $"'days' is 1 to {MaxDays}; null: for ever");
            var grants = Grants(body.Grants);
            var made = await keeper.AddKeyAsync(
                caller.Doer(context), Parameters.Given(body.Name, "name"), grants, body.Days is { } days ? TimeSpan.FromDays(days) : null,
                context.RequestAborted);
            return Results.Created($"/api/keys/{made.Key.Id}", KeyDocument.Of(made.Key, grants) with { Key = made.Secret });
        })
        .Needs(AccessPolicy.Administer).Produces<KeyDocument>(201).WithSummary("Makes an API key and shows it, once. Audited");

        api.MapDelete("/keys/{id}", async (string id, Caller caller, HttpContext context, AccessKeeper keeper) =>
            await keeper.RevokeKeyAsync(caller.Doer(context), id, context.RequestAborted)
                ? Results.NoContent()
                : throw new NotFoundException($"there is no key '{id}' that could be revoked"))
        .Needs(AccessPolicy.Administer).Produces(204).WithSummary("Revokes a key; it is refused everywhere within two seconds. Audited");
    }

    private static UserDocument One(AccessKeeper keeper, Caller caller, HttpContext context, string name)
    {
        var found = keeper.Users(caller.Doer(context)).FirstOrDefault(u => u.User.Name == name);
        return found.User is null ? throw Missing(name) : UserDocument.Of(found);
    }

    private static NotFoundException Missing(string name) => new($"there is no user '{name}'");

    private static List<Grant> Grants(IReadOnlyList<GrantDocument?>? grants, string member = "grants") =>
        [.. (grants ?? []).Select(g => g?.ToGrant() ?? throw new BadParameterException(member, $"'{member}' holds a null"))];
}

/// <summary>A user to be made.</summary>
public sealed record NewUserRequest(string? Name, string? Password, IReadOnlyList<GrantDocument>? Grants);

public sealed record UserChange(bool? Disabled);

public sealed record NewPasswordRequest(string? Password);

/// <summary>All grants of a user.</summary>
public sealed record GrantsRequest(IReadOnlyList<GrantDocument>? Items);

/// <summary>A key to be made; `days` it is good, null: for ever.</summary>
public sealed record NewKeyRequest(string? Name, IReadOnlyList<GrantDocument>? Grants, int? Days);

/// <summary>A user; never with anything of the password.</summary>
public sealed record UserDocument(
    string Name, DateTimeOffset Created, DateTimeOffset? Disabled, DateTimeOffset? LockedUntil, bool MustChangePassword,
    IReadOnlyList<GrantDocument> Grants)
{
    internal static UserDocument Of((StoredUser User, IReadOnlyList<Grant> Grants) u) => new(
        u.User.Name, UnixMicros.ToDateTimeOffset(u.User.CreatedUs), UnixMicros.ToDateTimeOffset(u.User.DisabledUs),
        UnixMicros.ToDateTimeOffset(u.User.LockedUntilUs), u.User.MustChange, [.. u.Grants.Select(GrantDocument.Of)]);
}

/// <summary>An API key: `prefix` is how it begins, `key` all of it, in the answer to its making only.</summary>
public sealed record KeyDocument(
    string Id, string Name, string Prefix, DateTimeOffset Created, string CreatedBy, DateTimeOffset? Expires, DateTimeOffset? Revoked,
    IReadOnlyList<GrantDocument> Grants)
{
    public string? Key { get; init; }

    internal static KeyDocument Of(StoredKey k, IReadOnlyList<Grant> grants) => new(
        k.Id, k.Name, $"{AccessKeeper.KeyPrefix}{k.Id}", UnixMicros.ToDateTimeOffset(k.CreatedUs), k.CreatedBy,
        UnixMicros.ToDateTimeOffset(k.ExpiresUs), UnixMicros.ToDateTimeOffset(k.RevokedUs), [.. grants.Select(GrantDocument.Of)]);
}
