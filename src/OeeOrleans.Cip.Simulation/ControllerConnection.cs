using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip.Simulation;

/// <summary>One client of a simulated controller: its session, and the connections it opened.</summary>
internal sealed class ControllerConnection(
    SimulatedController controller, SimulatedControllerOptions options, TagServices tags, PcccServices files, Socket socket,
    CancellationToken cancellationToken)
{
    private const int UnconnectedRoom = 504;
    private const int LargestSmall = 511;
    private readonly Dictionary<uint, Opened> _opened = [];
    private uint _session;

    public int Opens => _opened.Count;

    public void Cut() => socket.Close(0);

    public async Task RunAsync()
    {
        using var owned = socket;
        try
        {
            socket.NoDelay = true;
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            while (await FrameAsync(stream) is { } frame)
            {
                if (BinaryPrimitives.ReadUInt16LittleEndian(frame) == Eip.UnregisterSession) return;
                var answer = Answer(frame);
                if (controller.Faults.IsFrozen || answer is null) continue;
                if (controller.Faults.Delay > TimeSpan.Zero) await Task.Delay(controller.Faults.Delay, cancellationToken);
                if (controller.Faults.Mutate is { } mutate) answer = mutate(answer);
                await stream.WriteAsync(answer, cancellationToken);
            }
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The client went, or was cut off.
            return;
        }
    }

    private async Task<byte[]?> FrameAsync(NetworkStream stream)
    {
        var head = new byte[Eip.Header];
        if (await stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken) < head.Length) return null;
        var frame = new byte[Eip.Header + BinaryPrimitives.ReadUInt16LittleEndian(head.AsSpan(2))];
        head.CopyTo(frame, 0);
        await stream.ReadExactlyAsync(frame.AsMemory(Eip.Header), cancellationToken);
        return frame;
    }

    private byte[]? Answer(byte[] frame)
    {
        var command = BinaryPrimitives.ReadUInt16LittleEndian(frame);
        var session = BinaryPrimitives.ReadUInt32LittleEndian(frame.AsSpan(4));
        switch (command)
        {
            case Eip.ListIdentity: return controller.ListIdentity(frame);
            case Eip.RegisterSession when frame.Length == Eip.Header + 4:
                _session = controller.NextId();
                return Encapsulated(frame, 0, frame.AsSpan(Eip.Header));
            case Eip.SendUnconnected when session == _session: return Unconnected(frame);
            case Eip.SendConnected when session == _session: return Connected(frame);
            default: return Encapsulated(frame, command is Eip.SendUnconnected or Eip.SendConnected ? 0x64u : 0x01u, []);
        }
    }

    private byte[]? Unconnected(byte[] frame)
    {
        if (EipItems.Find(frame.AsSpan(Eip.Header), isConnected: false) is not { } found) return Encapsulated(frame, 0x03, []);
        var answer = Message(frame.AsSpan(Eip.Header + found.At, found.Length));
        var whole = new byte[Eip.UnconnectedPrefix + answer.Length];
        answer.CopyTo(whole, Eip.UnconnectedPrefix);
        Eip.WriteUnconnected(whole, answer.Length, 0);
        return Headed(frame, whole);
    }

    private byte[]? Connected(byte[] frame)
    {
        if (EipItems.Find(frame.AsSpan(Eip.Header), isConnected: true) is not { Sequence: { } sequence } found)
        {
            return Encapsulated(frame, 0x03, []);
        }

        var id = BinaryPrimitives.ReadUInt32LittleEndian(frame.AsSpan(Eip.Header + 12));
        // A target says nothing to a connection it does not know, or that timed out.
        if (!_opened.TryGetValue(id, out var opened) || found.Length + 2 > opened.Size) return null;
        if (Stopwatch.GetElapsedTime(opened.UsedAt) > opened.TimeOut)
        {
            controller.NoteTimeOut();
            _opened.Remove(id);
            controller.Closed(opened.Key);
            return null;
        }

        opened.UsedAt = Stopwatch.GetTimestamp();
        var answer = Request(frame.AsSpan(Eip.Header + found.At, found.Length), opened.Size - 2);
        var whole = new byte[Eip.ConnectedPrefix + answer.Length];
        answer.CopyTo(whole, Eip.ConnectedPrefix);
        Eip.WriteConnected(whole, answer.Length, opened.ToOriginator, sequence);
        return Headed(frame, whole);
    }

    /// <summary>To the connection manager, or to the controller behind it.</summary>
    private byte[] Message(ReadOnlySpan<byte> message)
    {
        var isManager = message.Length >= 6 && message[1] == 2 && message.Slice(2, 4).SequenceEqual(Eip.ConnectionManager);
        if (!isManager) return Request(message, UnconnectedRoom);
        return message[0] switch
        {
            Eip.ForwardOpen or Eip.LargeForwardOpen => Open(message[0], message[6..]),
            Eip.ForwardClose => Close(message[6..]),
            Eip.UnconnectedSend => Routed(message[6..]),
            _ => TagServices.Refuse(message[0], new CipStatus(CipStatus.NotSupported)),
        };
    }

    private byte[] Request(ReadOnlySpan<byte> request, int room)
    {
        var isPccc = options.Plc is CipPlc.Plc5 or CipPlc.Slc500 or CipPlc.MicroLogix;
        if (!isPccc) return tags.Answer(request, room);
        var isFile = request.Length > 6 && request[0] == Eip.ExecutePccc && request.Slice(2, 4).SequenceEqual(Eip.PcccObject);
        return isFile ? files.Answer(request[6..]) : TagServices.Refuse(request[0], new CipStatus(CipStatus.NotSupported));
    }

    private byte[] Routed(ReadOnlySpan<byte> data)
    {
        const byte Service = Eip.UnconnectedSend;
        if (data.Length < 4) return TagServices.Refuse(Service, new CipStatus(CipStatus.NotEnoughData));
        int length = BinaryPrimitives.ReadUInt16LittleEndian(data[2..]);
        if (data.Length < 4 + length) return TagServices.Refuse(Service, new CipStatus(CipStatus.NotEnoughData));
        var path = data[(4 + length + (length & 1))..];
        if (!IsHere(path.Length > 2 ? path[2..] : [])) return TagServices.Refuse(Service, new CipStatus(0x01, 0x0312));
        return Request(data.Slice(4, length), UnconnectedRoom);
    }

    private byte[] Open(byte service, ReadOnlySpan<byte> data)
    {
        var isLarge = service == Eip.LargeForwardOpen;
        if (isLarge && options.ConnectionSize <= LargestSmall) return TagServices.Refuse(service, new CipStatus(CipStatus.NotSupported));
        var least = isLarge ? 40 : 36;
        if (data.Length < least) return TagServices.Refuse(service, new CipStatus(CipStatus.NotEnoughData));
        if (controller.Faults.HasNoConnectionLeft || controller.Opens >= options.MaxConnections)
        {
            return TagServices.Refuse(service, new CipStatus(0x01, 0x0113));
        }

        var toOriginator = BinaryPrimitives.ReadUInt32LittleEndian(data[6..]);
        var ours = data.Slice(10, 8);
        var size = isLarge
            ? BinaryPrimitives.ReadUInt16LittleEndian(data[26..])
            : BinaryPrimitives.ReadUInt16LittleEndian(data[26..]) & 0x1FF;
        if (size > options.ConnectionSize)
        {
            return TagServices.Refuse(
                service, new CipStatus(0x01, 0x0109), (byte)options.ConnectionSize, (byte)(options.ConnectionSize >> 8));
        }

        if (!IsHere(data[least..])) return TagServices.Refuse(service, new CipStatus(0x01, 0x0312));
        var key = Convert.ToHexString(ours);
        if (controller.Faults.DuplicateOpens > 0 || !controller.Open(key))
        {
            controller.Faults.DuplicateOpens--;
            return TagServices.Refuse(service, new CipStatus(0x01, 0x0100));
        }

        var id = controller.NextId();
        // The multiplier is a power of two, four at least.
        double intervalUs = BinaryPrimitives.ReadUInt32LittleEndian(data[22..]);
        var timeOut = TimeSpan.FromMicroseconds(intervalUs * (4 << Math.Min(data[18], (byte)7)));
        _opened[id] = new Opened(key, toOriginator, size, timeOut) { UsedAt = Stopwatch.GetTimestamp() };
        return TagServices.Accept(
            service,
            new CipMessage(64).Long(id).Long(toOriginator).Bytes(ours).Bytes(data.Slice(22, 4)).Bytes(data.Slice(22, 4)).Word(0).Span);
    }

    private byte[] Close(ReadOnlySpan<byte> data)
    {
        if (data.Length < 10) return TagServices.Refuse(Eip.ForwardClose, new CipStatus(CipStatus.NotEnoughData));
        var key = Convert.ToHexString(data.Slice(2, 8));
        var id = _opened.Where(o => o.Value.Key == key).Select(o => (uint?)o.Key).FirstOrDefault();
        if (id is not { } known) return TagServices.Refuse(Eip.ForwardClose, new CipStatus(0x01, 0x0107));
        _opened.Remove(known);
        controller.Closed(key);
        return TagServices.Accept(Eip.ForwardClose, [.. data.Slice(2, 8), 0, 0]);
    }

    public void Forget()
    {
        foreach (var opened in _opened.Values) controller.Closed(opened.Key);
    }

    /// <summary>The controller is in slot 0; modules with an Ethernet port of their own need no route.</summary>
    private static bool IsHere(ReadOnlySpan<byte> path) => path.Length < 2 || path[0] != 1 || path[1] == 0;

    private byte[] Headed(byte[] request, byte[] whole)
    {
        Eip.WriteHeader(
            whole, BinaryPrimitives.ReadUInt16LittleEndian(request), whole.Length - Eip.Header, _session,
            BinaryPrimitives.ReadUInt64LittleEndian(request.AsSpan(Eip.ContextAt)));
        return whole;
    }

    private byte[] Encapsulated(byte[] request, uint status, ReadOnlySpan<byte> data)
    {
        var whole = new byte[Eip.Header + data.Length];
        data.CopyTo(whole.AsSpan(Eip.Header));
        Headed(request, whole);
        BinaryPrimitives.WriteUInt32LittleEndian(whole.AsSpan(8), status);
        return whole;
    }

    /// <param name="Key">Serial number, vendor and serial number of the originator.</param>
    /// <param name="ToOriginator">Its number of it.</param>
    /// <param name="Size">Bytes of a message with its sequence count.</param>
    /// <param name="TimeOut">Silent for longer than that it is dropped.</param>
    private sealed record Opened(string Key, uint ToOriginator, int Size, TimeSpan TimeOut)
    {
        public long UsedAt { get; set; }
    }
}
