using System.Buffers.Binary;
using System.Collections;
using System.Globalization;
using System.Text;

namespace OeeOrleans.S7;

/// <summary>
/// Values as bytes of a PLC. Takes what <see cref="S7Codec.Decode"/> gives, any number that fits exactly, durations also as seconds, and
/// times as ISO 8601.
/// </summary>
public static class S7Encoder
{
    private const double TwoTo63 = 9223372036854775808;
    private const string IsoTime = "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF";

    /// <summary>Writes all bytes of the address; of a BOOL, 0 or 1 in one byte per element.</summary>
    /// <returns>Bytes written.</returns>
    /// <exception cref="ArgumentException">The value is none of the type, or does not fit; the message says which would.</exception>
    public static int Encode(in S7Address address, object value, Span<byte> into)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (!address.IsArray)
        {
            EncodeOne(address, value, into);
            return address.Type == S7DataType.Bool ? 1 : address.ByteLength;
        }

        if (value is string || value is not IEnumerable elements)
        {
            throw new ArgumentException($"{address} is an array of {address.Count}, and {Show(value)} is none");
        }

        var size = address.Type == S7DataType.Bool ? 1 : address.Stride;
        var at = 0;
        foreach (var element in elements)
        {
            if (at < address.Count)
            {
                EncodeOne(address, element ?? throw new ArgumentException($"{address}: null is no {address.Type}"), into[(at * size)..]);
            }

            at++;
        }

