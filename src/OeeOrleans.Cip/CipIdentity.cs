using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip;

/// <summary>What a device says of itself (Identity object, CIP volume 1, 5-2).</summary>
/// <param name="Vendor">ODVA's number of it; 1 is Rockwell.</param>
/// <param name="DeviceType">14 is a programmable controller, 12 a communications adapter.</param>
/// <param name="ProductCode">The vendor's.</param>
/// <param name="Revision">Of the firmware.</param>
/// <param name="Status">Bits.</param>
/// <param name="Serial">Its serial number.</param>
/// <param name="ProductName">Its name.</param>
public sealed record CipIdentity(
    ushort Vendor, ushort DeviceType, ushort ProductCode, Version Revision, ushort Status, uint Serial, string ProductName)
{
    private const int Fixed = 15;

    /// <summary>Null when the bytes are no identity.</summary>
    internal static CipIdentity? Read(ReadOnlySpan<byte> data)
    {
        if (data.Length < Fixed || data.Length < Fixed + data[14]) return null;
        return new CipIdentity(
            BinaryPrimitives.ReadUInt16LittleEndian(data), BinaryPrimitives.ReadUInt16LittleEndian(data[2..]),
            BinaryPrimitives.ReadUInt16LittleEndian(data[4..]), new Version(data[6], data[7]),
            BinaryPrimitives.ReadUInt16LittleEndian(data[8..]), BinaryPrimitives.ReadUInt32LittleEndian(data[10..]),
            Encoding.Latin1.GetString(data.Slice(Fixed, data[14])));
    }
}

/// <summary>A device that was found.</summary>
/// <param name="Address">Where it answered.</param>
/// <param name="Identity">What it says of itself.</param>
public sealed record CipDevice(IPEndPoint Address, CipIdentity Identity);

/// <summary>Finds EtherNet/IP devices: ListIdentity (CIP volume 2, 2-4.2).</summary>
public static class CipDiscovery
{
    /// <summary>Version and socket address in front of the identity.</summary>
    private const int IdentityAt = 18;
    private const int MaxDevices = 10_000;

    /// <summary>Asks by UDP, one device or a whole network by its broadcast address, and gathers what answers within a time.</summary>
    /// <param name="address">Of a device, or a broadcast address.</param>
    /// <param name="time">How long answers are waited for.</param>
    /// <param name="port">The devices'.</param>
    /// <param name="cancellationToken">Ends it earlier.</param>
    /// <exception cref="SocketException">The network does not take it.</exception>
    public static async Task<IReadOnlyList<CipDevice>> FindAsync(
        IPAddress address, TimeSpan time, int port = CipClientOptions.DefaultPort, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        using var socket = new UdpClient(address.AddressFamily) { EnableBroadcast = true };
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(time);
        await socket.SendAsync(Question(), new IPEndPoint(address, port), cancellationToken).ConfigureAwait(false);
        var found = new List<CipDevice>();
        try
        {
            while (found.Count < MaxDevices)
            {
                var answer = await socket.ReceiveAsync(limit.Token).ConfigureAwait(false);
                // Whoever answers with something else is no such device.
                if (Read(answer.Buffer) is { } identity) found.Add(new CipDevice(answer.RemoteEndPoint, identity));
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return found;
        }

        return found;
    }

    /// <summary>Asks one device by TCP.</summary>
    /// <exception cref="CipException">There is nobody, or it answers something else.</exception>
    public static async Task<CipIdentity> AskAsync(CipClientOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Timeout);
        try
        {
            using var transport = await EipTransport.ConnectAsync(options, limit.Token).ConfigureAwait(false);
            await transport.SendAsync(Question(), limit.Token).ConfigureAwait(false);
            using var answer = await transport.ReceiveAsync(limit.Token).ConfigureAwait(false);
            return Read(answer.Whole) ?? throw new CipException(CipFailure.Protocol, $"{options.Name} does not say who it is");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CipException(CipFailure.Timeout, $"{options.Name} did not answer within {options.Timeout.TotalSeconds} s");
        }
    }

    private static byte[] Question()
    {
        var frame = new byte[Eip.Header];
        Eip.WriteHeader(frame, Eip.ListIdentity, 0, 0, 0);
        return frame;
    }

    private static CipIdentity? Read(ReadOnlySpan<byte> frame)
    {
        const int Items = Eip.Header + 2;
        if (frame.Length < Items + 4 || BinaryPrimitives.ReadUInt16LittleEndian(frame) != Eip.ListIdentity) return null;
        if (BinaryPrimitives.ReadUInt16LittleEndian(frame[Items..]) != Eip.IdentityItem) return null;
        int length = BinaryPrimitives.ReadUInt16LittleEndian(frame[(Items + 2)..]);
        var item = frame[(Items + 4)..];
        return item.Length < length || length < IdentityAt ? null : CipIdentity.Read(item[IdentityAt..length]);
    }
}
