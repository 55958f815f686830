using System.Buffers.Binary;
using OeeOrleans.S7.Wire;

namespace OeeOrleans.S7.Simulation;

/// <summary>What a client asks for by one item.</summary>
/// <param name="Size">Its transport size.</param>
/// <param name="Count">How many of these.</param>
/// <param name="Area">Where.</param>
/// <param name="Db">Of a data block.</param>
/// <param name="Position">Bits from the start; of a timer or counter its number.</param>
internal readonly record struct PlcItem(byte Size, int Count, S7Area Area, int Db, int Position)
{
    private const byte Octets = 0x09;

    public bool IsBit => Size == S7Pdu.BitItem;

    public bool IsElements => Area is S7Area.Timers or S7Area.Counters;

    public int ByteStart => IsElements ? Position * 2 : Position / 8;

    /// <summary>BIT, BYTE and CHAR have one byte, WORD and INT two, DWORD, DINT and REAL four.</summary>
    public int ByteLength => IsElements ? Count * 2 : Count * (Size switch
    {
        0x04 or 0x05 => 2,
        0x06 or 0x07 or 0x08 => 4,
        _ => 1,
    });

    /// <summary>Transport size of the data that answers it.</summary>
    public byte DataSize
    {
        get
        {
            if (IsBit) return S7Pdu.BitData;
            return IsElements ? Octets : S7Pdu.ByteData;
        }
    }

    public static PlcItem Read(ReadOnlySpan<byte> item) => new(
        item[3], BinaryPrimitives.ReadUInt16BigEndian(item[4..]), (S7Area)item[8], AreaDb(item),
        (item[9] << 16) | (item[10] << 8) | item[11]);

    /// <summary>Some clients leave a number in it for areas that have none.</summary>
    private static int AreaDb(ReadOnlySpan<byte> item) =>
        (S7Area)item[8] == S7Area.DataBlock ? BinaryPrimitives.ReadUInt16BigEndian(item[6..]) : 0;
}