        if (at != address.Count) throw new ArgumentException($"{address} is an array of {address.Count}, and {at} elements were given");
        return size * at;
    }

    private static void EncodeOne(in S7Address address, object value, Span<byte> into)
    {
        try
        {
            switch (address.Type)
            {
                case S7DataType.Bool: into[0] = Flag(value) ? (byte)1 : (byte)0; break;
                case S7DataType.Char: into[0] = Latin(Letter(value)); break;
                case S7DataType.WChar: BinaryPrimitives.WriteUInt16BigEndian(into, Letter(value)); break;
                case S7DataType.Real: BinaryPrimitives.WriteSingleBigEndian(into, Single(value)); break;
                case S7DataType.LReal: BinaryPrimitives.WriteDoubleBigEndian(into, Real(value)); break;
                case S7DataType.String: Text(address, Words(value), into); break;
                case S7DataType.WString: WideText(address, Words(value), into); break;
                case S7DataType.Date or S7DataType.TimeOfDay or S7DataType.DateAndTime or S7DataType.Dtl:
                    Moment(address, value,
                    into); break;
                case S7DataType.Time or S7DataType.LTime or S7DataType.S5Time or S7DataType.Timer:
                    Duration(address.Type, value,
                    into); break;
                case S7DataType.Counter: BinaryPrimitives.WriteUInt16BigEndian(into, Bcd((int)Whole(value, 0, 999))); break;
                default: WholeNumber(address.Type, value, into); break;
            }
        }
        catch (Exception error) when (error is FormatException or OverflowException or InvalidCastException)
        {
            throw new ArgumentException($"{address}: {Show(value)} is no {address.Type}: {error.Message}", error);
        }
        catch (ArgumentException error) when (!error.Message.StartsWith(address.ToString(), StringComparison.Ordinal))
        {
            throw new ArgumentException($"{address}: {error.Message}", error);
        }
    }

    private static void WholeNumber(S7DataType type, object value, Span<byte> into)
    {
        switch (type)
        {
            case S7DataType.Byte or S7DataType.USInt: into[0] = (byte)Whole(value, 0, byte.MaxValue); break;
            case S7DataType.SInt: into[0] = (byte)(sbyte)Whole(value, sbyte.MinValue, sbyte.MaxValue); break;
            case S7DataType.Word or S7DataType.UInt:
                BinaryPrimitives.WriteUInt16BigEndian(into, (ushort)Whole(value, 0, ushort.MaxValue));
                break;
            case S7DataType.Int: BinaryPrimitives.WriteInt16BigEndian(into, (short)Whole(value, short.MinValue, short.MaxValue)); break;
            case S7DataType.DWord or S7DataType.UDInt:
                BinaryPrimitives.WriteUInt32BigEndian(into, (uint)Whole(value, 0, uint.MaxValue));
                break;
            case S7DataType.DInt: BinaryPrimitives.WriteInt32BigEndian(into, (int)Whole(value, int.MinValue, int.MaxValue)); break;
            case S7DataType.LWord or S7DataType.ULInt:
                BinaryPrimitives.WriteUInt64BigEndian(into, (ulong)Whole(value, 0, ulong.MaxValue));
                break;
            default: BinaryPrimitives.WriteInt64BigEndian(into, (long)Whole(value, long.MinValue, long.MaxValue)); break;
        }
    }

    private static bool Flag(object value) => value switch
    {
        bool flag => flag,
        string text when bool.TryParse(text, out var flag) => flag,
        string => throw new FormatException("true and false are"),
        _ => Whole(value, 0, 1) == 1,
    };

    private static decimal Whole(object value, decimal least, decimal most)
    {
        if (value is bool or char) throw new FormatException($"{least} to {most} are");
        var number = value switch
        {
            string text => decimal.Parse(
                text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
                CultureInfo.InvariantCulture),
            double real => Exact(real),
            float real => Exact(real),
            _ => Convert.ToDecimal(value, CultureInfo.InvariantCulture),
        };
        if (number != decimal.Truncate(number)) throw new FormatException("it is no whole number");
        if (number < least || number > most) throw new FormatException($"{least} to {most} are possible");
        return number;
    }

    /// <summary>.NET's own conversion rounds to 15 digits.</summary>
    private static decimal Exact(double real)
    {
        if (real != Math.Truncate(real)) throw new FormatException("it is no whole number");
        if (real is >= -TwoTo63 and < TwoTo63) return (long)real;
        return real is > 0 and < 2 * TwoTo63 ? (ulong)real : throw new FormatException("it has more than 64 bits");
    }

    private static double Real(object value) => value switch
    {
        double number => number,
        float number => number,
        bool or char => throw new FormatException("it is no number"),
        string text => Parsed(text),
        _ => Convert.ToDouble(value, CultureInfo.InvariantCulture),
    };

    /// <summary>`NaN`, `Infinity` and `-Infinity` as well; a number that is too large is not infinite.</summary>
    private static double Parsed(string text)
    {
        var number = double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsInfinity(number) && text.AsSpan().ContainsAnyInRange('0', '9') ? throw new OverflowException("it is too large")
            : number;
    }

    private static float Single(object value)
    {
        var number = Real(value);
        var single = (float)number;
        if (float.IsInfinity(single) && !double.IsInfinity(number)) throw new OverflowException("it is too large for 32 bits");
        return single;
    }

    private static char Letter(object value) => value switch
    {
        char letter => letter,
        string { Length: 1 } text => text[0],
        _ => throw new FormatException("one character is"),
    };

    private static string Words(object value) => value switch
    {
        string text => text,
        bool flag => flag ? "true" : "false",
        char or IFormattable => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        _ => throw new FormatException("a text is"),
    };

    private static byte Latin(char letter) =>
        letter <= byte.MaxValue ? (byte)letter : throw new FormatException($"'{letter}' is not in ISO 8859-1; a WCHAR or WSTRING holds it");

    private static void Text(in S7Address address, string text, Span<byte> into)
    {
        if (text.Length > address.Length) throw new FormatException($"it has {text.Length} characters, and {address.Length} are possible");
        into[..address.Stride].Clear();
        (into[0], into[1]) = ((byte)address.Length, (byte)text.Length);
        for (var i = 0; i < text.Length; i++) into[i + 2] = Latin(text[i]);
    }

    private static void WideText(in S7Address address, string text, Span<byte> into)
    {
        if (text.Length > address.Length) throw new FormatException($"it has {text.Length} characters, and {address.Length} are possible");
        into[..address.Stride].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(into, (ushort)address.Length);
        BinaryPrimitives.WriteUInt16BigEndian(into[2..], (ushort)text.Length);
        Encoding.BigEndianUnicode.GetBytes(text, into[4..]);
    }

    private static void Moment(in S7Address address, object value, Span<byte> into)
    {
        switch (address.Type)
        {
            case S7DataType.Date:
                var date = value as DateOnly? ?? DateOnly.FromDateTime(Time(value).Time);
                var days = date.DayNumber - new DateOnly(1990, 1, 1).DayNumber;
                if (days is < 0 or > ushort.MaxValue) throw new FormatException("1990-01-01 to 2169-06-06 are possible");
                BinaryPrimitives.WriteUInt16BigEndian(into, (ushort)days);
                break;
            case S7DataType.TimeOfDay:
                var ms = OfDay(value).Ticks / TimeSpan.TicksPerMillisecond;
                BinaryPrimitives.WriteUInt32BigEndian(into, (uint)ms);
                break;
            case S7DataType.DateAndTime:
                DateAndTime(Time(value).Time, into);
                break;
            default:
                Dtl(Time(value), into);
                break;
        }
    }

    private static TimeOnly OfDay(object value) => value switch
    {
        TimeOnly time => time,
        TimeSpan span => TimeOnly.FromTimeSpan(span),
        string text => TimeOnly.Parse(text, CultureInfo.InvariantCulture),
        _ => TimeOnly.FromDateTime(Time(value).Time),
    };

    private static S7Timestamp Time(object value)
    {
        switch (value)
        {
            case S7Timestamp stamp: return stamp;
            case DateTime time: return new S7Timestamp(time, 0);
            case DateTimeOffset time: return new S7Timestamp(time.DateTime, 0);
            case DateOnly date: return new S7Timestamp(date.ToDateTime(TimeOnly.MinValue), 0);
            case string text: return Iso(text.TrimEnd('Z'));
            default: throw new FormatException("a time such as 2026-01-02T03:04:05.678 is");
        }
    }

    private static S7Timestamp Iso(string text)
    {
        // Two digits more than .NET reads.
        var point = text.IndexOf('.', StringComparison.Ordinal);
        var (head, rest) = point >= 0 && text.Length - point > 8 ? (text[..(point + 8)], text[(point + 8)..]) : (text, "");
        string[] forms = [IsoTime, "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd' 'HH:mm:ss.FFFFFFF", "yyyy-MM-dd"];
        if (rest.Length > 2 || !DateTime.TryParseExact(head, forms, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
        {
            throw new FormatException("a time such as 2026-01-02T03:04:05.678 is");
        }

        return new S7Timestamp(time, rest.Length == 0 ? 0
            : int.Parse(rest.PadRight(2, '0'), NumberStyles.None, CultureInfo.InvariantCulture));
    }

    private static void DateAndTime(DateTime time, Span<byte> into)
    {
        if (time.Year is < 1990 or > 2089) throw new FormatException("the years 1990 to 2089 are possible");
        ReadOnlySpan<int> parts = [time.Year % 100, time.Month, time.Day, time.Hour, time.Minute, time.Second, time.Millisecond / 10];
        for (var i = 0; i < parts.Length; i++) into[i] = (byte)(((parts[i] / 10) << 4) | (parts[i] % 10));
        into[7] = (byte)(((time.Millisecond % 10) << 4) | ((int)time.DayOfWeek + 1));
    }

    private static void Dtl(S7Timestamp stamp, Span<byte> into)
    {
        var time = stamp.Time;
        if (time.Year is < 1970 or > 2554) throw new FormatException("the years 1970 to 2554 are possible");
        BinaryPrimitives.WriteUInt16BigEndian(into, (ushort)time.Year);
        (into[2], into[3], into[4]) = ((byte)time.Month, (byte)time.Day, (byte)((int)time.DayOfWeek + 1));
        (into[5], into[6], into[7]) = ((byte)time.Hour, (byte)time.Minute, (byte)time.Second);
        var nanoseconds = ((time.Ticks % TimeSpan.TicksPerSecond) * 100) + stamp.Nanoseconds;
        BinaryPrimitives.WriteUInt32BigEndian(into[8..], (uint)nanoseconds);
    }

    private static void Duration(S7DataType type, object value, Span<byte> into)
    {
        var nanoseconds = value switch
        {
            bool or char => throw new FormatException("seconds are"),
            S7Duration duration => duration.Nanoseconds,
            TimeSpan span => span.Ticks * 100m,
            _ => (value is string text ? decimal.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture)
                : Convert.ToDecimal(value, CultureInfo.InvariantCulture)) * 1_000_000_000m,
        };
        if (type == S7DataType.LTime)
        {
            BinaryPrimitives.WriteInt64BigEndian(into, (long)Whole(nanoseconds, long.MinValue, long.MaxValue));
            return;
        }

        var ms = nanoseconds / 1_000_000m;
        if (ms != decimal.Truncate(ms)) throw new FormatException("it has whole milliseconds only");
        if (type == S7DataType.Time) BinaryPrimitives.WriteInt32BigEndian(into, (int)Whole(ms, int.MinValue, int.MaxValue));
        else BinaryPrimitives.WriteUInt16BigEndian(into, S5Time(ms));
    }

    private static ushort S5Time(decimal ms)
    {
        for (var unit = 0; unit < 4; unit++)
        {
            var count = ms / (10m * (decimal)Math.Pow(10, unit));
            // The finest base that holds it exactly.
            if (count is >= 0 and <= 999 && count == decimal.Truncate(count)) return (ushort)((unit << 12) | Bcd((int)count));
        }

        throw new FormatException("0 to 9990 s with three digits are possible");
    }

    private static ushort Bcd(int number) => (ushort)(((number / 100) << 8) | ((number / 10 % 10) << 4) | (number % 10));

    private static string Show(object value) => value is string text ? $"'{text}'" : Convert.ToString(value, CultureInfo.InvariantCulture)!;
}
