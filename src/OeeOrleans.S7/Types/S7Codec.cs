using System.Buffers.Binary;
using System.Text;

namespace OeeOrleans.S7;

/// <summary>Bytes of a PLC as values of .NET, big-endian throughout; <see cref="S7Encoder"/> is the way back.</summary>
public static class S7Codec
{
    private const int EpochYear = 1990;
    private static readonly DateOnly Epoch = new(EpochYear, 1, 1);
    private static readonly uint MsPerDay = (uint)TimeSpan.FromDays(1).TotalMilliseconds;

    /// <summary>
    /// The value: bool, byte, char, sbyte, ushort, short, uint, int, ulong, long, float, double, string, <see cref="DateOnly"/>,
    /// <see cref="TimeOnly"/>, <see cref="DateTime"/>, <see cref="S7Timestamp"/>, <see cref="TimeSpan"/>, <see cref="S7Duration"/>, or an
    /// array of these. TIMER and S5TIME are TimeSpan, COUNTER is ushort.
    /// </summary>
    /// <exception cref="FormatException">The bytes are no value of the type; none is made up.</exception>
    public static object Decode(in S7Address address, ReadOnlySpan<byte> data)
    {
        if (data.Length < address.ByteLength)
        {
            throw new FormatException($"{address} has {address.ByteLength} bytes, and {data.Length} came");
        }

        return address.IsArray ? DecodeArray(address, data) : DecodeOne(address, data, address.Bit);
    }

    private static object DecodeOne(in S7Address address, ReadOnlySpan<byte> data, int bit) => address.Type switch
    {
        S7DataType.Bool => ((data[bit / 8] >> (bit % 8)) & 1) == 1,
        S7DataType.Byte or S7DataType.USInt => data[0],
        S7DataType.Char => (char)data[0],
        S7DataType.SInt => (sbyte)data[0],
        S7DataType.Word or S7DataType.UInt => BinaryPrimitives.ReadUInt16BigEndian(data),
        S7DataType.Int => BinaryPrimitives.ReadInt16BigEndian(data),
        S7DataType.WChar => (char)BinaryPrimitives.ReadUInt16BigEndian(data),
        S7DataType.DWord or S7DataType.UDInt => BinaryPrimitives.ReadUInt32BigEndian(data),
        S7DataType.DInt => BinaryPrimitives.ReadInt32BigEndian(data),
        S7DataType.Real => BinaryPrimitives.ReadSingleBigEndian(data),
        S7DataType.LWord or S7DataType.ULInt => BinaryPrimitives.ReadUInt64BigEndian(data),
        S7DataType.LInt => BinaryPrimitives.ReadInt64BigEndian(data),
        S7DataType.LReal => BinaryPrimitives.ReadDoubleBigEndian(data),
        S7DataType.String => Text(data[..(address.Length + 2)]),
        S7DataType.WString => WideText(data[..((2 * address.Length) + 4)]),
        S7DataType.Date => Epoch.AddDays(BinaryPrimitives.ReadUInt16BigEndian(data)),
        S7DataType.TimeOfDay => OfDay(BinaryPrimitives.ReadUInt32BigEndian(data)),
        S7DataType.DateAndTime => DateAndTime(data),
        S7DataType.Dtl => Dtl(data),
        S7DataType.Time => TimeSpan.FromMilliseconds(BinaryPrimitives.ReadInt32BigEndian(data)),
        S7DataType.LTime => new S7Duration(BinaryPrimitives.ReadInt64BigEndian(data)),
        S7DataType.Counter => (ushort)ThreeDigits(BinaryPrimitives.ReadUInt16BigEndian(data), "a counter"),
        _ => S5Time(BinaryPrimitives.ReadUInt16BigEndian(data)),
    };

