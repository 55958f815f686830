using CsCheck;
using OeeOrleans.OpcUa.Security;
using OeeOrleans.OpcUa.Transport;

namespace OeeOrleans.OpcUa.Tests;

/// <summary>Chunks under the keys of a token (OPC 10000-6, 6.7.2).</summary>
public sealed class ChunkTests
{
    private static readonly byte[] Secret = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly byte[] Seed = [.. Enumerable.Range(100, 32).Select(i => (byte)i)];

    public static TheoryData<SecurityPolicy, MessageSecurityMode> Modes() => new()
    {
        { SecurityPolicy.None, MessageSecurityMode.None },
        { SecurityPolicy.Basic256Sha256, MessageSecurityMode.Sign },
        { SecurityPolicy.Basic256Sha256, MessageSecurityMode.SignAndEncrypt },
        { SecurityPolicy.Aes128Sha256RsaOaep, MessageSecurityMode.SignAndEncrypt },
        { SecurityPolicy.Aes256Sha256RsaPss, MessageSecurityMode.SignAndEncrypt },
    };

    [Fact]
    public void Keys_are_derived_as_RFC_5246_says()
    {
        // The vector of the TLS working group's list for P_SHA256.
        var keys = ChannelKeys.Derive(
            Convert.FromHexString("9BBE436BA940F017B17652849A71DB35"),
            [.. "test label"u8, .. Convert.FromHexString("A0BA9F936CDA311827A6F796FFD5198C")], 100);
        Assert.StartsWith("E3F229BA727BE17B8D122620557CD453C2AAB21D07C3D495329B52D4E61EDB5A", Convert.ToHexString(keys),
            StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_body_of_any_length_comes_out_as_it_went_in(SecurityPolicy policy, MessageSecurityMode mode)
    {
        using var token = Token(policy, mode);
        Gen.Byte.Array[0, 500].Sample(body =>
        {
            var chunk = new byte[1000];
            var length = token.Protect(Frame.Message, Frame.Final, 7, 9, body, chunk);
            token.Unprotect(chunk.AsSpan(0, length), out var sequence, out var request, out var offset, out var count);
            return sequence == 7 && request == 9 && chunk.AsSpan(offset, count).SequenceEqual(body);
        });
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void The_longest_body_that_is_allowed_fits_into_the_buffer(SecurityPolicy policy, MessageSecurityMode mode)
    {
        using var token = Token(policy, mode);
        foreach (var buffer in (int[])[8192, 8193, 8200, 65_535])
        {
            var body = new byte[token.MaxBody(buffer)];
            var chunk = new byte[buffer];
            var length = token.Protect(Frame.Message, Frame.Final, 1, 1, body, chunk);
            Assert.InRange(length, buffer - 16, buffer);
        }
    }

    [Fact]
    public void A_chunk_with_any_bit_changed_is_refused()
    {
        using var token = Token(SecurityPolicy.Basic256Sha256, MessageSecurityMode.SignAndEncrypt);
        Gen.Select(Gen.Byte.Array[1, 100], Gen.Int[0, 1_000], Gen.Int[0, 7]).Sample((body, at, bit) =>
        {
            var chunk = new byte[400];
            var length = token.Protect(Frame.Message, Frame.Final, 1, 1, body, chunk);
            chunk[at % length] ^= (byte)(1 << bit);
            return Refuses(token, chunk.AsSpan(0, length).ToArray());
        });
    }

    [Fact]
    public void Random_bytes_under_encryption_are_refused()
    {
        using var token = Token(SecurityPolicy.Aes256Sha256RsaPss, MessageSecurityMode.SignAndEncrypt);
        Gen.Byte.Array[0, 300].Sample(bytes => Refuses(token, bytes));
    }

    private static bool Refuses(ChannelToken token, byte[] chunk)
    {
        try
        {
            token.Unprotect(chunk, out _, out _, out _, out _);
            return false;
        }
        catch (OpcUaException error)
        {
            return error.Status.Code == StatusCodes.BadSecurityChecksFailed;
        }
    }

    /// <summary>With the same keys in both directions, so that it reads what it writes.</summary>
    private static ChannelToken Token(SecurityPolicy policy, MessageSecurityMode mode)
    {
        var suite = PolicySuite.Of(policy);
        return suite.IsNone
            ? new ChannelToken(3, 4, mode, null, null)
            : new ChannelToken(3, 4, mode, new ChannelKeys(suite, Secret, Seed), new ChannelKeys(suite, Secret, Seed));
    }
}
