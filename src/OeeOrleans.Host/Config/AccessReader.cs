using OeeOrleans.Access;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;
using OeeOrleans.Configuration.Reading;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Host.Config;

/// <summary>`access: { token_minutes, session_hours, sign_ins_per_minute, anonymous_viewer, key_file, keys, oidc }`.</summary>
internal sealed class AccessReader
{
    private const int MinSecret = 32;

    private readonly YamlSection _access;
    private readonly AssetTree _tree;

    public AccessReader(YamlSection root, PlantModel plant)
    {
        RefuseAnonymous(root);
        RefuseAnonymous(root.Section("gateway"));
        _access = root.Section("access");
        _tree = new AssetTree(plant);
        KeyFile = _access.Text("key_file");
    }

    /// <summary>See <see cref="OeeConfig.AccessKeyFile"/>.</summary>
    public string? KeyFile { get; }

    public AccessOptions Read()
    {
        var defaults = new AccessOptions();
        var options = new AccessOptions
        {
            TokenLifetime = TimeSpan.FromMinutes(_access.Integer("token_minutes", (int)defaults.TokenLifetime.TotalMinutes, 1, 60)),
            SessionLifetime = TimeSpan.FromHours(_access.Integer("session_hours", (int)defaults.SessionLifetime.TotalHours, 1, 720)),
            SignInsPerMinute = _access.Integer("sign_ins_per_minute", defaults.SignInsPerMinute, 1, 100_000),
            Oidc = ReadOidc(_access.Section("oidc")),
            AnonymousViewer = _access.Flag("anonymous_viewer"),
            Keys = [.. _access.Sections("keys").Select(ReadKey).OfType<ConfiguredKey>()],
        };
        foreach (var twice in options.Keys.GroupBy(k => k.Name).Where(g => g.Count() > 1))
        {
            _access.Problems.Add(_access.LineOf("keys"), $"access.keys: '{twice.Key}' is there twice; names of keys are unique");
        }

        foreach (var twice in options.Keys.GroupBy(k => k.Secret).Where(g => g.Select(k => k.Name).Distinct().Count() > 1))
        {
            _access.Problems.Add(
                _access.LineOf("keys"),
                $"access.keys: {string.Join(" and ", twice.Select(k => $"'{k.Name}'"))} have one secret; whoever shows it would be either");
        }

        _access.Close();
        return options;
    }

    /// <summary>
    /// `{ authority, audience, client_id, client_secret_file, claim, scopes, label, roles: { VALUE: { role, at } } }`.
    /// </summary>
    private OidcOptions? ReadOidc(YamlSection oidc)
    {
        if (!oidc.Exists) return null;
        var authority = oidc.Required("authority", "https://login.example.com/realms/plant");
        var isUri = Uri.TryCreate(authority, UriKind.Absolute, out var uri);
        if (!isUri || !(uri!.Scheme == "https" || (uri.Scheme == "http" && uri.IsLoopback)))
        {
            oidc.Problems.Add(oidc.LineOf("authority"), $"access.oidc.authority: '{authority}' is not an https:// address");
        }

        var roles = new Dictionary<string, Grant>(StringComparer.Ordinal);
        foreach (var (value, node) in oidc.Entries("roles"))
        {
            var entry = new YamlSection(node, $"access.oidc.roles.{value}", oidc.Problems);
            if (ReadGrant(entry) is { } grant) roles[value] = grant;
            entry.Close();
        }

        if (roles.Count == 0)
        {
            oidc.Problems.Add(oidc.Line, "access.oidc.roles: without it nobody whom the authority signs in may do anything here");
        }

        var defaults = new OidcOptions { Authority = authority };
        var options = defaults with
        {
            Audience = oidc.Text("audience"),
            ClientId = oidc.Text("client_id"),
            ClientSecret = oidc.Text("client_secret_file") is { } file ? Secret(oidc, file, "client_secret_file", 1) : null,
            Claim = oidc.Text("claim") ?? defaults.Claim,
            Label = oidc.Text("label") ?? defaults.Label,
            Scopes = [.. oidc.Items("scopes").Select(s => s.ToString())],
            Roles = roles,
        };
        if ((options.ClientId ?? options.Audience) is null)
        {
            oidc.Problems.Add(
                oidc.Line,
                "access.oidc: neither client_id (people sign in at the pages) nor audience (the API takes their tokens) is given");
        }

        oidc.Close();
        return options;
    }

    private Grant? ReadGrant(YamlSection section)
    {
        var role = section.Choice("role", (Role?)null, [.. Enum.GetValues<Role>().Select(r => (r.Name(), (Role?)r))]);
        var at = section.Text("at") ?? _tree.Site;
        if (role is null)
        {
            section.Problems.Add(section.Line, $"{section.Path}: 'role' is missing; {string.Join(", ", RoleNames.All)} are possible");
            return null;
        }

        var grant = new Grant(role.Value, at);
        if (AccessKeeper.GrantProblem(grant, _tree) is { } problem)
        {
            section.Problems.Add(section.LineOf("at"), $"{section.Path}.at: {problem}");
        }

        return grant;
    }

    /// <summary>`{ name, role, at, key_file }`: the key itself is in a file of its own, which secrets of an orchestrator are too.</summary>
    private ConfiguredKey? ReadKey(YamlSection key)
    {
        var name = key.Required("name", "prometheus");
        var grant = ReadGrant(key);
        var file = key.Required("key_file", "/run/secrets/prometheus-key");
        key.Close();
        var secret = file.Length > 0 ? Secret(key, file, "key_file", MinSecret) : null;
        return grant is { } given && secret is not null ? new ConfiguredKey(name, secret, [given]) : null;
    }

    private static string? Secret(YamlSection section, string file, string key, int shortest)
    {
        try
        {
            var secret = File.ReadAllText(file).Trim();
            if (secret.Length >= shortest) return secret;
            section.Problems.Add(
                section.LineOf(key),
                $"{section.Path}.{key}: what is in '{file}' is too short to be a secret; {shortest} characters at least, such as those of "
                    + "'openssl rand -base64 32'");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            section.Problems.Add(section.LineOf(key), $"{section.Path}.{key}: '{file}' cannot be read: {error.Message}");
        }

        return null;
    }

    /// <summary>What it allowed was everything, to everybody: what it was needed for is said in roles now.</summary>
    private static void RefuseAnonymous(YamlSection section)
    {
        if (!section.Has("allow_anonymous")) return;
        _ = section.Text("allow_anonymous");
        section.Problems.Add(
            section.LineOf("allow_anonymous"),
            "allow_anonymous is gone: whoever comes in signs in now. Take the line out; for a board that everybody may look at set "
                + "'access: { anonymous_viewer: true }', for programs make keys with 'oee key create'");
    }
}
