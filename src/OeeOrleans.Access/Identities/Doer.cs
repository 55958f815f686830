using OeeOrleans.Access.Grants;

namespace OeeOrleans.Access.Identities;

/// <summary>Who changes users, keys or grants, and from where.</summary>
/// <param name="Label">For the audit log.</param>
/// <param name="Origin">An address, or `command line`.</param>
/// <param name="Scope">What it may give and take; null: everything (whoever may read the plant's configuration on its machine).</param>
public sealed record Doer(string Label, string Origin, AccessScope? Scope)
{
    public static Doer CommandLine { get; } = new($"system:{Environment.UserName}", "command line", null);

    /// <exception cref="AccessDeniedException">It may not.</exception>
    internal void MustAdminister(IEnumerable<Grant> grants)
    {
        if (Scope is null) return;
        foreach (var grant in grants)
        {
            if (!Scope.Administers(grant)) throw new AccessDeniedException($"'{grant}' is outside of what you administer");
        }
    }

    /// <summary>Of whom nothing is granted belongs to the administrators of the plant.</summary>
    internal bool Administers(IReadOnlyList<Grant> grants) =>
        Scope is null || (grants.Count == 0 ? Scope.AllowsEverywhere(Permission.Administer) : grants.All(Scope.Administers));
}
