using System.Runtime.InteropServices;

namespace OeeOrleans.OpcUa.Binary;

/// <summary>Variants and the arrays in them (OPC 10000-6, 5.2.2.16).</summary>
internal ref partial struct UaReader
{
    private const byte ArrayFlag = 0x80;
    private const byte DimensionsFlag = 0x40;
    private const byte TypeMask = 0x3F;

    public Variant Variant()
    {
        var encoding = Byte();
        var type = (BuiltInType)(encoding & TypeMask);
        // 5.2.2.16: the numbers 26 to 31 are read as byte strings.
        if (type > BuiltInType.DiagnosticInfo) type = (int)type <= 31 ? BuiltInType.ByteString
            : throw Malformed($"a variant of type {type}");
        return encoding < DimensionsFlag ? Scalar(type) : VariantArray(type, encoding);
    }

    /// <summary>A value of a built-in type without a type in front of it, as fields of structures are.</summary>
    public Variant Scalar(BuiltInType type)
    {
        switch (type)
        {
            case BuiltInType.Null: return default;
            case BuiltInType.Boolean: return Boolean();
            case BuiltInType.SByte: return SByte();
            case BuiltInType.Byte: return Byte();
            case BuiltInType.Int16: return Int16();
            case BuiltInType.UInt16: return UInt16();
            case BuiltInType.Int32: return Int32();
            case BuiltInType.UInt32: return UInt32();
            case BuiltInType.Int64: return Int64();
            case BuiltInType.UInt64: return UInt64();
            case BuiltInType.Float: return new Variant(type, UInt32());
            case BuiltInType.Double: return new Variant(type, UInt64());
            case BuiltInType.DateTime: return new Variant(type, UInt64());
            case BuiltInType.StatusCode: return new Variant(type, UInt32());
            default: return new Variant(type, Reference(type));
        }
    }

    private object? Reference(BuiltInType type)
    {
        switch (type)
        {
            case BuiltInType.String: return String();
            case BuiltInType.Guid: return Guid();
            case BuiltInType.ByteString: return ByteString();
            case BuiltInType.XmlElement: return new XmlElement(String());
            case BuiltInType.NodeId: return NodeId();
            case BuiltInType.ExpandedNodeId: return ExpandedNodeId();
            case BuiltInType.QualifiedName: return QualifiedName();
            case BuiltInType.LocalizedText: return LocalizedText();
            case BuiltInType.ExtensionObject: return ExtensionObject();
            case BuiltInType.DiagnosticInfo:
                SkipDiagnosticInfo();
                return null;
            default:
                Enter();
                object value = type == BuiltInType.DataValue ? DataValue() : Variant();
                _depth--;
                return value;
        }
    }

    private Variant VariantArray(BuiltInType type, byte encoding)
    {
        if ((encoding & ArrayFlag) == 0) throw Malformed("array dimensions without an array");
        var elements = Array(type);
        if ((encoding & DimensionsFlag) == 0) return new Variant(type, elements, null);
        var dimensions = MemoryMarshal.Cast<uint, int>(UInt32Array()).ToArray();
        long product = 1;
        foreach (var length in dimensions)
        {
            product = length < 0 ? -1 : product * length;
            if (product < 0 || product > int.MaxValue) break;
        }

        var count = elements?.Length ?? 0;
        if (dimensions.Length > 0 && product != count) throw Malformed($"array dimensions that make {product} of {count} elements");
        return new Variant(type, elements, dimensions.Length > 1 ? dimensions : null);
    }

    /// <summary>An array of a built-in type; null when the server says null.</summary>
    public Array? Array(BuiltInType type)
    {
        var length = Length(MinSize(type));
        if (length < 0) return null;
        switch (type)
        {
            case BuiltInType.Boolean:
                var flags = new bool[length];
                for (var i = 0; i < length; i++) flags[i] = Boolean();
                return flags;
            case BuiltInType.SByte: return Numbers<sbyte>(length);
            case BuiltInType.Byte: return Numbers<byte>(length);
            case BuiltInType.Int16: return Numbers<short>(length);
            case BuiltInType.UInt16: return Numbers<ushort>(length);
            case BuiltInType.Int32: return Numbers<int>(length);
            case BuiltInType.UInt32: return Numbers<uint>(length);
            case BuiltInType.Int64: return Numbers<long>(length);
            case BuiltInType.UInt64: return Numbers<ulong>(length);
            case BuiltInType.Float: return Numbers<float>(length);
            case BuiltInType.Double: return Numbers<double>(length);
            default: return Objects(type, length);
        }
    }

    private static int MinSize(BuiltInType type) => type switch
    {
        BuiltInType.Int16 or BuiltInType.UInt16 or BuiltInType.NodeId or BuiltInType.ExpandedNodeId => 2,
        BuiltInType.Int32 or BuiltInType.UInt32 or BuiltInType.Float or BuiltInType.StatusCode => 4,
        BuiltInType.String or BuiltInType.ByteString or BuiltInType.XmlElement => 4,
        BuiltInType.Int64 or BuiltInType.UInt64 or BuiltInType.Double or BuiltInType.DateTime => 8,
        BuiltInType.Guid => 16,
        BuiltInType.QualifiedName => 6,
        BuiltInType.ExtensionObject => 3,
        _ => 1,
    };

    /// <summary>Numbers lie in the message as in memory: little-endian, one behind the other.</summary>
    private T[] Numbers<T>(int length) where T : unmanaged
    {
        var numbers = new T[length];
        var target = MemoryMarshal.AsBytes(numbers.AsSpan());
        Take(target.Length).CopyTo(target);
        if (!BitConverter.IsLittleEndian) throw new PlatformNotSupportedException("big-endian machines are not supported");
        return numbers;
    }

    private Array Objects(BuiltInType type, int length)
    {
        if (type == BuiltInType.Null) return System.Array.Empty<Variant>();
        Spend(length * 64L);
        var elements = System.Array.CreateInstance(Variant_ClrType(type), length);
        switch (elements)
        {
            case string?[] texts:
                for (var i = 0; i < length; i++) texts[i] = String();
                break;
            case DateTime[] times:
                for (var i = 0; i < length; i++) times[i] = DateTime();
                break;
            case Variant[] variants:
                Enter();
                for (var i = 0; i < length; i++) variants[i] = ElementVariant(type);
                _depth--;
                break;
            case StatusCode[] codes:
                for (var i = 0; i < length; i++) codes[i] = UInt32();
                break;
            default:
                for (var i = 0; i < length; i++) elements.SetValue(Reference(type), i);
                break;
        }

        return elements;
    }

    private Variant ElementVariant(BuiltInType type)
    {
        if (type == BuiltInType.Variant) return Variant();
        SkipDiagnosticInfo();
        return default;
    }

    private static Type Variant_ClrType(BuiltInType type) => OpcUa.Variant.ClrType(type);
}
