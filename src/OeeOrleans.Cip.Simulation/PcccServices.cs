using System.Buffers.Binary;
using OeeOrleans.Cip.Pccc;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip.Simulation;

/// <summary>PCCC within CIP: data files of a PLC-5, SLC-500 or MicroLogix.</summary>
internal sealed class PcccServices(SimulatedController controller, SimulatedControllerOptions options, ControllerMemory memory)
{
    private const int Largest = 244;
    private const byte NoSuchFile = 0x06;
    private const byte WrongSize = 0x07;
    private const byte Undecodable = 0x0E;
    private const byte WrongType = 0x11;

    private bool IsPlc5 => options.Plc == CipPlc.Plc5;

    /// <param name="data">Behind service and path: who asks, and the command.</param>
    public byte[] Answer(ReadOnlySpan<byte> data)
    {
        controller.CountRequest();
        if (data.Length < 1 || data[0] < 1 || data.Length < data[0] + 5)
        {
            return TagServices.Refuse(Eip.ExecutePccc, new CipStatus(CipStatus.NotEnoughData));
        }

        var requester = data[..data[0]];
        var command = data[data[0]..];
        var answer = new CipMessage(512).Byte(Eip.ExecutePccc | Eip.Reply).Byte(0).Byte(0).Byte(0).Bytes(requester)
            .Byte(command[0] | PcccMessages.AnswerBit);
        var (status, brought) = command[0] == PcccMessages.Command ? Execute(command[4], command[5..]) : ((byte)0x10, []);
        // A status of one byte is told by itself; an extended one by F0 and the byte behind it.
        answer.Byte(status is 0 or 0x10 ? status : 0xF0).Bytes(command.Slice(2, 2));
        return (status is 0 or 0x10 ? answer.Bytes(brought) : answer.Byte(status)).Span.ToArray();
    }

    private (byte Status, byte[] Data) Execute(byte function, ReadOnlySpan<byte> data)
    {
        if (IsPlc5)
        {
            return function switch
            {
                PcccMessages.Plc5Read or PcccMessages.Plc5Write => Plc5(function, data),
                PcccMessages.Plc5ReadModifyWrite => Plc5Bits(data),
                _ => (Undecodable, []),
            };
        }

        return function is PcccMessages.SlcRead or PcccMessages.SlcWrite
            || (function == PcccMessages.SlcMaskedWrite && options.Plc != CipPlc.MicroLogix)
                ? Slc(function, data)
                : (Undecodable, []);
    }

    private (byte Status, byte[] Data) Slc(byte function, ReadOnlySpan<byte> data)
    {
        if (data.Length < 1) return (0x10, []);
        int length = data[0];
        data = data[1..];
        if (!TryNumber(ref data, out var number) || data.Length < 1) return (0x10, []);
        var type = (PcccFileType)data[0];
        data = data[1..];
        if (!TryNumber(ref data, out var element) || !TryNumber(ref data, out var word)) return (0x10, []);
        var status = Place(number, type, element, word, length, out var bytes);
        if (status != 0) return (status, []);
        lock (memory.Lock)
        {
            switch (function)
            {
                case PcccMessages.SlcRead: return data.Length > 0 ? ((byte)0x10, []) : ((byte)0, bytes.ToArray());
                case PcccMessages.SlcWrite when data.Length == length:
                    data.CopyTo(bytes);
                    return (0, []);
                case PcccMessages.SlcMaskedWrite when length == 2 && data.Length == 4:
                    Mask(bytes, (ushort)~BinaryPrimitives.ReadUInt16LittleEndian(data),
                        (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(data[2..]) & BinaryPrimitives.ReadUInt16LittleEndian(data)));
                    return (0, []);
                default: return (WrongSize, []);
            }
        }
    }

    private (byte Status, byte[] Data) Plc5(byte function, ReadOnlySpan<byte> data)
    {
        if (data.Length < 4) return (0x10, []);
        var (offset, words) = (BinaryPrimitives.ReadUInt16LittleEndian(data), BinaryPrimitives.ReadUInt16LittleEndian(data[2..]));
        data = data[4..];
        if (!TryPlc5(ref data, out var number, out var element, out var word)) return (0x10, []);
        var file = memory.File(number);
        var unit = controller.Faults.CountsElements && file is not null && word == 0 ? PcccFiles.SizeOf(file.Type) : 2;
        var status = Place(number, file?.Type, element, word + offset, words * unit, out var bytes);
        if (status != 0) return (status, []);
        lock (memory.Lock)
        {
            var isSaid = data.Length == 1 && (data[0] == bytes.Length || unit > 2);
            if (function == PcccMessages.Plc5Read && !isSaid) return (0x10, []);
            if (function == PcccMessages.Plc5Read) return (0, bytes.ToArray());
            if (data.Length != bytes.Length) return (WrongSize, []);
            data.CopyTo(bytes);
            return (0, []);
        }
    }

    private (byte Status, byte[] Data) Plc5Bits(ReadOnlySpan<byte> data)
    {
        if (!TryPlc5(ref data, out var number, out var element, out var word) || data.Length != 4) return (0x10, []);
        var status = Place(number, memory.File(number)?.Type, element, word, 2, out var bytes);
        if (status != 0) return (status, []);
        lock (memory.Lock)
        {
            Mask(bytes, BinaryPrimitives.ReadUInt16LittleEndian(data), BinaryPrimitives.ReadUInt16LittleEndian(data[2..]));
        }

        return (0, []);
    }

    private byte Place(int number, PcccFileType? type, int element, int word, int length, out Span<byte> bytes)
    {
        bytes = [];
        if (memory.File(number) is not { } file) return NoSuchFile;
        if (file.Type != type) return WrongType;
        if (controller.Faults.Of($"{number}") is { } fault) return (byte)fault.Extended;
        var at = (element * PcccFiles.SizeOf(file.Type)) + (word * 2);
        if (length is 0 or > Largest || at + length > file.Bytes.Length) return WrongSize;
        bytes = file.Bytes.AsSpan(at, length);
        return 0;
    }

    private static void Mask(Span<byte> word, ushort keep, ushort set)
    {
        var value = (BinaryPrimitives.ReadUInt16LittleEndian(word) & keep) | set;
        BinaryPrimitives.WriteUInt16LittleEndian(word, (ushort)value);
    }

    private static bool TryPlc5(ref ReadOnlySpan<byte> data, out int number, out int element, out int word)
    {
        (number, element, word) = (0, 0, 0);
        if (data.Length < 1 || data[0] is not (0x06 or 0x0E)) return false;
        var hasWord = data[0] == 0x0E;
        data = data[1..];
        return TryNumber(ref data, out number) && TryNumber(ref data, out element) && (!hasWord || TryNumber(ref data, out word));
    }

    private static bool TryNumber(ref ReadOnlySpan<byte> data, out int number)
    {
        number = data.Length > 0 ? data[0] : 0;
        var length = number == 0xFF ? 3 : 1;
        if (data.Length < length) return false;
        if (length == 3) number = BinaryPrimitives.ReadUInt16LittleEndian(data[1..]);
        data = data[length..];
        return true;
    }
}
