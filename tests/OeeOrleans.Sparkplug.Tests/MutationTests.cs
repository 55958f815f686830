using CsCheck;

namespace OeeOrleans.Sparkplug.Tests;

public sealed class MutationTests
{
    private static readonly byte[][] Corpus = [.. PayloadVectorTests.All()];

    private static readonly Gen<byte[]> GenMutated =
        from seed in Gen.Int[0, Corpus.Length - 1]
        from flips in Gen.Select(Gen.Int[0, 6000], Gen.Byte).Array[0, 6]
        from cut in Gen.Int[0, 40]
        from tail in Gen.Byte.Array[0, 12]
        select Mutate(Corpus[seed], flips, cut, tail);

    [Fact]
    public void Mutated_payloads_either_decode_or_fail_with_the_one_exception() =>
        GenMutated.Sample(payload =>
        {
            try
            {
                PayloadVectorTests.Decode(payload);
            }
            catch (SparkplugFormatException error)
            {
                Assert.InRange(error.Offset, 0, payload.Length);
            }
        }, iter: 20_000);

    private static byte[] Mutate(byte[] seed, (int At, byte Value)[] flips, int cut, byte[] tail)
    {
        var bytes = seed.ToArray();
        foreach (var (at, value) in flips)
        {
            if (bytes.Length > 0) bytes[at % bytes.Length] = value;
        }

        if (cut < 10 && bytes.Length > cut) bytes = bytes[..^cut];
        return tail.Length > 8 ? [.. bytes, .. tail] : bytes;
    }
}
