using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc.ApiExplorer;

namespace OeeOrleans.Gateway.Api;

/// <summary>Which errors an endpoint answers with: the same for all of a kind, so they are said once.</summary>
internal static class OpenApiErrors
{
    /// <summary>Statuses beside those that an endpoint names, and what each means.</summary>
    public static IEnumerable<(string Status, string Why)> Of(string method, string path, ApiDescription description)
    {
        var isOpen = description.ActionDescriptor.EndpointMetadata.OfType<IAllowAnonymous>().Any();
        yield return ("400", "An input is wrong; `parameter` says which");
        if (isOpen)
        {
            yield return ("401", "The user, password or token is not good");
        }
        else
        {
            yield return ("401", "Nobody is known; `WWW-Authenticate` says how to come in");
            yield return ("403", "The role does not suffice here");
        }

        yield return ("404", "There is none, for this caller");
        var isPlant = HasTag(method, path) || IsList(path) || path.StartsWith("api/config", StringComparison.Ordinal);
        if (isPlant && method != "GET")
        {
            yield return ("409", "It is there already, or something else needs it");
            yield return ("412", "Somebody changed it meanwhile");
            yield return ("422", "It says nothing that could be; `errors` say why");
            if (HasTag(method, path)) yield return ("428", "`If-Match` is missing");
        }

        yield return ("429", "Too many requests");
        yield return ("503", "The store is away, or a machine moves to another silo; `Retry-After` says when to ask again");
    }

    private static bool IsList(string path) =>
        path is "api/assets" or "api/calendars" or "api/reasons" or "api/thresholds" or "api/sources";

    /// <summary>A part of the plant that is there is changed.</summary>
    public static bool HasTag(string method, string path) => method is "PUT" or "PATCH" or "DELETE"
        && path.LastIndexOf('/') is > 0 and var end && (IsList(path[..end]) || path.StartsWith("api/assets/", StringComparison.Ordinal));

    /// <summary>It reads its body itself, so nothing says that it has one.</summary>
    public static bool TakesBody(string path) =>
        HasTag("PUT", path) || IsList(path) || path.StartsWith("api/config/drafts", StringComparison.Ordinal);
}
