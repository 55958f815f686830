using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OeeOrleans.OpcUa.Security;

/// <summary>What certificates and revocation lists have in common: content, algorithm, signature (RFC 5280, 4.1 and 5.1).</summary>
internal static class SignedData
{
    private const string RsaSha256 = "1.2.840.113549.1.1.11";
    private const string RsaSha384 = "1.2.840.113549.1.1.12";
    private const string RsaSha512 = "1.2.840.113549.1.1.13";
    private const string RsaPss = "1.2.840.113549.1.1.10";
    private const string EcdsaSha256 = "1.2.840.10045.4.3.2";
    private const string EcdsaSha384 = "1.2.840.10045.4.3.3";
    private const string EcdsaSha512 = "1.2.840.10045.4.3.4";

    /// <summary>
    /// Whether this very key signed these very bytes. Names and key identifiers prove nothing, and what a chain engine cannot put together
    /// is not signed. SHA-1 and older do not count.
    /// </summary>
    public static bool IsSignedBy(byte[] der, X509Certificate2 issuer)
    {
        try
        {
            var outer = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
            var content = outer.ReadEncodedValue();
            var algorithm = outer.ReadSequence().ReadObjectIdentifier();
            var signature = outer.ReadBitString(out _);
            return Verify(content.Span, algorithm, signature, issuer);
        }
        catch (Exception error) when (error is AsnContentException or CryptographicException)
        {
            // Nothing that could be signed.
            return false;
        }
    }

    private static bool Verify(ReadOnlySpan<byte> content, string algorithm, byte[] signature, X509Certificate2 issuer)
    {
        using var rsa = issuer.GetRSAPublicKey();
        using var ecdsa = issuer.GetECDsaPublicKey();
        return algorithm switch
        {
            RsaSha256 => rsa?.VerifyData(content, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1) == true,
            RsaSha384 => rsa?.VerifyData(content, signature, HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1) == true,
            RsaSha512 => rsa?.VerifyData(content, signature, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1) == true,
            RsaPss => rsa?.VerifyData(content, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pss) == true,
            EcdsaSha256 => Elliptic(ecdsa, content, signature, HashAlgorithmName.SHA256),
            EcdsaSha384 => Elliptic(ecdsa, content, signature, HashAlgorithmName.SHA384),
            EcdsaSha512 => Elliptic(ecdsa, content, signature, HashAlgorithmName.SHA512),
            _ => false,
        };
    }

    private static bool Elliptic(ECDsa? key, ReadOnlySpan<byte> content, byte[] signature, HashAlgorithmName hash) =>
        key?.VerifyData(content, signature, hash, DSASignatureFormat.Rfc3279DerSequence) == true;
}
