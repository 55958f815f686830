namespace OeeOrleans.OpcUa;

/// <summary>How a user proves who he is (OPC 10000-4, 7.42).</summary>
public enum UserTokenKind
{
    Anonymous = 0,
    UserName = 1,
    Certificate = 2,
    Issued = 3,
}

/// <summary>A kind of user an endpoint takes (OPC 10000-4, 7.42).</summary>
/// <param name="PolicyId">The server's name for it.</param>
/// <param name="Kind">Which kind.</param>
/// <param name="SecurityPolicyUri">How its secret is protected; null or empty: as the endpoint says.</param>
public sealed record UserTokenPolicy(string? PolicyId, UserTokenKind Kind, string? SecurityPolicyUri);

/// <summary>A way into a server (OPC 10000-4, 7.14).</summary>
/// <param name="Url">As the server calls it; often with a host that is unknown outside.</param>
/// <param name="ApplicationUri">Who the server says it is.</param>
/// <param name="ProductUri">What it is.</param>
/// <param name="ApplicationName">What people call it.</param>
/// <param name="Certificate">DER, with its chain behind it.</param>
/// <param name="Mode">What is protected.</param>
/// <param name="SecurityPolicyUri">By which algorithms.</param>
/// <param name="UserTokens">The kinds of user it takes.</param>
/// <param name="TransportProfileUri">Which transport.</param>
/// <param name="SecurityLevel">How good the server thinks it is; larger is better.</param>
public sealed record EndpointDescription(
    string Url, string? ApplicationUri, string? ProductUri, string? ApplicationName, byte[]? Certificate, MessageSecurityMode Mode,
    string SecurityPolicyUri, IReadOnlyList<UserTokenPolicy> UserTokens, string? TransportProfileUri, byte SecurityLevel);
