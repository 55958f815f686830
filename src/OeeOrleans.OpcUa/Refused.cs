namespace OeeOrleans.OpcUa;

/// <summary>What a server's refusal means and what to do about it, in one place.</summary>
internal static class Refused
{
    public static OpcUaException Call(Uri url, string service, StatusCode status) =>
        new(status, $"{url} refuses {service}: {status.Name}{Advice(status)}");

    /// <summary>A sentence for a person, starting with a semicolon; empty when the name says it.</summary>
    public static string Advice(StatusCode status) => status.WithoutFlags.Code switch
    {
        StatusCodes.BadUserAccessDenied or StatusCodes.BadIdentityTokenRejected =>
            "; the user name, password or user certificate is not accepted, or may not do this",
        StatusCodes.BadIdentityTokenInvalid => "; the server does not take this kind of user",
        StatusCodes.BadSecurityChecksFailed or StatusCodes.BadCertificateUntrusted =>
            "; the server does not trust our certificate: move it on the server from its rejected to its trusted folder",
        StatusCodes.BadTooManySessions => "; all of the server's sessions are taken: close others, or wait for those of dead clients to "
            + "end",
        StatusCodes.BadSecurityModeRejected or StatusCodes.BadSecurityPolicyRejected =>
            "; the server does not offer this security policy and mode: see its endpoints",
        StatusCodes.BadNodeIdUnknown => "; there is no such node (does its namespace index still mean what it did?)",
        StatusCodes.BadNodeIdInvalid => "; this is no node id to the server",
        StatusCodes.BadNotReadable => "; the server does not let it be read",
        StatusCodes.BadNotWritable => "; the server does not let it be written",
        StatusCodes.BadTypeMismatch => "; the value's type is not the node's",
        StatusCodes.BadOutOfRange => "; the value is not in the node's range",
        StatusCodes.BadAttributeIdInvalid => "; the node has no value: it is no variable",
        StatusCodes.BadServiceUnsupported => "; the server does not know this service",
        _ => "",
    };
}