    private static Array DecodeArray(in S7Address address, ReadOnlySpan<byte> data)
    {
        if (address.Type is S7DataType.Byte or S7DataType.USInt) return data[..address.Count].ToArray();
        var one = S7Address.Make(address.Area, address.Db, address.Start, 0, address.Type, address.Length, 1, false);
        Array? all = null;
        for (var i = 0; i < address.Count; i++)
        {
            var element = address.Type == S7DataType.Bool
                ? DecodeOne(one, data, address.Bit + i)
                : DecodeOne(one, data[(i * address.Stride)..], 0);
            all ??= Array.CreateInstance(element.GetType(), address.Count);
            all.SetValue(element, i);
        }

        return all!;
    }

    private static string Text(ReadOnlySpan<byte> data)
    {
        int length = data[1];
        if (length > data.Length - 2)
        {
            throw new FormatException($"its length says {length} characters and it has {data.Length - 2}: the address is no STRING, or "
                + "has another size");
        }

        return Encoding.Latin1.GetString(data.Slice(2, length));
    }

    private static string WideText(ReadOnlySpan<byte> data)
    {
        var (length, most) = (BinaryPrimitives.ReadUInt16BigEndian(data[2..]), (data.Length - 4) / 2);
        if (length > most)
        {
            throw new FormatException($"its length says {length} characters and it has {most}: the address is no WSTRING, or has another "
                + "size");
        }

        return Encoding.BigEndianUnicode.GetString(data.Slice(4, 2 * length));
    }

    private static TimeOnly OfDay(uint ms) => ms < MsPerDay
        ? TimeOnly.MinValue.Add(TimeSpan.FromMilliseconds(ms))
        : throw new FormatException($"{ms} ms is no time of a day");

    private static DateTime DateAndTime(ReadOnlySpan<byte> data)
    {
        Span<int> parts = stackalloc int[7];
        for (var i = 0; i < parts.Length; i++)
        {
            var (high, low) = (data[i] >> 4, data[i] & 0xF);
            if (high > 9 || low > 9) throw NoTime(data[..8]);
            parts[i] = (high * 10) + low;
        }

        // The last half byte is the day of the week.
        var lastMs = data[7] >> 4;
        var year = parts[0] < 90 ? 2000 + parts[0] : 1900 + parts[0];
        if (lastMs > 9 || !IsTime(year, parts[1], parts[2], parts[3], parts[4], parts[5])) throw NoTime(data[..8]);
        return new DateTime(year, parts[1], parts[2], parts[3], parts[4], parts[5], (parts[6] * 10) + lastMs, DateTimeKind.Unspecified);
    }

    private static S7Timestamp Dtl(ReadOnlySpan<byte> data)
    {
        var year = BinaryPrimitives.ReadUInt16BigEndian(data);
        var nanoseconds = BinaryPrimitives.ReadUInt32BigEndian(data[8..]);
        if (nanoseconds > 999_999_999 || !IsTime(year, data[2], data[3], data[5], data[6], data[7])) throw NoTime(data[..12]);
        var time = new DateTime(year, data[2], data[3], data[5], data[6], data[7], DateTimeKind.Unspecified);
        return new S7Timestamp(time.AddTicks(nanoseconds / 100), (int)(nanoseconds % 100));
    }

    private static bool IsTime(int year, int month, int day, int hour, int minute, int second) =>
        year is >= 1 and <= 9999 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month)
        && hour < 24 && minute < 60 && second < 60;

    private static FormatException NoTime(ReadOnlySpan<byte> data) => new($"{Convert.ToHexString(data)} is no date and time");

    private static TimeSpan S5Time(ushort raw)
    {
        var unit = ((raw >> 12) & 3) switch
        {
            0 => 10,
            1 => 100,
            2 => 1_000,
            _ => 10_000,
        };
        return TimeSpan.FromMilliseconds(ThreeDigits(raw, "an S5TIME") * unit);
    }

    private static int ThreeDigits(ushort raw, string what)
    {
        var (high, middle, low) = ((raw >> 8) & 0xF, (raw >> 4) & 0xF, raw & 0xF);
        if (high > 9 || middle > 9 || low > 9) throw new FormatException($"{raw:X4} is no value of {what}: its digits are no BCD");
        return (high * 100) + (middle * 10) + low;
    }
}
