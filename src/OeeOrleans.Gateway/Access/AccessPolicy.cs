using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;

namespace OeeOrleans.Gateway.Access;

/// <summary>What a door asks for. A door that asks for nothing stays shut.</summary>
/// <param name="Permission">Needed at one place at least; the handler looks at which.</param>
/// <param name="EverywhereOnly">Needed at the site.</param>
internal sealed record AccessRequirement(Permission Permission, bool EverywhereOnly = false) : IAuthorizationRequirement;

/// <summary>Whoever is known may, also one that must change its password first.</summary>
internal sealed record KnownRequirement : IAuthorizationRequirement;

/// <summary>Somebody known, who may look at the whole site.</summary>
internal sealed record MonitorRequirement : IAuthorizationRequirement;

/// <summary>The policies, by name.</summary>
internal static class AccessPolicy
{
    public const string Look = "look";
    public const string History = "history";
    public const string Operate = "operate";
    public const string Administer = "administer";
    public const string AdministerPlant = "administer-plant";

    /// <summary>Figures of the process and why it is not ready: at the site, by whoever may look.</summary>
    public const string Monitor = "monitor";

    public const string Known = "known";

    public static void AddTo(AuthorizationOptions options)
    {
        Add(options, Look, new AccessRequirement(Permission.Look));
        Add(options, History, new AccessRequirement(Permission.History));
        Add(options, Operate, new AccessRequirement(Permission.Operate));
        Add(options, Administer, new AccessRequirement(Permission.Administer));
        Add(options, AdministerPlant, new AccessRequirement(Permission.Administer, EverywhereOnly: true));
        Add(options, Monitor, new MonitorRequirement());
        Add(options, Known, new KnownRequirement());
        // Whoever forgets to say who may come in has let nobody in.
        options.FallbackPolicy = new AuthorizationPolicyBuilder().RequireAssertion(_ => false).Build();
        options.DefaultPolicy = options.FallbackPolicy;
    }

    public static TBuilder Needs<TBuilder>(this TBuilder endpoints, string policy)
        where TBuilder : IEndpointConventionBuilder => endpoints.RequireAuthorization(policy);

    private static void Add(AuthorizationOptions options, string name, IAuthorizationRequirement requirement) =>
        options.AddPolicy(name, policy => policy.AddRequirements(requirement));
}

/// <summary>Decides by the scope of whoever asks.</summary>
internal sealed class AccessHandler(Callers callers) : IAuthorizationHandler
{
    public Task HandleAsync(AuthorizationHandlerContext context)
    {
        if (callers.Of(context.User) is not { } caller) return Task.CompletedTask;
        // Whoever shows a key or token that is not good is not taken for somebody who shows none.
        var shows = context.Resource is HttpContext http && KeyOrTokenHandler.IsExplicit(http.Request);
        if (shows && caller.Identity.Kind == IdentityKind.Anonymous) return Task.CompletedTask;

        foreach (var requirement in context.PendingRequirements.ToList())
        {
            var permits = requirement switch
            {
                KnownRequirement => caller.Identity.Kind != IdentityKind.Anonymous,
                MonitorRequirement => caller.Identity.Kind != IdentityKind.Anonymous && MayAct(caller)
                    && caller.Scope.AllowsEverywhere(Permission.Look),
                AccessRequirement { EverywhereOnly: true } r => MayAct(caller) && caller.Scope.AllowsEverywhere(r.Permission),
                AccessRequirement r => MayAct(caller) && caller.Scope.Allows(r.Permission),
                _ => false,
            };
            if (permits) context.Succeed(requirement);
        }

        return Task.CompletedTask;
    }

    private static bool MayAct(Caller caller) => !caller.Identity.MustChangePassword;
}
