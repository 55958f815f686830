using System.Buffers.Binary;
using System.Security.Cryptography;

namespace OeeOrleans.Cip.Wire;

/// <summary>
/// A connection of transport class 3 to the controller's message router (CIP volume 1, 3-5.5.2). Its serial number is one that no
/// connection of ours had before, also not before a crash.
/// </summary>
internal sealed class CipConnection
{
    /// <summary>Attempts with other serial numbers, or sizes.</summary>
    private const int Attempts = 8;
    private const int SmallSize = 500;
    private const int LargestSmall = 511;
    private const ushort Vendor = 0x0EE0;
    private const byte TickOf128Ms = 7;
    private const byte Ticks = 8;
    private const byte Class3Server = 0xA3;

    /// <summary>The controller drops a connection that is silent for 16 packet intervals.</summary>
    private const byte SixteenIntervals = 2;
    private const int IdsLength = 8;
    private static readonly uint Originator = BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4));
    private static int _serial = RandomNumberGenerator.GetInt32(ushort.MaxValue);

    private readonly ushort _mine;
    private readonly byte[] _path;

    private CipConnection(uint toTarget, ushort serial, int size, byte[] path) =>
        (ToTarget, _mine, Size, _path) = (toTarget, serial, size, path);

    /// <summary>The target's number of it: messages to it bear it.</summary>
    public uint ToTarget { get; }

    /// <summary>Bytes of a message with its sequence count.</summary>
    public int Size { get; }

    /// <summary>Large, else small, else none: null.</summary>
    /// <exception cref="CipException">There is nobody at the end of the route, or no connection left.</exception>
    public static async Task<CipConnection?> OpenAsync(CipLink link, CipClientOptions options, CancellationToken cancellationToken)
    {
        byte[] path = [.. options.Route.Bytes, .. Eip.MessageRouter];
        var size = options.ConnectionSize;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var isLarge = size > LargestSmall;
            var serial = (ushort)Interlocked.Increment(ref _serial);
            var request = Request(isLarge, size, serial, options, path);
            using var answer = await link.CallModuleAsync(request.Memory, cancellationToken).ConfigureAwait(false);
            var reply = answer.Reply;
            if (reply.Status.IsGood)
            {
                if (reply.Data.Length < IdsLength) throw link.Distrust($"answers a Forward Open with {reply.Data.Length} bytes");
                return new CipConnection(BinaryPrimitives.ReadUInt32LittleEndian(reply.Data), serial, size, path);
            }

            // In use: by us, before a crash. The next number is free.
            if (reply.Status is { General: 0x01, Extended: 0x0100 }) continue;
            if (IsFinal(reply.Status)) throw link.Refusal(reply.Status);
            // Not supported, or not of that size: the size it names, else the small one; then without a connection.
            if (!isLarge) return null;
            size = Granted(reply) is { } granted && granted < size ? granted : SmallSize;
        }

        throw link.Refusal(new CipStatus(0x01, 0x0100));
    }

    /// <summary>Gives it back: its place at the controller is free at once.</summary>
    public async ValueTask CloseAsync(CipLink link)
    {
        var request = CipMessage.Request(Eip.ForwardClose, Eip.ConnectionManager)
            .Byte(TickOf128Ms).Byte(Ticks).Word(_mine).Word(Vendor).Long(Originator).Byte(_path.Length / 2).Byte(0).Bytes(_path);
        try
        {
            // A dead socket must not keep us.
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            var call = link.CallModuleAsync(request.Memory, limit.Token).AsTask();
            using var answer = await call.WaitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is CipException or OperationCanceledException)
        {
            // It ends by itself at the controller.
            return;
        }
    }

    private static CipMessage Request(bool isLarge, int size, ushort serial, CipClientOptions options, byte[] path)
    {
        const int PointToPoint = 0x4000;
        const int Variable = 0x0200;
        var us = (uint)options.PacketInterval.TotalMicroseconds;
        var (tick, ticks) = CipLink.RouterTime(options.Timeout);
        var request = CipMessage.Request(isLarge ? Eip.LargeForwardOpen : Eip.ForwardOpen, Eip.ConnectionManager)
            .Byte(tick).Byte(ticks).Long(0).Long(BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(4)))
            .Word(serial).Word(Vendor).Long(Originator).Byte(SixteenIntervals).Byte(0).Byte(0).Byte(0);
        for (var direction = 0; direction < 2; direction++)
        {
            request.Long(us);
            if (isLarge) request.Long((uint)(((PointToPoint | Variable) << 16) | size));
            else request.Word(PointToPoint | Variable | size);
        }

        return request.Byte(Class3Server).Byte(path.Length / 2).Bytes(path);
    }

    /// <summary>The size that a controller says it grants instead.</summary>
    private static int? Granted(in CipReply reply)
    {
        if (reply.Status is not { General: 0x01, Extended: 0x0109 } || reply.Extended.Length < 4) return null;
        int size = BinaryPrimitives.ReadUInt16LittleEndian(reply.Extended[2..]);
        return size >= 100 ? size : null;
    }

    /// <summary>Asking otherwise would not help.</summary>
    private static bool IsFinal(CipStatus status) => status is { General: 0x01, Extended: 0x0204 or 0x0311 or 0x0312 or 0x0318 or 0x0113 };
}
