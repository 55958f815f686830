using System.Text.Json;
using OeeOrleans.Access.Grants;

namespace OeeOrleans.Access;

/// <summary>The section `access.oidc`: somebody else signs people in (OpenID Connect), and claims say what they may.</summary>
public sealed record OidcOptions
{
    private const int MaxName = 100;

    public required string Authority { get; init; }

    /// <summary>Whom access tokens of the authority must be for, so that the API takes them; null: it takes none.</summary>
    public string? Audience { get; init; }

    /// <summary>As which client the pages sign in; null: they do not.</summary>
    public string? ClientId { get; init; }

    public string? ClientSecret { get; init; }

    /// <summary>On the button of the sign-in page.</summary>
    public string Label { get; init; } = "Sign in with the company's account";

    /// <summary>The claim that is looked at; `a.b` is the member b of the claim a, which is JSON then.</summary>
    public string Claim { get; init; } = "roles";

    /// <summary>What is asked for beside `openid profile`.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>What a value of the claim grants.</summary>
    public IReadOnlyDictionary<string, Grant> Roles { get; init; } = new Dictionary<string, Grant>();

    /// <summary>The grants of claims, as (type, value).</summary>
    public List<Grant> GrantsOf(IEnumerable<(string Type, string Value)> claims)
    {
        var path = Claim.Split('.');
        return
        [
            .. claims.Where(c => c.Type == path[0] || c.Type == Claim)
                .SelectMany(c => c.Type == Claim ? Values(c.Value) : Inside(c.Value, path.AsSpan(1)))
                .Distinct(StringComparer.Ordinal)
                .Where(Roles.ContainsKey)
                .Select(v => Roles[v])
                .Distinct(),
        ];
    }

    /// <summary>What somebody is called: by the name one signs in with, where the authority tells it.</summary>
    public static string? NameOf(IReadOnlyCollection<(string Type, string Value)> claims)
    {
        foreach (var type in new[] { "preferred_username", "upn", "email", "sub" })
        {
            var value = claims.FirstOrDefault(c => c.Type == type).Value?.Trim();
            if (value is { Length: > 0 and <= MaxName } && !value.Any(char.IsControl)) return value;
        }

        return null;
    }

    /// <summary>What the user information says of a claim with several values comes as one JSON array.</summary>
    private static List<string> Values(string claim) => claim.StartsWith('[') ? Inside(claim, []) : [claim];

    private static List<string> Inside(string json, ReadOnlySpan<string> path)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var element = document.RootElement;
            foreach (var name in path)
            {
                if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element)) return [];
            }

            return element.ValueKind switch
            {
                JsonValueKind.String => [element.GetString()!],
                JsonValueKind.Array =>
                    [.. element.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.String).Select(e => e.GetString()!)],
                _ => [],
            };
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
