using System.Buffers.Binary;
using System.Collections;
using System.Globalization;
using System.Text;

namespace OeeOrleans.Cip;

/// <summary>From values to bytes, or a sentence why not.</summary>
internal static class CipEncoder
{
    private const int ShortTextAtMost = 255;

    public static byte[] Encode(CipType type, object value, int? count)
    {
        if (count is not { } elements) return One(type, value);
        if (value is string || value is not IEnumerable all) throw Wrong(type, value, $"{elements} elements are needed");
        var encoded = all.Cast<object?>().Select(v => One(type, v ?? throw Wrong(type, "null", "every element needs a value"))).ToList();
        if (encoded.Count != elements) throw new ArgumentException($"{encoded.Count} elements were given; {elements} are needed");
        return [.. encoded.SelectMany(b => b)];
    }

    private static byte[] One(CipType type, object value)
    {
        if (type.StringCapacity is { } capacity) return LogixText(type, Text(type, value), capacity);
        switch (type.Code)
        {
            case CipDataType.Bool: return [Truth(type, value) ? (byte)1 : (byte)0];
            case CipDataType.Real:
                var real = (float)Number(type, value);
                if (float.IsInfinity(real) && !double.IsInfinity(Number(type, value))) throw Wrong(type, value, "up to 3.4e38 fits");
                return BitConverter.GetBytes(real);
            case CipDataType.Lreal: return BitConverter.GetBytes(Number(type, value));
            // Some simulators have a Logix text under this code.
            case CipDataType.String: return LogixText(type, Text(type, value), 82);
            case CipDataType.ShortString:
                var text = Latin(type, Text(type, value), ShortTextAtMost);
                return [(byte)text.Length, .. text];
            case CipDataType.Structure: throw new ArgumentException($"{type.Name} is written member by member");
            default: return Whole(type, value);
        }
    }

    private static byte[] Whole(CipType type, object value)
    {
        var (least, most) = Range(type.Code);
        if (type.Size == 0 || most == 0) throw new ArgumentException($"{type.Name} is no type that can be written");
        var number = Integer(type, value, least, most);
        var bytes = new byte[8];
        if (number < 0) BinaryPrimitives.WriteInt64LittleEndian(bytes, (long)number);
        else BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)number);
        return bytes[..type.Size];
    }

    private static (decimal Least, decimal Most) Range(CipDataType code) => code switch
    {
        CipDataType.Sint => (sbyte.MinValue, sbyte.MaxValue),
        CipDataType.Usint or CipDataType.Byte => (0, byte.MaxValue),
        CipDataType.Int or CipDataType.ITime => (short.MinValue, short.MaxValue),
        CipDataType.Uint or CipDataType.Word or CipDataType.Date => (0, ushort.MaxValue),
        CipDataType.Dint or CipDataType.Time or CipDataType.FTime or CipDataType.STime => (int.MinValue, int.MaxValue),
        CipDataType.Udint or CipDataType.Dword or CipDataType.TimeOfDay => (0, uint.MaxValue),
        CipDataType.Lint or CipDataType.LTime => (long.MinValue, long.MaxValue),
        CipDataType.Ulint or CipDataType.Lword => (0, ulong.MaxValue),
        _ => (0, 0),
    };

    private static decimal Integer(CipType type, object value, decimal least, decimal most)
    {
        var range = string.Create(CultureInfo.InvariantCulture, $"{least} to {most} fits");
        decimal number;
        try
        {
            number = value switch
            {
                bool or char => throw Wrong(type, value, range),
                string text => decimal.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture),
                _ => Convert.ToDecimal(value, CultureInfo.InvariantCulture),
            };
        }
        catch (Exception error) when (error is FormatException or OverflowException or InvalidCastException)
        {
            throw Wrong(type, value, range);
        }

        if (number != decimal.Truncate(number) || number < least || number > most) throw Wrong(type, value, range);
        return number;
    }

    private static double Number(CipType type, object value)
    {
        try
        {
            return value switch
            {
                bool or char => throw Wrong(type, value, "a number fits"),
                string text => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture),
                _ => Convert.ToDouble(value, CultureInfo.InvariantCulture),
            };
        }
        catch (Exception error) when (error is FormatException or OverflowException or InvalidCastException)
        {
            throw Wrong(type, value, "a number fits");
        }
    }

    public static bool Truth(CipType type, object value) => value switch
    {
        bool truth => truth,
        string text when bool.TryParse(text, out var truth) => truth,
        string => throw Wrong(type, value, "true and false fit"),
        _ => Integer(type, value, 0, 1) == 1,
    };

    private static string Text(CipType type, object value) => value as string ?? throw Wrong(type, value, "a text fits");

    private static byte[] LogixText(CipType type, string text, int capacity)
    {
        var letters = Latin(type, text, capacity);
        var bytes = new byte[Math.Max(type.Size, (4 + capacity + 3) & ~3)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, letters.Length);
        letters.CopyTo(bytes, 4);
        return bytes;
    }

    private static byte[] Latin(CipType type, string text, int most)
    {
        if (text.Length > most) throw Wrong(type, text, $"up to {most} characters fit");
        if (text.Any(c => c > 0xFF)) throw Wrong(type, text, "letters of Latin-1 fit");
        return Encoding.Latin1.GetBytes(text);
    }

    private static ArgumentException Wrong(CipType type, object value, string right) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{value} does not fit {type.Name}: {right}"));
}
