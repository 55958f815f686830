using OeeOrleans.Access;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Host.Config;

/// <summary>`access: { token_minutes, session_hours, sign_ins_per_minute, anonymous_viewer, key_file, keys }`.</summary>
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
            AnonymousViewer = _access.Flag("anonymous_viewer"),
            Keys = [.. _access.Sections("keys").Select(ReadKey).OfType<ConfiguredKey>()],
        };
        foreach (var twice in options.Keys.GroupBy(k => k.Name).Where(g => g.Count() > 1))
        {
            _access.Problems.Add(_access.LineOf("keys"), $"access.keys: '{twice.Key}' is there twice; names of keys are unique");
        }

        _access.Close();
        return options;
    }

    /// <summary>`{ name, role, at, key_file }`: the key itself is in a file of its own, which secrets of an orchestrator are too.</summary>
    private ConfiguredKey? ReadKey(YamlSection key)
    {
        var name = key.Required("name", "prometheus");
        var role = key.Choice("role", (Role?)null, [.. Enum.GetValues<Role>().Select(r => (r.Name(), (Role?)r))]);
        var at = key.Text("at") ?? _tree.Site;
        var file = key.Required("key_file", "/run/secrets/prometheus-key");
        key.Close();
        if (role is null)
        {
            key.Problems.Add(key.Line, $"{key.Path}: 'role' is missing; {string.Join(", ", RoleNames.All)} are possible");
            return null;
        }

        var grant = new Grant(role.Value, at);
        if (AccessKeeper.GrantProblem(grant, _tree) is { } problem) key.Problems.Add(key.LineOf("at"), $"{key.Path}.at: {problem}");
        return Secret(key, file) is { } secret ? new ConfiguredKey(name, secret, [grant]) : null;
    }

    private static string? Secret(YamlSection key, string file)
    {
        if (file.Length == 0) return null;
        try
        {
            var secret = File.ReadAllText(file).Trim();
            if (secret.Length >= MinSecret) return secret;
            key.Problems.Add(
                key.LineOf("key_file"),
                $"{key.Path}.key_file: the key in '{file}' is too short to be a secret; {MinSecret} characters at least, such as those of "
                    + "'openssl rand -base64 32'");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            key.Problems.Add(key.LineOf("key_file"), $"{key.Path}.key_file: '{file}' cannot be read: {error.Message}");
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
