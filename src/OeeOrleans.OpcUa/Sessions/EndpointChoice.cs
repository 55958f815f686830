using OeeOrleans.OpcUa.Security;

namespace OeeOrleans.OpcUa.Sessions;

/// <summary>Which of a server's endpoints is used.</summary>
internal static class EndpointChoice
{
    /// <summary>From the weakest to the strongest.</summary>
    private static readonly SecurityPolicy[] Ranking =
    [
        SecurityPolicy.None, SecurityPolicy.Aes128Sha256RsaOaep, SecurityPolicy.Basic256Sha256, SecurityPolicy.Aes256Sha256RsaPss,
    ];

    /// <exception cref="OpcUaException">None fits; the message says what there is and what to ask for.</exception>
    public static (EndpointDescription Endpoint, PolicySuite Suite) Choose(
        IReadOnlyList<EndpointDescription> offered, OpcUaClientOptions options, Uri url)
    {
        var usable = offered
            .Where(e => e.TransportProfileUri is null || e.TransportProfileUri.EndsWith("uatcp-uasc-uabinary", StringComparison.Ordinal))
            .Select(e => (Endpoint: e, Suite: PolicySuite.ByUri(e.SecurityPolicyUri)))
            .Where(e => e.Suite is not null && e.Suite.IsNone == (e.Endpoint.Mode == MessageSecurityMode.None))
            .ToList();
        var wanted = usable.Where(e => Fits(e.Endpoint, e.Suite!, options)).ToList();
        if (wanted.Count == 0) throw Nothing(usable.ConvertAll(e => (e.Endpoint, e.Suite!)), offered.Count, options, url);
        var kind = options.Identity.Kind;
        var withUser = wanted.Where(e => e.Endpoint.UserTokens.Any(t => t.Kind == kind)).ToList();
        if (withUser.Count == 0)
        {
            var kinds = string.Join(", ", wanted.SelectMany(e => e.Endpoint.UserTokens).Select(t => t.Kind).Distinct());
            throw new OpcUaException(
                StatusCodes.BadIdentityTokenInvalid, $"{url} does not take {options.Identity}; it takes: "
                    + $"{(kinds.Length > 0 ? kinds : "nobody")}");
        }

        var (endpoint, suite) =
            withUser.OrderByDescending(e => e.Endpoint.Mode).ThenByDescending(e => Array.IndexOf(Ranking, e.Suite!.Policy)).First();
        return (endpoint, suite!);
    }

    private static bool Fits(EndpointDescription endpoint, PolicySuite suite, OpcUaClientOptions options)
    {
        var policyFits = options.SecurityPolicy is { } policy
            ? suite.Policy == policy
            : !suite.IsNone || options.Mode == MessageSecurityMode.None;
        return policyFits && (options.Mode is not { } mode || endpoint.Mode == mode);
    }

    private static OpcUaException Nothing(
        List<(EndpointDescription Endpoint, PolicySuite Suite)> usable, int offered, OpcUaClientOptions options, Uri url)
    {
        var list = string.Join(", ", usable.Select(e => e.Suite.IsNone ? "None" : $"{e.Suite.Name}/{e.Endpoint.Mode}").Distinct());
        var asked = options.SecurityPolicy is { } policy ? PolicySuite.Of(policy).Name : "any security";
        if (options.Mode is { } mode) asked += $" with {mode}";
        var advice = options.SecurityPolicy is null && usable.Exists(e => e.Suite.IsNone)
            ? "; without any protection it can be used by asking for the policy None (--security None)"
            : "";
        return new OpcUaException(
            StatusCodes.BadSecurityPolicyRejected,
            $"{url} does not offer {asked}; of its {offered} endpoints these can be used: {(list.Length > 0 ? list : "none")}{advice}");
    }
}
