using System.Buffers.Binary;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip.Pccc;

/// <summary>Bytes of a data file that are read together.</summary>
/// <param name="File">Which file.</param>
/// <param name="Number">Of it.</param>
/// <param name="Element">The first element.</param>
/// <param name="Word">Of a slot; 0 otherwise.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct PcccRange(PcccFileType File, int Number, int Element, int Word, int Length)
{
    public int ElementSize => PcccFiles.SizeOf(File);

    /// <summary>Whole elements that are larger than a word.</summary>
    public bool IsOfLargeElements => Word == 0 && ElementSize > 2 && Length % ElementSize == 0;
}

/// <summary>How a controller wants its commands.</summary>
internal enum PcccDialect
{
    /// <summary>SLC-500 and MicroLogix: file, type, element and word, counted in bytes.</summary>
    Slc,

    /// <summary>PLC-5: a logical address, counted in words.</summary>
    Plc5,

    /// <summary>Counted in elements, as some simulators of a PLC-5 do.</summary>
    Plc5Elements,
}

/// <summary>PCCC commands within CIP (class 0x67, service 0x4B): the requester's mark, then a DF1 command.</summary>
internal static class PcccMessages
{
    public const byte Command = 0x0F;
    public const byte AnswerBit = 0x40;
    public const byte Plc5Write = 0x00;
    public const byte Plc5Read = 0x01;
    public const byte Plc5ReadModifyWrite = 0x26;
    public const byte SlcRead = 0xA2;
    public const byte SlcWrite = 0xAA;
    public const byte SlcMaskedWrite = 0xAB;

    /// <summary>From the beginning of the command: CMD, STS, TNS (2), and of a request FNC.</summary>
    public const int AnswerHead = 4;
    private const byte FileAndElement = 0x06;
    private const byte FileElementAndWord = 0x0E;
    private const byte Wide = 0xFF;

    /// <summary>Length, vendor and serial number of who asks. These two are what open clients tell, and some simulators take no
    /// others.</summary>
    public static ReadOnlySpan<byte> Requester => [7, 0x3D, 0xF3, 0x45, 0x43, 0x50, 0x21];

    /// <param name="dialect">How the controller wants it.</param>
    /// <param name="range">What is read.</param>
    /// <param name="transaction">Its number.</param>
    public static CipMessage Read(PcccDialect dialect, PcccRange range, ushort transaction)
    {
        var message = Begin(transaction);
        if (dialect == PcccDialect.Slc) return Slc(message.Byte(SlcRead).Byte(range.Length), range);
        return Plc5(message.Byte(Plc5Read).Word(0).Word(CountOf(dialect, range)), range).Byte(range.Length);
    }

    public static CipMessage Write(PcccDialect dialect, PcccRange range, ReadOnlySpan<byte> bytes, ushort transaction)
    {
        var message = Begin(transaction);
        if (dialect == PcccDialect.Slc) return Slc(message.Byte(SlcWrite).Byte(range.Length), range).Bytes(bytes);
        return Plc5(message.Byte(Plc5Write).Word(0).Word(CountOf(dialect, range)), range).Bytes(bytes);
    }

    /// <summary>Changes the bits of a word that a mask has, and leaves the others alone.</summary>
    public static CipMessage WriteBits(PcccDialect dialect, PcccRange range, ushort mask, ushort bits, ushort transaction)
    {
        var message = Begin(transaction);
        if (dialect == PcccDialect.Slc) return Slc(message.Byte(SlcMaskedWrite).Byte(2), range).Word(mask).Word(bits);
        // First what is kept, then what is set.
        return Plc5(message.Byte(Plc5ReadModifyWrite), range).Word((ushort)(~mask | bits)).Word(bits);
    }

    /// <summary>What a command's answer brings.</summary>
    /// <param name="reply">Of service 0x4B.</param>
    /// <param name="transaction">Of the request.</param>
    /// <param name="data">Behind its head.</param>
    /// <returns>Null: it is not the answer to this request.</returns>
    public static CipStatus? Take(in CipReply reply, ushort transaction, out ReadOnlySpan<byte> data)
    {
        data = [];
        if (!reply.Status.IsGood) return reply.Status;
        var body = reply.Data;
        // Who asked stands in front again.
        if (body.Length < 1 || body.Length < body[0] + AnswerHead) return null;
        body = body[body[0]..];
        if (body[0] != (Command | AnswerBit) || BinaryPrimitives.ReadUInt16LittleEndian(body[2..]) != transaction) return null;
        var status = body[1];
        data = body[AnswerHead..];
        if (status == 0) return CipStatus.Good;
        return CipStatus.OfPccc(status, status == 0xF0 && data.Length > 0 ? data[0] : (byte)0);
    }

    private static int CountOf(PcccDialect dialect, PcccRange range) =>
        dialect == PcccDialect.Plc5Elements && range.IsOfLargeElements ? range.Length / range.ElementSize : range.Length / 2;

    private static CipMessage Begin(ushort transaction) =>
        CipMessage.Request(Eip.ExecutePccc, Eip.PcccObject).Bytes(Requester).Byte(Command).Byte(0).Word(transaction);

    private static CipMessage Slc(CipMessage message, PcccRange range) =>
        Number(Number(Number(message, range.Number).Byte((int)range.File), range.Element), range.Word);

    private static CipMessage Plc5(CipMessage message, PcccRange range)
    {
        message.Byte(range.Word > 0 ? FileElementAndWord : FileAndElement);
        Number(Number(message, range.Number), range.Element);
        return range.Word > 0 ? Number(message, range.Word) : message;
    }

    /// <summary>One byte, or three for what is larger.</summary>
    private static CipMessage Number(CipMessage message, int number) =>
        number < Wide ? message.Byte(number) : message.Byte(Wide).Word(number);
}
