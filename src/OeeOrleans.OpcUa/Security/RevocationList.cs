using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OeeOrleans.OpcUa.Security;

/// <summary>Lists of what was revoked (RFC 5280, section 5).</summary>
internal static class RevocationList
{
    /// <summary>Whether this list, signed by the issuer, names the certificate.</summary>
    public static bool Revokes(byte[] list, X509Certificate2 certificate, X509Certificate2 issuer)
    {
        try
        {
            var der = Der(list);
            var content = new AsnReader(der, AsnEncodingRules.DER).ReadSequence().ReadSequence();
            if (content.PeekTag() == Asn1Tag.Integer) content.ReadInteger();
            content.ReadEncodedValue();
            if (!content.ReadEncodedValue().Span.SequenceEqual(issuer.SubjectName.RawData)) return false;
            content.ReadEncodedValue();
            if (content.HasData && content.PeekTag().TagClass == TagClass.Universal
                && content.PeekTag() != Asn1Tag.Sequence) content.ReadEncodedValue();
            if (!content.HasData || content.PeekTag() != Asn1Tag.Sequence) return false;
            var serial = new BigInteger(certificate.SerialNumberBytes.Span, isUnsigned: false, isBigEndian: true);
            return Names(content.ReadSequence(), serial) && SignedData.IsSignedBy(der, issuer);
        }
        catch (AsnContentException)
        {
            // No list at all: it names nobody.
            return false;
        }
    }

    /// <summary>Lists come as PEM as well.</summary>
    private static byte[] Der(byte[] list)
    {
        var text = System.Text.Encoding.ASCII.GetString(list);
        return PemEncoding.TryFind(text, out var found) ? Convert.FromBase64String(text[found.Base64Data]) : list;
    }

    private static bool Names(AsnReader entries, BigInteger serial)
    {
        while (entries.HasData)
        {
            if (entries.ReadSequence().ReadInteger() == serial) return true;
        }

        return false;
    }
}
