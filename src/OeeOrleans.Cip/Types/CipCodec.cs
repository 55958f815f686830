using System.Buffers.Binary;
using System.Text;

namespace OeeOrleans.Cip;

/// <summary>Between bytes of a controller and values: little-endian throughout.</summary>
public static class CipCodec
{
    private const int NestedAtMost = 16;

    /// <summary>A template that lies could make millions of values of a few bytes.</summary>
    private const int MostValues = 1_000_000;

    /// <summary>A value: bool, sbyte … ulong, float, double, string, <see cref="CipStructure"/>, or an array of these.</summary>
    /// <param name="type">Of one element.</param>
    /// <param name="bytes">All elements.</param>
    /// <param name="count">Elements of an array; null: none.</param>
    /// <exception cref="FormatException">The bytes are no value of the type.</exception>
    public static object Decode(CipType type, ReadOnlySpan<byte> bytes, int? count = null)
    {
        ArgumentNullException.ThrowIfNull(type);
        var left = MostValues;
        return count is { } elements ? DecodeArray(type, bytes, elements, 0, ref left) : DecodeOne(type, bytes, 0, ref left);
    }

    /// <summary>Bytes of a value for a tag.</summary>
    /// <param name="type">Of one element.</param>
    /// <param name="value">A scalar, or a collection of as many elements as <paramref name="count"/> says.</param>
    /// <param name="count">Elements of an array; null: none.</param>
    /// <exception cref="ArgumentException">The value does not fit the type; the message says what would.</exception>
    public static byte[] Encode(CipType type, object value, int? count = null)
    {
        ArgumentNullException.ThrowIfNull(type);
        return CipEncoder.Encode(type, value, count);
    }

    /// <summary>A bit of an integer.</summary>
    internal static bool Bit(ReadOnlySpan<byte> bytes, int bit) => (bytes[bit / 8] & (1 << (bit % 8))) != 0;

    /// <summary>BOOLs of an array, from its DWORDs.</summary>
    internal static bool[] Bits(ReadOnlySpan<byte> bytes, int from, int count)
    {
        var bits = new bool[count];
        for (var i = 0; i < count; i++) bits[i] = Bit(bytes, from + i);
        return bits;
    }

    private static Array DecodeArray(CipType type, ReadOnlySpan<byte> bytes, int count, int depth, ref int left)
    {
        var size = count == 0 ? 0 : bytes.Length / count;
        if (type.Size > 0) size = type.Size;
        var isCounted = type.Code is CipDataType.ShortString or CipDataType.String && size != CipType.StringSize;
        if (count > left) throw TooMany(type);
        if (!isCounted && (long)size * count > bytes.Length) throw Short(type, bytes.Length);
        var array = Array.CreateInstance(ElementType(type), count);
        for (var i = 0; i < count; i++)
        {
            var one = isCounted ? bytes : bytes.Slice(i * size, size);
            array.SetValue(DecodeOne(type, one, depth, ref left), i);
            if (isCounted) bytes = bytes[Math.Min(bytes.Length, CountedLength(type, bytes))..];
        }

        return array;
    }

    private static object DecodeOne(CipType type, ReadOnlySpan<byte> bytes, int depth, ref int left)
    {
        if (--left < 0) throw TooMany(type);
        if (type.Size > bytes.Length) throw Short(type, bytes.Length);
        return type.Code switch
        {
            CipDataType.Bool => bytes[0] != 0,
            CipDataType.Sint => (sbyte)bytes[0],
            CipDataType.Usint or CipDataType.Byte => bytes[0],
            CipDataType.Int or CipDataType.ITime => BinaryPrimitives.ReadInt16LittleEndian(bytes),
            CipDataType.Uint or CipDataType.Word or CipDataType.Date => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
            CipDataType.Dint or CipDataType.Time or CipDataType.FTime or CipDataType.STime =>
                BinaryPrimitives.ReadInt32LittleEndian(bytes),
            CipDataType.Udint or CipDataType.Dword or CipDataType.TimeOfDay => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
            CipDataType.Lint or CipDataType.LTime => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            CipDataType.Ulint or CipDataType.Lword => BinaryPrimitives.ReadUInt64LittleEndian(bytes),
            CipDataType.Real => BinaryPrimitives.ReadSingleLittleEndian(bytes),
            CipDataType.Lreal => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
            CipDataType.String or CipDataType.ShortString => Text(type, bytes),
            CipDataType.Structure => Structure(type, bytes, depth, ref left),
            _ => throw new FormatException($"{type.Name} is no type that can be read"),
        };
    }

