using System.Collections.Concurrent;
using System.Collections.Frozen;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Keys;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access.Identities;

/// <summary>
/// Users, keys and grants as the store had them last: whoever comes in is looked up in memory. Read again when the store says that
/// something changed, see <see cref="AccessRefresher"/>. Safe for concurrent use.
/// </summary>
public sealed class AccessDirectory
{
    /// <summary>Scopes that are remembered; there are as many as there are different sets of grants.</summary>
    private const int MaxScopes = 10_000;

    /// <summary>Of the id of a key that the configuration holds.</summary>
    private const string ConfiguredPrefix = "file:";

    /// <summary>As <see cref="Identity.Label"/> begins of a key.</summary>
    private const string KeyLabel = "key:";

    private const string ExternalLabel = "external:";

    private readonly AccessOptions _options;
    private readonly TimeProvider _clock;
    private readonly FrozenDictionary<string, ConfiguredKey> _configured;
    private readonly FrozenDictionary<string, ConfiguredKey> _configuredByName;
    private volatile Scopes _scopes;
    private volatile Snapshot _now = new(new AccessData(0, [], [], [], [], []));

    public AccessDirectory(AssetTree tree, AccessOptions options, TimeProvider clock)
    {
        (_scopes, _options, _clock) = (new Scopes(tree), options, clock);
        _configured = options.Keys.ToFrozenDictionary(k => Secrets.Hash(k.Secret), StringComparer.Ordinal);
        _configuredByName = options.Keys.ToFrozenDictionary(k => k.Name, StringComparer.Ordinal);
    }

    /// <summary>The plant, as it is now.</summary>
    public AssetTree Tree => _scopes.Tree;

    /// <summary>Of the store, when it was last read.</summary>
    public long Version => _now.Data.Version;

    /// <summary>There is somebody who can sign in.</summary>
    public bool HasUsers => _now.Users.Count > 0;

    public IReadOnlyList<StoredUser> Users => _now.Data.Users;

    public IReadOnlyList<StoredKey> Keys => _now.Data.Keys;

    /// <summary>Something is another than before: whoever holds an identity for long asks again.</summary>
    public event Action? Changed;

    /// <summary>The plant is another one: what grants cover is worked out anew.</summary>
    public void Take(AssetTree tree)
    {
        _scopes = new Scopes(tree);
        Changed?.Invoke();
    }

    internal void Take(AccessData data)
    {
        _now = new Snapshot(data);
        Changed?.Invoke();
    }

    internal void TellChanged() => Changed?.Invoke();

    /// <summary>Who has this API key; null when nobody has, or it was revoked or has expired.</summary>
    public Identity? FindKey(string secret)
    {
        var hash = Secrets.Hash(secret);
        if (_configured.TryGetValue(hash, out var configured)) return Of(configured);
        return _now.KeysByHash.TryGetValue(hash, out var key) ? Good(key) : null;
    }

    /// <summary>The user of a name, unless there is none or it was disabled.</summary>
    public Identity? FindUser(string name) => Stored(name) is { DisabledUs: null } user
        ? new Identity(IdentityKind.User, user.Name, _now.GrantsOf(StoredGrant.OfUser(user.Name))) { MustChangePassword = user.MustChange }
        : null;

    public StoredUser? Stored(string name) => _now.Users.GetValueOrDefault(name);

    public IReadOnlyList<Grant> GrantsOf(string identity) => _now.GrantsOf(identity);

    /// <summary>The user of a sign-in, when that still is one: not ended, the user neither disabled nor changed since.</summary>
    /// <param name="session">Its id.</param>
    /// <param name="user">Whose.</param>
    /// <param name="stamp">The user's then.</param>
    /// <param name="beganUs">
    /// When it began: one that lasts longer than a sign-in does is for who may only look, as long as that is so.
    /// </param>
    /// <param name="endsUs">When it ends, or the token does.</param>
    public Identity? FindSession(string session, string user, string stamp, long beganUs, long endsUs)
    {
        var nowUs = UnixMicros.Now(_clock);
        if (endsUs <= nowUs || _now.Revoked.Contains(session) || Stored(user)?.Stamp != stamp) return null;
        if (FindUser(user) is not { } found) return null;
        var isLong = nowUs - beganUs > (long)_options.SessionLifetime.TotalMicroseconds;
        if (isLong && !found.Grants.All(g => g.Role == Role.Dashboard)) return null;
        return found with { Session = session, BeganUs = beganUs, EndsUs = endsUs };
    }

    /// <summary>
    /// Somebody from outside, as the sign-in said, with what of its grants the configuration still gives to somebody; null when that is
    /// over, or nobody signs people in from outside any more.
    /// </summary>
    public Identity? FindExternal(Identity identity)
    {
        if (identity.EndsUs <= UnixMicros.Now(_clock) || (identity.Session is { } session && IsRevoked(session))) return null;
        return _options.Oidc is { } oidc
            ? identity with { Grants = [.. identity.Grants.Where(oidc.Roles.Values.Contains)] }
            : null;
    }

    /// <summary>A sign-in that was ended before its time.</summary>
    public bool IsRevoked(string session) => _now.Revoked.Contains(session);

    /// <summary>Whoever is not known; null where such a one may not even look.</summary>
    public Identity? Anonymous() => _options.AnonymousViewer
        ? new Identity(IdentityKind.Anonymous, "anonymous", [new Grant(Role.Dashboard, Tree.Site)])
        : null;

