using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using OeeOrleans.CommitProtocol;

namespace OeeOrleans.Commands.Tests;

/// <summary>A command as it travels.</summary>
public sealed class SignedCommandTests : IDisposable
{
    private static readonly SignedCommand Command = new()
    {
        Id = "c1", Number = 7, EdgeNode = "g/n", Device = "d", Metric = "Speed", Value = "12.5", IssuedMs = 1_000, ExpiresMs = 16_000,
        AskedBy = "anna", ApprovedBy = "bert", Reason = "thicker film",
    };

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _other = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose()
    {
        _key.Dispose();
        _other.Dispose();
    }

    [Fact]
    public void Who_knows_the_key_reads_what_was_said_and_by_whom()
    {
        Assert.Equal(Command, SignedCommand.Open(Command.Seal(_key), [_other, _key], out var by));
        Assert.Equal(1, by);
    }

    [Fact]
    public void Nobody_elses_word_is_taken() =>
        Assert.Contains("none of the host's keys", Refusal(Command.Seal(_key), _other), StringComparison.Ordinal);

    [Fact]
    public void No_byte_of_it_can_be_changed()
    {
        var sealedText = Command.Seal(_key);
        for (var i = 0; i < sealedText.Length; i++)
        {
            if (sealedText[i] == '.') continue;
            var changed = sealedText.ToCharArray();
            changed[i] = changed[i] == 'A' ? 'B' : 'A';
            var text = new string(changed);
            // The last character of a group has bits that nothing is made of.
            if (Bytes(text).SequenceEqual(Bytes(sealedText))) continue;
            Assert.NotEqual("", Refusal(text, _key));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a.b.c")]
    [InlineData("not base64!.x")]
    [InlineData("e30.e30")]
    public void What_is_no_command_is_refused(string text) => Assert.NotEqual("", Refusal(text, _key));

    [Fact]
    public void A_signature_for_something_else_is_none_for_this()
    {
        var json = "{}"u8.ToArray();
        var text = $"{Base64Url.EncodeToString(json)}.{Base64Url.EncodeToString(_key.SignData(json, HashAlgorithmName.SHA256))}";
        Assert.Contains("none of the host's keys", Refusal(text, _key), StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_is_too_long_is_not_looked_at() =>
        Assert.Contains("may have 16000", Refusal(new string('x', 16_001), _key), StringComparison.Ordinal);

    private static byte[] Bytes(string text) =>
        [.. text.Split('.').SelectMany(p => Base64Url.IsValid(p) ? Base64Url.DecodeFromChars(p) : Encoding.UTF8.GetBytes(p))];

    private static string Refusal(string text, ECDsa key)
    {
        try
        {
            SignedCommand.Open(text, [key], out _);
            return "";
        }
        catch (SignedCommandException error)
        {
            return error.Message;
        }
    }
}
