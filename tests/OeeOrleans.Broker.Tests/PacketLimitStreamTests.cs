using CsCheck;

namespace OeeOrleans.Broker.Tests;

public sealed class PacketLimitStreamTests
{
    /// <summary>Packets as they may follow one another, by the lengths they announce.</summary>
    private static readonly Gen<byte[]> AnyPackets = Gen.Int[0, 20_000].Array[0, 6].Select(
        lengths => lengths.SelectMany(l => (byte[])[0x30, .. LengthOf(l), .. new byte[l]]).ToArray());

    [Fact]
    public Task Bytes_come_out_as_they_went_in_however_they_are_read() =>
        Gen.Select(AnyPackets, Gen.Int[1, 5_000].Array[1, 5], Gen.Int[1, 3_000]).SampleAsync(async (packets, reads, chunk) =>
        {
            using var limited = new PacketLimitStream(new ChunkedStream(packets, chunk));
            var read = new MemoryStream();
            for (var i = 0; ; i++)
            {
                var buffer = new byte[reads[i % reads.Length]];
                var count = await limited.ReadAsync(buffer);
                if (count == 0) break;
                read.Write(buffer, 0, count);
            }

            Assert.True(packets.AsSpan().SequenceEqual(read.ToArray()));
        });

    [Theory]
    [InlineData(PacketLimitStream.MaxFirst, true)]
    [InlineData(PacketLimitStream.MaxFirst + 1, false)]
    public Task The_first_packet_is_small(int length, bool fits) => FitsAsync([0x10, .. LengthOf(length)], fits);

    [Theory]
    [InlineData(PacketLimitStream.MaxPacket, true)]
    [InlineData(PacketLimitStream.MaxPacket + 1, false)]
    public Task Those_that_follow_are_as_large_as_ingress_takes_them(int length, bool fits) =>
        FitsAsync([0x10, 0, 0x30, .. LengthOf(length)], fits);

    private static async Task FitsAsync(byte[] bytes, bool fits)
    {
        using var limited = new PacketLimitStream(new ChunkedStream(bytes, 1));
        async Task ReadAllAsync()
        {
            while (await limited.ReadAsync(new byte[1]) > 0) { }
        }

        if (fits) await ReadAllAsync();
        else await Assert.ThrowsAsync<IOException>(ReadAllAsync);
    }

    /// <summary>MQTT 5, 1.5.5.</summary>
    private static byte[] LengthOf(int length)
    {
        var bytes = new List<byte>();
        do
        {
            var digit = length % 128;
            length /= 128;
            bytes.Add((byte)(length > 0 ? digit | 0x80 : digit));
        }
        while (length > 0);
        return [.. bytes];
    }

    /// <summary>Gives so many bytes at a time and no more.</summary>
    private sealed class ChunkedStream(byte[] bytes, int chunk) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, chunk)], cancellationToken);
    }
}