    /// <summary>An API key by its id (<see cref="Identity.KeyId"/>), as it is now; null when it is not good any more.</summary>
    public Identity? FindKeyById(string id)
    {
        if (id.StartsWith(ConfiguredPrefix, StringComparison.Ordinal))
        {
            return _configuredByName.TryGetValue(id[ConfiguredPrefix.Length..], out var configured) ? Of(configured) : null;
        }

        return _now.KeysById.TryGetValue(id, out var key) ? Good(key) : null;
    }

    /// <summary>The configuration has a key of this name.</summary>
    public bool IsConfigured(string name) => _configuredByName.ContainsKey(name);

    /// <summary>
    /// The person behind an identity, where two of them are needed: a user, or whoever made a key, through keys that were made with keys.
    /// Null: nobody knows, of a key that was made at the command line, or stands in the configuration.
    /// </summary>
    public string? PersonOf(Identity identity)
    {
        if (identity.Kind == IdentityKind.Anonymous) return null;
        if (identity.Kind != IdentityKind.Key) return identity.Label;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var key = identity.KeyId is { } id ? _now.KeysById.GetValueOrDefault(id) : null;
        while (key is not null && seen.Add(key.Id))
        {
            var maker = key.CreatedBy;
            if (!maker.StartsWith(KeyLabel, StringComparison.Ordinal)) return IsPerson(maker) ? maker : null;
            // Names of keys are given once, revoked ones included; one of the configuration is nobody's.
            var name = maker[KeyLabel.Length..];
            key = IsConfigured(name) ? null : _now.Data.Keys.FirstOrDefault(k => k.Name == name);
        }

        return null;
    }

    /// <summary>
    /// Who stands in the audit log under a label, as it is now; null: it is not good any more, or it is one of those that are not looked up
    /// (somebody that another authority signs in).
    /// </summary>
    public Identity? FindLabel(string label)
    {
        if (!label.StartsWith(KeyLabel, StringComparison.Ordinal)) return FindUser(label);
        var name = label[KeyLabel.Length..];
        if (IsConfigured(name)) return FindKeyById(ConfiguredPrefix + name);
        return _now.Data.Keys.FirstOrDefault(k => k.Name == name) is { } key ? Good(key) : null;
    }

    /// <summary>The label is of somebody that another authority signs in.</summary>
    public static bool IsExternal(string label) => label.StartsWith(ExternalLabel, StringComparison.Ordinal);

    /// <summary>A user of the plant's own has no colon in its name.</summary>
    private static bool IsPerson(string label) => IsExternal(label) || !label.Contains(':', StringComparison.Ordinal);

    internal StoredSecret? FindSecret(string id) => _now.Data.Secrets.FirstOrDefault(s => s.Id == id);

    /// <summary>What an identity may do, and where.</summary>
    public AccessScope ScopeOf(Identity identity)
    {
        var key = string.Join('\n', identity.Grants.Select(g => $"{(int)g.Role}{g.At}"));
        var scopes = _scopes;
        if (scopes.ByGrants.TryGetValue(key, out var scope)) return scope;
        if (scopes.ByGrants.Count >= MaxScopes) scopes.ByGrants.Clear();
        return scopes.ByGrants.GetOrAdd(key, _ => new AccessScope(scopes.Tree, identity.Grants));
    }

    private Identity? Good(StoredKey key) => key.RevokedUs is null && !(key.ExpiresUs <= UnixMicros.Now(_clock))
        ? new Identity(IdentityKind.Key, key.Name, _now.GrantsOf(StoredGrant.OfKey(key.Id))) { KeyId = key.Id }
        : null;

    private static Identity Of(ConfiguredKey key) =>
        new(IdentityKind.Key, key.Name, key.Grants) { KeyId = ConfiguredPrefix + key.Name };

    /// <summary>Scopes of one state of the plant.</summary>
    private sealed record Scopes(AssetTree Tree)
    {
        public ConcurrentDictionary<string, AccessScope> ByGrants { get; } = new(StringComparer.Ordinal);
    }

    private sealed class Snapshot
    {
        private readonly FrozenDictionary<string, Grant[]> _grants;

        public Snapshot(AccessData data)
        {
            Data = data;
            Users = data.Users.ToFrozenDictionary(u => u.Name, StringComparer.Ordinal);
            KeysById = data.Keys.ToFrozenDictionary(k => k.Id, StringComparer.Ordinal);
            KeysByHash = data.Keys.ToFrozenDictionary(k => k.Hash, StringComparer.Ordinal);
            Revoked = data.RevokedSessions.ToFrozenSet(StringComparer.Ordinal);
            _grants = data.Grants.GroupBy(g => g.Identity, StringComparer.Ordinal).ToFrozenDictionary(
                g => g.Key, g => g.Select(Read).OfType<Grant>().ToArray(), StringComparer.Ordinal);
        }

        public AccessData Data { get; }

        public FrozenDictionary<string, StoredUser> Users { get; }

        public FrozenDictionary<string, StoredKey> KeysById { get; }

        public FrozenDictionary<string, StoredKey> KeysByHash { get; }

        public FrozenSet<string> Revoked { get; }

        public IReadOnlyList<Grant> GrantsOf(string identity) => _grants.TryGetValue(identity, out var grants) ? grants : [];

        /// <summary>A role of a later release permits nothing here.</summary>
        private static Grant? Read(StoredGrant grant) =>
            RoleNames.TryParse(grant.Role, out var role) ? new Grant(role, grant.At) : null;
    }
}