    private static object Structure(CipType type, ReadOnlySpan<byte> bytes, int depth, ref int left)
    {
        if (type.StringCapacity is { } capacity) return LogixText(bytes, capacity);
        if (type.Template is not { } template)
        {
            throw new FormatException($"how {type.Name} is laid out is not known: the controller did not tell its template");
        }

        if (depth >= NestedAtMost) throw new FormatException($"{type.Name} holds structures in more than {NestedAtMost} levels");
        var value = new CipStructure(template.Name);
        foreach (var member in template.Members)
        {
            if (member.IsHidden) continue;
            if (member.Offset < 0 || member.Offset > bytes.Length) throw Short(type, bytes.Length);
            value.Add(member.Name, Member(member, bytes[member.Offset..], depth + 1, ref left));
        }

        return value;
    }

    private static object Member(CipMember member, ReadOnlySpan<byte> bytes, int depth, ref int left)
    {
        if (--left < 0) throw TooMany(member.Type);
        if (member.Bit >= 0)
        {
            if (bytes.Length == 0) throw Short(member.Type, 0);
            return Bit(bytes, member.Bit);
        }

        if (member.ArrayLength == 0) return DecodeOne(member.Type, bytes, depth, ref left);
        // Arrays of BOOL are DWORDs.
        if (member.Type.Code == CipDataType.Dword && bytes.Length >= member.ArrayLength * 4) return Bits(bytes, 0, member.ArrayLength * 32);
        return DecodeArray(member.Type, bytes, member.ArrayLength, depth, ref left);
    }

    private static string Text(CipType type, ReadOnlySpan<byte> bytes)
    {
        if (type.Code == CipDataType.String && bytes.Length == CipType.StringSize) return LogixText(bytes, 82);
        var head = type.Code == CipDataType.ShortString ? 1 : 2;
        var length = CountedLength(type, bytes);
        if (length > bytes.Length) throw Short(type, bytes.Length);
        return Encoding.Latin1.GetString(bytes[head..length]);
    }

    /// <summary>Bytes of a text with its own length in front.</summary>
    private static int CountedLength(CipType type, ReadOnlySpan<byte> bytes)
    {
        var isShort = type.Code == CipDataType.ShortString;
        if (bytes.Length < (isShort ? 1 : 2)) throw Short(type, bytes.Length);
        return isShort ? 1 + bytes[0] : 2 + BinaryPrimitives.ReadUInt16LittleEndian(bytes);
    }

    private static string LogixText(ReadOnlySpan<byte> bytes, int capacity)
    {
        if (bytes.Length < 4) throw new FormatException($"a text of {bytes.Length} bytes has no length");
        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (length < 0 || length > Math.Min(capacity, bytes.Length - 4))
        {
            throw new FormatException($"a text says that it has {length} characters; it holds {Math.Min(capacity, bytes.Length - 4)}");
        }

        return Encoding.Latin1.GetString(bytes.Slice(4, length));
    }

    private static Type ElementType(CipType type) => type.Code switch
    {
        CipDataType.Bool => typeof(bool),
        CipDataType.Sint => typeof(sbyte),
        CipDataType.Usint or CipDataType.Byte => typeof(byte),
        CipDataType.Int or CipDataType.ITime => typeof(short),
        CipDataType.Uint or CipDataType.Word or CipDataType.Date => typeof(ushort),
        CipDataType.Dint or CipDataType.Time or CipDataType.FTime or CipDataType.STime => typeof(int),
        CipDataType.Udint or CipDataType.Dword or CipDataType.TimeOfDay => typeof(uint),
        CipDataType.Lint or CipDataType.LTime => typeof(long),
        CipDataType.Ulint or CipDataType.Lword => typeof(ulong),
        CipDataType.Real => typeof(float),
        CipDataType.Lreal => typeof(double),
        _ when type.IsText => typeof(string),
        _ => typeof(object),
    };

    private static FormatException TooMany(CipType type) => new($"{type.Name} holds more than {MostValues} values");

    private static FormatException Short(CipType type, int length) => new($"{length} bytes are too few for {type.Name}");
}
