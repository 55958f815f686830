using System.Buffers.Binary;
using System.Text;

namespace OeeOrleans.Cip.Pccc;

/// <summary>Between bytes of data files and values. Texts have their letters swapped in each word, reals of a PLC-5 their words.</summary>
internal static class PcccValues
{
    private const int TextLetters = 82;

    /// <param name="address">Whose bytes they are.</param>
    /// <param name="bytes">Of whole elements.</param>
    /// <param name="isPlc5">Reals have their words swapped there.</param>
    /// <exception cref="FormatException">They are no value of it.</exception>
    public static object Decode(PcccAddress address, ReadOnlySpan<byte> bytes, bool isPlc5)
    {
        if (address.Bit is { } bit) return CipCodec.Bit(bytes, address.IsSlotWord ? bit : bit + (address.Word * 16));
        if (address is { IsPart: true, IsSlotWord: false }) return CipCodec.Decode(address.Type, bytes[(address.Word * 2)..]);
        if (address.File == PcccFileType.String) return Texts(bytes, address.Count);
        if (address.File == PcccFileType.Float && isPlc5) bytes = Swapped(bytes);
        return CipCodec.Decode(address.Type, bytes, address.Count);
    }

    /// <summary>The bytes of whole elements, or of the word that is written; bits are another matter.</summary>
    /// <exception cref="ArgumentException">The value does not fit.</exception>
    public static byte[] Encode(PcccAddress address, object value, bool isPlc5)
    {
        if (address.File == PcccFileType.String)
        {
            if (address.Count is null) return Text(value);
            if (value is string || value is not System.Collections.IEnumerable all) throw Missing(address);
            byte[][] texts = [.. all.Cast<object>().Select(Text)];
            return texts.Length == address.Count ? [.. texts.SelectMany(t => t)] : throw Missing(address);
        }

        // A word without a sign takes what a program may have written with one.
        var type = address.Type;
        if (type.Code == CipDataType.Word && value is sbyte or short or int or long && Convert.ToInt64(value, null) < 0)
        {
            type = new CipType(CipDataType.Int);
        }

        var bytes = CipCodec.Encode(type, value, address.Count);
        return address.File == PcccFileType.Float && isPlc5 ? Swapped(bytes) : bytes;
    }

    private static ArgumentException Missing(PcccAddress address) => new($"{address}: {address.Count} elements are needed");

    private static object Texts(ReadOnlySpan<byte> bytes, int? count)
    {
        if (count is not { } elements) return Text(bytes);
        var texts = new string[elements];
        for (var i = 0; i < elements; i++) texts[i] = Text(bytes.Slice(i * (2 + TextLetters), 2 + TextLetters));
        return texts;
    }

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        int length = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
        if (length > TextLetters) throw new FormatException($"a text says that it has {length} characters; it holds {TextLetters}");
        var letters = bytes[2..].ToArray();
        SwapLetters(letters);
        return Encoding.Latin1.GetString(letters, 0, length);
    }

    private static byte[] Text(object value)
    {
        if (value is not string text || text.Length > TextLetters || text.Any(c => c > 0xFF))
        {
            throw new ArgumentException($"{value} does not fit ST: up to {TextLetters} letters of Latin-1 fit");
        }

        var letters = new byte[TextLetters];
        Encoding.Latin1.GetBytes(text, letters);
        SwapLetters(letters);
        return [(byte)text.Length, 0, .. letters];
    }

    private static void SwapLetters(byte[] letters)
    {
        for (var i = 0; i + 1 < letters.Length; i += 2) (letters[i], letters[i + 1]) = (letters[i + 1], letters[i]);
    }

    private static byte[] Swapped(ReadOnlySpan<byte> reals)
    {
        var swapped = new byte[reals.Length];
        for (var i = 0; i + 3 < reals.Length; i += 4)
        {
            reals.Slice(i + 2, 2).CopyTo(swapped.AsSpan(i));
            reals.Slice(i, 2).CopyTo(swapped.AsSpan(i + 2));
        }

        return swapped;
    }
}
