using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;
using OeeOrleans.OpcUa.Binary;
using OeeOrleans.OpcUa.Security;
using OeeOrleans.OpcUa.Services;
using OeeOrleans.OpcUa.Transport;

namespace OeeOrleans.OpcUa.Sessions;

/// <summary>Makes the token that says who the user is, and proves it (OPC 10000-4, 7.41).</summary>
internal static class IdentityProof
{
    /// <param name="endpoint">Where the session is.</param>
    /// <param name="channel">What protects it.</param>
    /// <param name="identity">Who.</param>
    /// <param name="serverCertificate">The server's, null when it has none.</param>
    /// <param name="nonce">The server's last.</param>
    /// <exception cref="OpcUaException">It cannot be said safely.</exception>
    public static (IdentityToken Token, Signature Proof) Make(
        EndpointDescription endpoint, ChannelSettings channel, UserIdentity identity, X509Certificate2? serverCertificate, byte[] nonce,
            ILogger log)
    {
        var policies = endpoint.UserTokens.Where(t => t.Kind == identity.Kind).ToList();
        // One that protects before one that does not, and only by algorithms that are known here: a server may list deprecated ones.
        var (policy, suite) = policies.Select(p => (Policy: p, Suite: SuiteOf(p, endpoint)))
            .Where(p => p.Suite is not null)
            .OrderBy(p => p.Suite!.IsNone)
            .FirstOrDefault();
        if (policy is null)
        {
            if (identity.Kind == UserTokenKind.Anonymous) return (
                new IdentityToken(policies.FirstOrDefault()?.PolicyId, identity.Kind, null, null, null), default);
            throw new OpcUaException(
                StatusCodes.BadIdentityTokenInvalid,
                $"{channel.Url} takes {identity} only by algorithms that are not offered here: "
                    + string.Join(", ", policies.Select(p => p.SecurityPolicyUri)));
        }

        return identity switch
        {
            UserIdentity.UserName user => (Name(policy, suite!, channel, user, serverCertificate, nonce, log), default),
            UserIdentity.Certificate user => Certificate(policy, suite!, channel, user.WithKey, serverCertificate, nonce),
            _ => (new IdentityToken(policy.PolicyId, identity.Kind, null, null, null), default),
        };
    }

    private static PolicySuite? SuiteOf(UserTokenPolicy policy, EndpointDescription endpoint) =>
        PolicySuite.ByUri(string.IsNullOrEmpty(policy.SecurityPolicyUri) ? endpoint.SecurityPolicyUri : policy.SecurityPolicyUri);

    private static IdentityToken Name(
        UserTokenPolicy policy, PolicySuite suite, ChannelSettings channel, UserIdentity.UserName user, X509Certificate2? server,
            byte[] nonce,
        ILogger log)
    {
        var password = Encoding.UTF8.GetBytes(user.Password);
        if (!suite.IsNone && server is not null)
        {
            using var writer = new UaWriter();
            writer.Int32(password.Length + nonce.Length);
            writer.Raw(password);
            writer.Raw(nonce);
            using var key = server.GetRSAPublicKey()
                ?? throw new OpcUaException(StatusCodes.BadCertificateInvalid, $"the certificate of {channel.Url} has no RSA key to "
                    + $"encrypt a password for");
            // Without security nobody has proved that this certificate is the server's.
            if (channel.Suite.IsNone) Log.PasswordForUnchecked(log, channel.Url, server.Subject);
            return new IdentityToken(policy.PolicyId, UserTokenKind.UserName, user.Name, suite.Encrypt(key, writer.Written),
                suite.EncryptionUri);
        }

        if (channel.Mode != MessageSecurityMode.SignAndEncrypt)
        {
            if (!user.AllowClearText)
            {
                throw new OpcUaException(
                    StatusCodes.BadIdentityTokenRejected,
                    $"{channel.Url} would have the password in clear on a connection that anyone can read; use an encrypted endpoint, "
                        + "or allow it "
                        + $"explicitly (--clear-password)");
            }

            Log.PasswordInClear(log, channel.Url);
        }

        return new IdentityToken(policy.PolicyId, UserTokenKind.UserName, user.Name, password, null);
    }

    private static (IdentityToken Token, Signature Proof) Certificate(
        UserTokenPolicy policy, PolicySuite suite, ChannelSettings channel, X509Certificate2 user, X509Certificate2? server, byte[] nonce)
    {
        if (suite.IsNone || server is null)
        {
            throw new OpcUaException(
                StatusCodes.BadIdentityTokenInvalid, $"{channel.Url} has no algorithm by which a user certificate could be proved; use "
                    + "a secure endpoint");
        }

        using var key = user.GetRSAPrivateKey()
            ?? throw new OpcUaException(StatusCodes.BadIdentityTokenInvalid, $"the user certificate {user.Subject} has no RSA key "
                + "beside it");
        byte[] data = [.. server.RawData, .. nonce];
        return (
            new IdentityToken(policy.PolicyId, UserTokenKind.Certificate, null, user.RawData, null),
            new Signature(suite.SignatureUri, suite.Sign(key, data)));
    }
}
