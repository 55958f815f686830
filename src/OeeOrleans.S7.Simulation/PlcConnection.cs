using System.Buffers.Binary;
using System.Net.Sockets;
using System.Threading.Channels;
using OeeOrleans.S7.Wire;

namespace OeeOrleans.S7.Simulation;

/// <summary>One client of a simulated PLC. What is no S7 ends the connection, as it does at a CPU.</summary>
internal sealed class PlcConnection(
    SimulatedPlc plc, SimulatedPlcOptions options, PlcMemory memory, Socket socket, bool isFull, CancellationToken cancellationToken)
{
    private const ushort FunctionRefused = 0x8104;
    private const ushort TooLarge = 0x8500;
    private const int MaxPdu = 4_096;
    private const int MaxUnderWay = 64;

    private readonly UserDataAnswers _about = new(plc, options, memory);
    private int _pduLength = 240;
    private int _unitLength = 128;
    private int _underWay;

    public void Cut() => socket.Close(0);

    public async Task RunAsync()
    {
        using var owned = socket;
        try
        {
            socket.NoDelay = true;
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            if (!await ConfirmAsync(stream)) return;
            // Requests that wait while one is answered are under way, as at a CPU.
            var requests = Channel.CreateBounded<byte[]>(MaxUnderWay);
            var answering = AnswerAllAsync(stream, requests.Reader);
            try
            {
                await TakeAllAsync(stream, requests.Writer);
            }
            finally
            {
                requests.Writer.TryComplete();
                await answering;
            }
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or OperationCanceledException
            or InvalidOperationException)
        {
            // The client went, or was cut off.
            return;
        }
    }

    private async Task TakeAllAsync(NetworkStream stream, ChannelWriter<byte[]> requests)
    {
        var pdu = new MemoryStream();
        while (await FrameAsync(stream) is { } frame)
        {
            if (frame.Length < S7Pdu.DataHeader || frame[1] != S7Pdu.Data || pdu.Length > MaxPdu) return;
            pdu.Write(frame, S7Pdu.DataHeader, frame.Length - S7Pdu.DataHeader);
            if ((frame[2] & S7Pdu.EndOfTransmission) == 0) continue;
            var underWay = Interlocked.Increment(ref _underWay);
            plc.NoteUnderWay(underWay);
            if (underWay > plc.Faults.ResetAbove)
            {
                Cut();
                return;
            }

            await requests.WriteAsync(pdu.ToArray(), cancellationToken);
            pdu.SetLength(0);
        }
    }

    private async Task AnswerAllAsync(NetworkStream stream, ChannelReader<byte[]> requests)
    {
        try
        {
            await foreach (var request in requests.ReadAllAsync(cancellationToken))
            {
                if (Answer(request) is { } answer) await SendAsync(stream, answer);
                else Cut();
            }
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The client went, or was cut off.
            return;
        }
    }

    private async Task SendAsync(NetworkStream stream, byte[] pdu)
    {
        var faults = plc.Faults;
        if (faults.IsFrozen) return;
        if (faults.Delay > TimeSpan.Zero) await Task.Delay(faults.Delay, cancellationToken);
        if (faults.Mutate is { } mutate) pdu = mutate(pdu);
        // Before it goes out: the next request may follow it at once.
        Interlocked.Decrement(ref _underWay);
        var most = _unitLength - S7Pdu.DataHeader;
        var at = 0;
        do
        {
            var length = Math.Min(most, pdu.Length - at);
            var frame = new byte[S7Pdu.Prefix + length];
            var isLast = at + length == pdu.Length;
            (frame[0], frame[4], frame[5], frame[6]) = (3, S7Pdu.DataHeader - 1, S7Pdu.Data, isLast ? S7Pdu.EndOfTransmission : (byte)0);
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(2), (ushort)frame.Length);
            pdu.AsSpan(at, length).CopyTo(frame.AsSpan(S7Pdu.Prefix));
            await stream.WriteAsync(frame, cancellationToken);
            at += length;
        }
        while (at < pdu.Length);
    }

    /// <summary>The connection request: who is called, and is there room.</summary>
    private async Task<bool> ConfirmAsync(NetworkStream stream)
    {
        if (await FrameAsync(stream) is not { Length: >= 7 } request || (request[1] & 0xF0) != S7Pdu.ConnectionRequest) return false;
        ushort called = 0;
        for (var at = 7; at + 2 <= request.Length && at + 2 + request[at + 1] <= request.Length; at += request[at + 1] + 2)
        {
            if (request[at] == 0xC0 && request[at + 1] == 1) Grant(request, at + 2);
            if (request[at] == 0xC2 && request[at + 1] == 2) called = BinaryPrimitives.ReadUInt16BigEndian(request.AsSpan(at + 2));
        }

        var isRefused = isFull || (options.Tsap is { } tsap && tsap != called);
        var answer = new byte[request.Length + S7Pdu.TpktLength];
        request.CopyTo(answer, S7Pdu.TpktLength);
        (answer[0], answer[3], answer[5]) = (3, (byte)answer.Length, isRefused ? S7Pdu.DisconnectRequest : S7Pdu.ConnectionConfirm);
        // Our reference and theirs change places.
        (answer[6], answer[7], answer[8], answer[9]) = (request[4], request[5], 0, 1);
        if (plc.Faults.IsFrozen) return true;
        await stream.WriteAsync(answer, cancellationToken);
        return !isRefused;
    }

    /// <summary>Without the TPKT header; null at the end, and for what is none.</summary>
    private async Task<byte[]?> FrameAsync(NetworkStream stream)
    {
        var head = new byte[S7Pdu.TpktLength];
        if (await stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancellationToken) < head.Length) return null;
        var length = BinaryPrimitives.ReadUInt16BigEndian(head.AsSpan(2)) - head.Length;
        if (head[0] != 3 || length is < 1 or > MaxPdu) return null;
        var frame = new byte[length];
        await stream.ReadExactlyAsync(frame, cancellationToken);
        return frame;
    }

    /// <summary>Units no larger than this PLC has them.</summary>
    private void Grant(byte[] request, int at)
    {
        while (request[at] > 7 && 1 << request[at] > options.UnitLength) request[at]--;
        _unitLength = 1 << Math.Clamp((int)request[at], 7, 13);
    }

    private byte[]? Answer(byte[] pdu)
    {
        if (pdu.Length < S7Pdu.JobHeader || pdu[0] != S7Pdu.Protocol) return null;
        var (parameters, data) = (BinaryPrimitives.ReadUInt16BigEndian(pdu.AsSpan(6)), BinaryPrimitives.ReadUInt16BigEndian(pdu.AsSpan(8)));
        if (pdu.Length != S7Pdu.JobHeader + parameters + data || parameters < 1) return null;
        if (pdu[1] == S7Pdu.UserData) return _about.Answer(pdu, parameters);
        var given = pdu.AsSpan(S7Pdu.JobHeader, parameters);
        if (pdu.Length > _pduLength) return Refuse(pdu, TooLarge);
        switch (given[0])
        {
            case S7Pdu.Setup when parameters == 8: return Setup(pdu, given);
            case S7Pdu.ReadVar or S7Pdu.WriteVar when parameters >= 2 && parameters == 2 + (given[1] * S7Pdu.ItemLength):
                plc.CountRequest();
                if (plc.Faults.RefuseWith != 0) return Refuse(pdu, plc.Faults.RefuseWith);
                return given[0] == S7Pdu.ReadVar ? Read(pdu, given[2..]) : Write(pdu, given[2..], pdu.AsSpan(S7Pdu.JobHeader + parameters));
            default: return Refuse(pdu, FunctionRefused);
        }
    }

    private byte[] Setup(byte[] pdu, ReadOnlySpan<byte> given)
    {
        _pduLength = Math.Min(options.PduLength, BinaryPrimitives.ReadUInt16BigEndian(given[6..]));
        var jobs = (ushort)Math.Min(options.Jobs, BinaryPrimitives.ReadUInt16BigEndian(given[2..]));
        var granted = new byte[8];
        granted[0] = S7Pdu.Setup;
        BinaryPrimitives.WriteUInt16BigEndian(granted.AsSpan(2), jobs);
        BinaryPrimitives.WriteUInt16BigEndian(granted.AsSpan(4), jobs);
        BinaryPrimitives.WriteUInt16BigEndian(granted.AsSpan(6), (ushort)_pduLength);
        return Acknowledge(pdu, granted, []);
    }

    private byte[] Read(byte[] pdu, ReadOnlySpan<byte> items)
    {
        var count = Math.Min(items.Length / S7Pdu.ItemLength, plc.Faults.MaxItems);
        var data = new MemoryStream();
        for (var i = 0; i < count; i++)
        {
            if ((data.Length & 1) == 1) data.WriteByte(0);
            var item = PlcItem.Read(items.Slice(i * S7Pdu.ItemLength, S7Pdu.ItemLength));
            var bytes = new byte[item.ByteLength];
            var status = plc.Faults.Of(item.Area, item.Db) ?? memory.Read(item.Area, item.Db, item.ByteStart, bytes);
            if (status != S7Status.Good)
            {
                data.Write([(byte)status, 0, 0, 0]);
                continue;
            }

            if (item.IsBit && item.Count != 1)
            {
                data.Write([(byte)S7Status.TypeInconsistent, 0, 0, 0]);
                continue;
            }

            if (item.IsBit) bytes[0] = (byte)((bytes[0] >> (item.Position % 8)) & 1);
            var told = item.DataSize == S7Pdu.ByteData ? bytes.Length * 8 : bytes.Length;
            data.Write([0xFF, item.DataSize, (byte)(told >> 8), (byte)told]);
            data.Write(bytes);
        }

        var answer = Acknowledge(pdu, [S7Pdu.ReadVar, (byte)count], data.ToArray());
        return answer.Length <= _pduLength ? answer : Refuse(pdu, TooLarge);
    }

    private byte[] Write(byte[] pdu, ReadOnlySpan<byte> items, ReadOnlySpan<byte> data)
    {
        var count = Math.Min(items.Length / S7Pdu.ItemLength, plc.Faults.MaxItems);
        var results = new byte[count];
        for (var i = 0; i < count; i++)
        {
            var item = PlcItem.Read(items.Slice(i * S7Pdu.ItemLength, S7Pdu.ItemLength));
            if (data.Length < S7Pdu.DataItemHeader) return Refuse(pdu, TooLarge);
            var length = S7Pdu.DataLength(data[1], BinaryPrimitives.ReadUInt16BigEndian(data[2..]));
            data = data[S7Pdu.DataItemHeader..];
            if (length > data.Length) return Refuse(pdu, TooLarge);
            results[i] = (byte)Write(item, data[..length]);
            data = data[Math.Min(data.Length, S7Pdu.Even(length))..];
        }

        return Acknowledge(pdu, [S7Pdu.WriteVar, (byte)count], results);
    }

    private S7Status Write(in PlcItem item, ReadOnlySpan<byte> data)
    {
        if (plc.Faults.Of(item.Area, item.Db) is { } fault) return fault;
        if (data.Length != item.ByteLength || data.Length == 0) return S7Status.TypeInconsistent;
        return item.IsBit
            ? memory.WriteBit(item.Area, item.Db, item.Position, data[0] != 0)
            : memory.Write(item.Area, item.Db, item.ByteStart, data);
    }

    private static byte[] Refuse(byte[] pdu, ushort code)
    {
        var answer = Acknowledge(pdu, [], []);
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(10), code);
        return answer;
    }

    private static byte[] Acknowledge(byte[] pdu, ReadOnlySpan<byte> parameters, ReadOnlySpan<byte> data)
    {
        var answer = new byte[S7Pdu.AnswerHeader + parameters.Length + data.Length];
        S7Pdu.WriteHeader(answer, S7Pdu.AcknowledgeData, parameters.Length, data.Length);
        // The reference of the request.
        pdu.AsSpan(4, 2).CopyTo(answer.AsSpan(4));
        parameters.CopyTo(answer.AsSpan(S7Pdu.AnswerHeader));
        data.CopyTo(answer.AsSpan(S7Pdu.AnswerHeader + parameters.Length));
        return answer;
    }
}
