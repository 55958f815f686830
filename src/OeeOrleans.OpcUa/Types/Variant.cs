using System.Collections;
using System.Runtime.CompilerServices;

namespace OeeOrleans.OpcUa;

/// <summary>
/// A value of any built-in type, scalar or array (OPC 10000-6, 5.2.2.16). Numbers, booleans, times and status codes lie in the struct
/// itself: a stream of them allocates nothing.
/// </summary>
public readonly struct Variant : IEquatable<Variant>
{
    public static readonly Variant Null;

    private readonly object? _object;
    private readonly ulong _bits;

    internal Variant(BuiltInType type, ulong bits) => (Type, _bits) = (type, bits);

    internal Variant(BuiltInType type, object? value) => (Type, _object) = (type, value);

    internal Variant(BuiltInType type, Array? elements, int[]? dimensions)
    {
        (Type, IsArray) = (type, true);
        _object = dimensions is null ? elements : new Matrix(elements ?? Array.Empty<object>(), dimensions);
    }

    public BuiltInType Type { get; }

    public bool IsArray { get; }

    public bool IsNull => Type == BuiltInType.Null || (_object is null && !IsInline(Type));

    /// <summary>The lengths of an array of several dimensions; null for one of one.</summary>
    public IReadOnlyList<int>? Dimensions => (_object as Matrix)?.Dimensions;

    /// <summary>The elements in row-major order; null when this is no array, or a null one.</summary>
    public Array? Elements => IsArray ? (_object as Matrix)?.Elements ?? _object as Array : null;

    /// <summary>
    /// The value as a .NET object: bool, sbyte to ulong, float, double, string, DateTime, Guid, byte[], <see cref="XmlElement"/>,
    /// <see cref="NodeId"/> … or an array of them. Boxes what lies in the struct.
    /// </summary>
    public object? Value => IsArray ? Elements : Scalar();

    internal ulong Bits => _bits;

    internal object? Reference => _object;

    public static implicit operator Variant(bool value) => new(BuiltInType.Boolean, value ? 1UL : 0);

    public static implicit operator Variant(sbyte value) => new(BuiltInType.SByte, (ulong)value);

    public static implicit operator Variant(byte value) => new(BuiltInType.Byte, value);

    public static implicit operator Variant(short value) => new(BuiltInType.Int16, (ulong)value);

    public static implicit operator Variant(ushort value) => new(BuiltInType.UInt16, value);

    public static implicit operator Variant(int value) => new(BuiltInType.Int32, (ulong)value);

    public static implicit operator Variant(uint value) => new(BuiltInType.UInt32, value);

    public static implicit operator Variant(long value) => new(BuiltInType.Int64, (ulong)value);

    public static implicit operator Variant(ulong value) => new(BuiltInType.UInt64, value);

    public static implicit operator Variant(float value) => new(BuiltInType.Float, BitConverter.SingleToUInt32Bits(value));

    public static implicit operator Variant(double value) => new(BuiltInType.Double, BitConverter.DoubleToUInt64Bits(value));

    public static implicit operator Variant(string? value) => new(BuiltInType.String, value);

    public static implicit operator Variant(DateTime value) => new(BuiltInType.DateTime, (ulong)OpcUaTime.FromDateTime(value));

    public static bool operator ==(Variant left, Variant right) => left.Equals(right);

    public static bool operator !=(Variant left, Variant right) => !left.Equals(right);

    /// <summary>A variant of a .NET value or array; byte[] is a byte string, `object[]` an array of variants.</summary>
    /// <exception cref="ArgumentException">There is no built-in type for it.</exception>
    public static Variant From(object? value) => value switch
    {
        null => Null,
        Variant variant => variant,
        bool v => v,
        sbyte v => v,
        byte v => v,
        short v => v,
        ushort v => v,
        int v => v,
        uint v => v,
        long v => v,
        ulong v => v,
        float v => v,
        double v => v,
        DateTime v => v,
        StatusCode v => new Variant(BuiltInType.StatusCode, v.Code),
        byte[] v => new Variant(BuiltInType.ByteString, v),
        object[] v when v.GetType() == typeof(object[]) => new Variant(BuiltInType.Variant, v.Select(From).ToArray(), null),
        Array { Rank: 1 } v => new Variant(TypeOf(v.GetType().GetElementType()!), v, null),
        _ => new Variant(TypeOf(value.GetType()), value),
    };

    /// <summary>An array of several dimensions from its elements in row-major order.</summary>
    public static Variant Matrix(Array elements, params int[] dimensions)
    {
        ArgumentNullException.ThrowIfNull(elements);
        var type = elements is byte[]? BuiltInType.Byte : TypeOf(elements.GetType().GetElementType()!);
        return new Variant(type, elements, dimensions);
    }

    /// <summary>An array of bytes, which is not the same as a byte string.</summary>
    public static Variant ByteArray(byte[] elements) => new(BuiltInType.Byte, elements, null);

    /// <summary>The number as a double; null when this is none.</summary>
    public double? AsDouble() => IsArray
        ? null
        : Type switch
        {
            BuiltInType.Double => BitConverter.UInt64BitsToDouble(_bits),
            BuiltInType.Float => BitConverter.UInt32BitsToSingle((uint)_bits),
            BuiltInType.UInt64 or BuiltInType.Byte or BuiltInType.UInt16 or BuiltInType.UInt32 => _bits,
            BuiltInType.SByte or BuiltInType.Int16 or BuiltInType.Int32 or BuiltInType.Int64 => (long)_bits,
            BuiltInType.Boolean => _bits,
            _ => null,
        };

    public bool Equals(Variant other)
    {
        if (Type != other.Type || IsArray != other.IsArray || _bits != other._bits) return false;
        if (!IsArray && _object is byte[] bytes) return other._object is byte[] theirs && bytes.AsSpan().SequenceEqual(theirs);
        if (!IsArray) return Equals(_object, other._object);
        return (Dimensions ?? []).SequenceEqual(other.Dimensions ?? [])
            && StructuralComparisons.StructuralEqualityComparer.Equals(Elements, other.Elements);
    }

    public override bool Equals(object? obj) => obj is Variant other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Type, IsArray, _bits, IsArray ? Elements?.Length ?? 0 : 0);

    public override string ToString() => Value switch
    {
        null => "null",
        Array elements => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Type}[{elements.Length}]"),
        IFormattable value => value.ToString(null, System.Globalization.CultureInfo.InvariantCulture),
        var value => value.ToString() ?? "",
    };

    /// <summary>Types whose scalars lie in the struct.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsInline(BuiltInType type) =>
        type is (>= BuiltInType.Boolean and <= BuiltInType.Double) or BuiltInType.DateTime or BuiltInType.StatusCode;

    private static BuiltInType TypeOf(Type type)
    {
        for (var i = BuiltInType.Boolean; i <= BuiltInType.Variant; i++)
        {
            if (ClrType(i) == type) return i;
        }

        throw new ArgumentException($"{type.Name} is none of OPC UA's built-in types");
    }

    internal static Type ClrType(BuiltInType type) => type switch
    {
        BuiltInType.Boolean => typeof(bool),
        BuiltInType.SByte => typeof(sbyte),
        BuiltInType.Byte => typeof(byte),
        BuiltInType.Int16 => typeof(short),
        BuiltInType.UInt16 => typeof(ushort),
        BuiltInType.Int32 => typeof(int),
        BuiltInType.UInt32 => typeof(uint),
        BuiltInType.Int64 => typeof(long),
        BuiltInType.UInt64 => typeof(ulong),
        BuiltInType.Float => typeof(float),
        BuiltInType.Double => typeof(double),
        BuiltInType.String => typeof(string),
        BuiltInType.DateTime => typeof(DateTime),
        BuiltInType.Guid => typeof(Guid),
        BuiltInType.ByteString => typeof(byte[]),
        BuiltInType.XmlElement => typeof(XmlElement),
        BuiltInType.NodeId => typeof(NodeId),
        BuiltInType.ExpandedNodeId => typeof(ExpandedNodeId),
        BuiltInType.StatusCode => typeof(StatusCode),
        BuiltInType.QualifiedName => typeof(QualifiedName),
        BuiltInType.LocalizedText => typeof(LocalizedText),
        BuiltInType.ExtensionObject => typeof(ExtensionObject),
        BuiltInType.DataValue => typeof(DataValue),
        _ => typeof(Variant),
    };

    private object? Scalar() => Type switch
    {
        BuiltInType.Boolean => _bits != 0,
        BuiltInType.SByte => (sbyte)_bits,
        BuiltInType.Byte => (byte)_bits,
        BuiltInType.Int16 => (short)_bits,
        BuiltInType.UInt16 => (ushort)_bits,
        BuiltInType.Int32 => (int)_bits,
        BuiltInType.UInt32 => (uint)_bits,
        BuiltInType.Int64 => (long)_bits,
        BuiltInType.UInt64 => _bits,
        BuiltInType.Float => BitConverter.UInt32BitsToSingle((uint)_bits),
        BuiltInType.Double => BitConverter.UInt64BitsToDouble(_bits),
        BuiltInType.DateTime => OpcUaTime.ToDateTime((long)_bits),
        BuiltInType.StatusCode => new StatusCode((uint)_bits),
        _ => _object,
    };
}

/// <summary>The elements of an array of several dimensions.</summary>
internal sealed record Matrix(Array Elements, int[] Dimensions);
