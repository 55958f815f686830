using OeeOrleans.OpcUa.Security;

namespace OeeOrleans.OpcUa;

/// <summary>Policies by the names the standard gives them.</summary>
public static class SecurityPolicies
{
    /// <summary>All that are offered here, for messages.</summary>
    public static string Names { get; } = string.Join(", ", Enum.GetValues<SecurityPolicy>().Select(Name));

    public static string Name(SecurityPolicy policy) => PolicySuite.Of(policy).Name;

    public static bool TryParse(string? name, out SecurityPolicy policy)
    {
        var suite = PolicySuite.ByName(name);
        policy = suite?.Policy ?? SecurityPolicy.None;
        return suite is not null;
    }
}
