using System.Buffers.Binary;

namespace OeeOrleans.Sparkplug.Payload;

/// <summary>What bits mean under a datatype. Lenient where the field is: any integer field may carry any integer, and encoders differ in
/// the width to which they sign-extend (Sparkplug 3.0 section 6.4.16).</summary>
public static class MetricValue
{
    public static bool IsSigned(SparkplugDataType type) =>
        type is SparkplugDataType.Int8 or SparkplugDataType.Int16 or SparkplugDataType.Int32 or SparkplugDataType.Int64;

    public static bool IsInteger(SparkplugDataType type) =>
        type is >= SparkplugDataType.Int8 and <= SparkplugDataType.UInt64 or SparkplugDataType.DateTime;

    /// <summary>
    /// Integers that travel in the 64-bit field. UInt32 as well: the Tahu libraries write it there and read it nowhere else.
    /// </summary>
    public static bool IsWide(SparkplugDataType type) =>
        type is SparkplugDataType.Int64 or SparkplugDataType.UInt32 or SparkplugDataType.UInt64 or SparkplugDataType.DateTime;

    public static bool IsArray(SparkplugDataType type) => type is >= SparkplugDataType.Int8Array and <= SparkplugDataType.DateTimeArray;

    /// <summary>A signed integer from its bits.</summary>
    public static long Signed(SparkplugDataType type, ulong bits) => type switch
    {
        SparkplugDataType.Int8 => (sbyte)bits,
        SparkplugDataType.Int16 => (short)bits,
        SparkplugDataType.Int32 => (int)bits,
        _ => (long)bits,
    };

    /// <summary>An unsigned integer from its bits; a missing datatype says what its field says.</summary>
    public static ulong Unsigned(SparkplugDataType type, ValueField field, ulong bits) => type switch
    {
        SparkplugDataType.UInt8 => (byte)bits,
        SparkplugDataType.UInt16 => (ushort)bits,
        SparkplugDataType.UInt32 => (uint)bits,
        SparkplugDataType.Unknown when field == ValueField.Int => (uint)bits,
        _ => bits,
    };

    public static bool TryGetDouble(SparkplugDataType type, ValueField field, ulong bits, out double value)
    {
        switch (field)
        {
            case ValueField.Int or ValueField.Long when type == SparkplugDataType.Boolean:
                value = bits != 0 ? 1 : 0;
                return true;
            case ValueField.Int or ValueField.Long:
                value = IsSigned(type) ? Signed(type, bits) : Unsigned(type, field, bits);
                return true;
            case ValueField.Float:
                value = BitConverter.UInt32BitsToSingle((uint)bits);
                return true;
            case ValueField.Double:
                value = BitConverter.UInt64BitsToDouble(bits);
                return true;
            case ValueField.Boolean:
                value = bits != 0 ? 1 : 0;
                return true;
            default:
                value = double.NaN;
                return false;
        }
    }

    /// <summary>Bytes an element of an array takes; 0 for the two that vary.</summary>
    public static int ElementSize(SparkplugDataType type) => type switch
    {
        SparkplugDataType.Int8Array or SparkplugDataType.UInt8Array => 1,
        SparkplugDataType.Int16Array or SparkplugDataType.UInt16Array => 2,
        SparkplugDataType.Int32Array or SparkplugDataType.UInt32Array or SparkplugDataType.FloatArray => 4,
        SparkplugDataType.Int64Array or SparkplugDataType.UInt64Array or SparkplugDataType.DoubleArray or SparkplugDataType.DateTimeArray =>
            8,
        _ => 0,
    };

    /// <summary>A datatype and the field its value came in must belong together.</summary>
    internal static void CheckField(SparkplugDataType type, ValueField field, ReadOnlySpan<byte> content, int contentOffset, int offset)
    {
        var fits = type switch
        {
            SparkplugDataType.Unknown => true,
            <= SparkplugDataType.UInt64 or SparkplugDataType.DateTime => field is ValueField.Int or ValueField.Long,
            SparkplugDataType.Float or SparkplugDataType.Double => field is ValueField.Float or ValueField.Double,
            SparkplugDataType.Boolean => field is ValueField.Boolean or ValueField.Int or ValueField.Long,
            SparkplugDataType.String or SparkplugDataType.Text or SparkplugDataType.UUID => field == ValueField.String,
            SparkplugDataType.DataSet => field == ValueField.DataSet,
            SparkplugDataType.Template => field == ValueField.Template,
            SparkplugDataType.Bytes or SparkplugDataType.File => field == ValueField.Bytes,
            SparkplugDataType.PropertySet or SparkplugDataType.PropertySetList => field == ValueField.Extension,
            _ => field == ValueField.Bytes,
        };
        if (!fits) SparkplugFormatException.Throw($"datatype {type} cannot travel in the value field {field}", offset);
        if (IsArray(type)) CheckArray(type, content, contentOffset);
    }

    private static void CheckArray(SparkplugDataType type, ReadOnlySpan<byte> content, int offset)
    {
        var size = ElementSize(type);
        if (size > 1 && content.Length % size != 0)
        {
            SparkplugFormatException.Throw($"{content.Length} bytes are no whole number of {size}-byte elements of a {type}", offset);
        }

        if (type == SparkplugDataType.BooleanArray)
        {
            if (content.Length < 4) SparkplugFormatException.Throw("a BooleanArray starts with a count of four bytes", offset);
            var count = BinaryPrimitives.ReadUInt32LittleEndian(content);
            if (content.Length - 4 != (int)((count + 7L) / 8))
            {
                SparkplugFormatException.Throw(
                    $"a BooleanArray of {count} needs {(count + 7L) / 8} bytes, has {content.Length - 4}", offset);
            }
        }

        if (type == SparkplugDataType.StringArray)
        {
            if (content.Length > 0 && content[^1] != 0)
            {
                SparkplugFormatException.Throw("the last string of a StringArray is not terminated", offset + content.Length);
            }

            Text.Checked(content, offset, "string array");
        }
    }
}
