using System.Text.RegularExpressions;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Keys;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access.Identities;

/// <summary>An API key that was just made.</summary>
/// <param name="Secret">To be shown once; nobody knows it afterwards.</param>
public sealed record NewKey(StoredKey Key, string Secret);

/// <summary>
/// Makes and changes users, keys and grants; each change stands in the audit log. Used by the API and by the command line. What a
/// <see cref="Doer"/> does not administer does not exist for it. Safe for concurrent use.
/// </summary>
public sealed partial class AccessKeeper(
    IAccessStore store, AccessDirectory directory, AccessRefresher refresher, TimeProvider clock)
{
    /// <summary>Every API key begins with it, so that one that got out is recognised in a log or a repository.</summary>
    public const string KeyPrefix = "oee_";

    private const string SetupId = "setup";

    private static readonly string[] Reserved = ["anonymous", "system", "unknown", "others", "host"];

    private const int MaxGrants = 100;

    private static readonly TimeSpan SetupLifetime = TimeSpan.FromHours(24);

    /// <summary>Users that a doer administers, with their grants.</summary>
    public IEnumerable<(StoredUser User, IReadOnlyList<Grant> Grants)> Users(Doer doer) => directory.Users
        .Select(u => (u, directory.GrantsOf(StoredGrant.OfUser(u.Name)))).Where(u => doer.Administers(u.Item2));

    /// <summary>Keys that a doer administers, with their grants.</summary>
    public IEnumerable<(StoredKey Key, IReadOnlyList<Grant> Grants)> Keys(Doer doer) => directory.Keys
        .Select(k => (k, directory.GrantsOf(StoredGrant.OfKey(k.Id)))).Where(k => doer.Administers(k.Item2));

    /// <exception cref="AccessInputException">A name, password or grant that cannot be; or the name is taken.</exception>
    /// <exception cref="AccessDeniedException">A grant that the doer may not give.</exception>
    public async Task AddUserAsync(
        Doer doer, string name, string password, IReadOnlyList<Grant> grants, bool mustChange, CancellationToken cancellationToken)
    {
        CheckName(name);
        Passwords.Check(name, password);
        CheckGrants(doer, grants);
        var nowUs = UnixMicros.Now(clock);
        var user = new StoredUser(name, Passwords.Hash(password), Secrets.NewId(8), nowUs) { MustChange = mustChange };
        if (!await store.AddUserAsync(
            user, Stored(StoredGrant.OfUser(name), grants), Entry(doer, "user.add", name, new { grants = Text(grants) }),
            cancellationToken))
        {
            throw new AccessInputException("name", $"there is a user '{name}' already");
        }

        await refresher.RefreshAsync(cancellationToken);
    }

    /// <summary>Disables a user (all of whose sign-ins end), or lets it in again. False: there is no such user.</summary>
    public Task<bool> DisableUserAsync(Doer doer, string name, bool disabled, CancellationToken cancellationToken) => ChangeAsync(
        doer, name, disabled ? "user.disable" : "user.enable",
        u => u with { DisabledUs = disabled ? UnixMicros.Now(clock) : null }, cancellationToken);

    /// <summary>Gives a user another password; all of its sign-ins end. False: there is no such user.</summary>
    /// <param name="mustChange">Somebody else thought the password up: it is to be changed at the next sign-in.</param>
    /// <exception cref="AccessInputException">The password cannot be.</exception>
    public Task<bool> SetPasswordAsync(
        Doer doer, string name, string password, bool mustChange, CancellationToken cancellationToken)
    {
        Passwords.Check(name, password);
        var hash = Passwords.Hash(password);
        return ChangeAsync(
            doer, name, "user.password", u => u with { PasswordHash = hash, MustChange = mustChange }, cancellationToken);
    }

    /// <summary>A user's own password, by the user.</summary>
    /// <exception cref="AccessInputException">The password cannot be, or is the one before.</exception>
    public Task<bool> ChangeOwnPasswordAsync(
        string name, string before, string password, string origin, CancellationToken cancellationToken) =>
        before == password
            ? throw new AccessInputException("new", "the new password is the one before")
            : SetPasswordAsync(new Doer(name, origin, null), name, password, mustChange: false, cancellationToken);

    /// <summary>Makes a user's grants what is given. False: there is no such user.</summary>
    public async Task<bool> SetGrantsAsync(Doer doer, string name, IReadOnlyList<Grant> grants, CancellationToken cancellationToken)
    {
        await refresher.RefreshAsync(cancellationToken);
        if (Find(doer, name) is not { } user) return false;
        CheckGrants(doer, grants);
        await store.SetGrantsAsync(
            StoredGrant.OfUser(name), Stored(StoredGrant.OfUser(name), grants),
            Entry(doer, "user.grants", name, new { was = Text(user.Grants), now = Text(grants) }), cancellationToken);
        await refresher.RefreshAsync(cancellationToken);
        return true;
    }

    /// <exception cref="AccessInputException">A name or grant that cannot be; or the name is taken.</exception>
    /// <exception cref="AccessDeniedException">A grant that the doer may not give.</exception>
    public async Task<NewKey> AddKeyAsync(
        Doer doer, string name, IReadOnlyList<Grant> grants, TimeSpan? lifetime, CancellationToken cancellationToken)
    {
        CheckName(name);
        CheckGrants(doer, grants);
        if (grants.Count == 0) throw new AccessInputException("role", "a key needs a role, or it could do nothing");
        if (directory.IsConfigured(name)) throw new AccessInputException("name", $"the configuration has a key '{name}'");
        var id = Secrets.NewId(4);
        var secret = $"{KeyPrefix}{id}_{Secrets.New()}";
        var nowUs = UnixMicros.Now(clock);
        var key = new StoredKey(
            id, name, Secrets.Hash(secret), nowUs, doer.Label, lifetime is { } time ? nowUs + (long)time.TotalMicroseconds : null, null);
        if (!await store.AddKeyAsync(
            key, Stored(StoredGrant.OfKey(id), grants), Entry(doer, "key.add", name, new { id, grants = Text(grants) }), cancellationToken))
        {
            throw new AccessInputException("name", $"there is a key '{name}' already");
        }

        await refresher.RefreshAsync(cancellationToken);
        return new NewKey(key, secret);
    }

    /// <param name="idOrName">Of the key.</param>
    /// <returns>False: there is no such key, or it is revoked.</returns>
    public async Task<bool> RevokeKeyAsync(Doer doer, string idOrName, CancellationToken cancellationToken)
    {
        var good = Keys(doer).Select(k => k.Key).Where(k => k.RevokedUs is null).ToList();
        // A name may be another one's id; the id is meant then.
        if ((good.Find(k => k.Id == idOrName) ?? good.Find(k => k.Name == idOrName)) is not { } key) return false;
        var revoked = await store.RevokeKeyAsync(
            key.Id, UnixMicros.Now(clock), Entry(doer, "key.revoke", key.Name, new { id = key.Id }), cancellationToken);
        await refresher.RefreshAsync(cancellationToken);
        return revoked;
    }

    /// <summary>A word with which the first administrator can be made, once. An earlier one is not good any more.</summary>
    public async Task<string> NewSetupWordAsync(CancellationToken cancellationToken)
    {
        var word = Secrets.New();
        var nowUs = UnixMicros.Now(clock);
        await store.TakeSecretAsync(SetupId, cancellationToken);
        await store.AddSecretAsync(
            new StoredSecret(SetupId, SetupId, nowUs, nowUs + (long)SetupLifetime.TotalMicroseconds, null, Secrets.Hash(word)),
            cancellationToken);
        return word;
    }

    /// <summary>Whether the word would do now.</summary>
    public async Task<bool> IsSetupWordAsync(string word, CancellationToken cancellationToken)
    {
        if (directory.HasUsers) return false;
        var nowUs = UnixMicros.Now(clock);
        var secrets = (await store.ReadAccessAsync(nowUs, cancellationToken)).Secrets;
        return secrets.FirstOrDefault(s => s.Id == SetupId) is { } setup && setup.ExpiresUs > nowUs
            && Secrets.AreEqual(setup.Sealed, Secrets.Hash(word));
    }

    /// <summary>Makes the first administrator, of the whole site. False: the word is not good (any more).</summary>
    /// <exception cref="AccessInputException">Name or password cannot be; the word is good still.</exception>
    public async Task<bool> SetUpAsync(string word, string name, string password, string origin, CancellationToken cancellationToken)
    {
        CheckName(name);
        Passwords.Check(name, password);
        if (!await IsSetupWordAsync(word, cancellationToken) || !await store.TakeSecretAsync(SetupId, cancellationToken)) return false;
        await AddUserAsync(
            new Doer("system:setup", origin, null), name, password, [new Grant(Role.Admin, directory.Tree.Site)], mustChange: false,
            cancellationToken);
        return true;
    }

    private async Task<bool> ChangeAsync(
        Doer doer, string name, string action, Func<StoredUser, StoredUser> change, CancellationToken cancellationToken)
    {
        // As it is now: somebody else may have given it more than this doer may touch.
        await refresher.RefreshAsync(cancellationToken);
        if (Find(doer, name) is not { } found) return false;
        var changed = change(found.User) with { Stamp = Secrets.NewId(8) };
        var done = await store.ChangeUserAsync(
            changed, found.User.Stamp, Entry(doer, action, name, new { must_change = changed.MustChange }), cancellationToken);
        await refresher.RefreshAsync(cancellationToken);
        return done ? true : throw new AccessInputException("name", $"user '{name}' was changed by somebody else meanwhile; try again");
    }

    private (StoredUser User, IReadOnlyList<Grant> Grants)? Find(Doer doer, string name)
    {
        var found = Users(doer).FirstOrDefault(u => u.User.Name == name);
        return found.User is null ? null : found;
    }

    private void CheckGrants(Doer doer, IReadOnlyList<Grant> grants)
    {
        if (grants.Count > MaxGrants) throw new AccessInputException("grants", $"at most {MaxGrants} grants");
        foreach (var grant in grants)
        {
            if (GrantProblem(grant, directory.Tree) is { } problem) throw new AccessInputException("at", problem);
        }

        doer.MustAdminister(grants);
    }

    /// <summary>What is wrong with where a grant is; null: nothing.</summary>
    public static string? GrantProblem(Grant grant, AssetTree tree)
    {
        if (grant.Role != Role.Edge)
        {
            return tree.IsNode(grant.At) ? null : $"'{grant.At}' is neither the site '{tree.Site}' nor an area nor a line of it";
        }

        return EdgeNode().IsMatch(grant.At)
            ? null
            : $"'{grant.At}' is no edge node; the role edge is given at one, as group/node, such as berlin/edge1, or at all of a group, "
                + "berlin/*";
    }

    private static void CheckName(string name)
    {
        if (Reserved.Contains(name, StringComparer.OrdinalIgnoreCase) || name.StartsWith("oee-", StringComparison.OrdinalIgnoreCase))
        {
            throw new AccessInputException("name", $"'{name}' is a name of ours; choose another one");
        }

        if (!Name().IsMatch(name))
        {
            throw new AccessInputException(
                "name", "a name has 1 to 64 characters: letters, digits, and . _ @ - after the first; such as anna or press-shop.reader");
        }
    }

    private static List<StoredGrant> Stored(string identity, IReadOnlyList<Grant> grants) =>
        [.. grants.Distinct().Select(g => new StoredGrant(identity, g.Role.Name(), g.At))];

    private static IEnumerable<string> Text(IReadOnlyList<Grant> grants) => grants.Select(g => g.ToString());

    private AuditEntry Entry(Doer doer, string action, string target, object detail) =>
        SignIn.Entry(UnixMicros.Now(clock), doer.Label, action, target, doer.Origin, detail);

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}\z")]
    private static partial Regex Name();

    /// <summary>A `*` in place of one of them: all groups, or all nodes of a group.</summary>
    [GeneratedRegex(@"^(\*|[^/+#*\s\p{C}]{1,200})/(\*|[^/+#*\s\p{C}]{1,200})\z")]
    private static partial Regex EdgeNode();
}
