using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace OeeOrleans.OpcUa.Binary;

/// <summary>Writes the binary encoding (OPC 10000-6, 5.2) into a rented buffer that grows. Return it by <see cref="Dispose"/>.</summary>
internal sealed class UaWriter : IDisposable
{
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(1024);
    private int _at;

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _at);

    public int Length => _at;

    public void Dispose()
    {
        if (_buffer.Length == 0) return;
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _at = 0;
    }

    public void Boolean(bool value) => Byte(value ? (byte)1 : (byte)0);

    public void Byte(byte value) => Space(1)[0] = value;

    public void Int16(short value) => BinaryPrimitives.WriteInt16LittleEndian(Space(2), value);

    public void UInt16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Space(2), value);

    public void Int32(int value) => BinaryPrimitives.WriteInt32LittleEndian(Space(4), value);

    public void UInt32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Space(4), value);

    public void Int64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Space(8), value);

    public void UInt64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Space(8), value);

    public void Double(double value) => BinaryPrimitives.WriteDoubleLittleEndian(Space(8), value);

    public void DateTime(DateTime value) => Int64(OpcUaTime.FromDateTime(value));

    public void Guid(Guid value) => value.TryWriteBytes(Space(16));

    public void String(string? value)
    {
        if (value is null)
        {
            Int32(-1);
            return;
        }

        var length = Encoding.UTF8.GetByteCount(value);
        Int32(length);
        Encoding.UTF8.GetBytes(value, Space(length));
    }

    public void ByteString(byte[]? value)
    {
        Int32(value?.Length ?? -1);
        if (value is not null) Raw(value);
    }

    public void ByteString(ReadOnlySpan<byte> value)
    {
        Int32(value.Length);
        Raw(value);
    }

    public void Raw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Space(bytes.Length));

    public void NodeId(NodeId id) => NodeId(id, 0);

    public void ExpandedNodeId(ExpandedNodeId id)
    {
        NodeId(id.NodeId, (byte)((id.NamespaceUri is null ? 0 : 0x80) | (id.ServerIndex == 0 ? 0 : 0x40)));
        if (id.NamespaceUri is not null) String(id.NamespaceUri);
        if (id.ServerIndex != 0) UInt32(id.ServerIndex);
    }

    public void QualifiedName(QualifiedName name)
    {
        UInt16(name.NamespaceIndex);
        String(name.Name);
    }

    public void LocalizedText(LocalizedText text)
    {
        Byte((byte)((text.Locale is null ? 0 : 1) | (text.Text is null ? 0 : 2)));
        if (text.Locale is not null) String(text.Locale);
        if (text.Text is not null) String(text.Text);
    }

    public void ExtensionObject(ExtensionObject? value)
    {
        NodeId(value?.TypeId ?? default);
        switch (value?.Body)
        {
            case byte[] bytes:
                Byte(1);
                ByteString(bytes);
                break;
            case string xml:
                Byte(2);
                String(xml);
                break;
            default:
                Byte(0);
                break;
        }
    }

    /// <summary>A structure in an extension object; its length is put in front when <see cref="EndExtensionObject"/> is called with what
    /// this returns.</summary>
    public int BeginExtensionObject(uint encodingId)
    {
        NodeId(new NodeId(encodingId));
        Byte(1);
        Int32(0);
        return _at;
    }

    public void EndExtensionObject(int start) => BinaryPrimitives.WriteInt32LittleEndian(_buffer.AsSpan(start - 4), _at - start);

    public void DataValue(in DataValue value)
    {
        var flags = (value.Value.IsNull ? 0 : 0x01)
            | (value.Status.Code == 0 ? 0 : 0x02)
            | (value.SourceTicks == 0 ? 0 : 0x04)
            | (value.ServerTicks == 0 ? 0 : 0x08)
            | (value.SourcePicoseconds == 0 ? 0 : 0x10)
            | (value.ServerPicoseconds == 0 ? 0 : 0x20);
        Byte((byte)flags);
        if ((flags & 0x01) != 0) Variant(value.Value);
        if ((flags & 0x02) != 0) UInt32(value.Status.Code);
        if ((flags & 0x04) != 0) Int64(value.SourceTicks);
        if ((flags & 0x10) != 0) UInt16(value.SourcePicoseconds);
        if ((flags & 0x08) != 0) Int64(value.ServerTicks);
        if ((flags & 0x20) != 0) UInt16(value.ServerPicoseconds);
    }

    public void Variant(in Variant value)
    {
        if (value.Type == BuiltInType.Null)
        {
            Byte(0);
            return;
        }

        if (!value.IsArray)
        {
            Byte((byte)value.Type);
            Scalar(value);
            return;
        }

        Byte((byte)((int)value.Type | 0x80 | (value.Dimensions is null ? 0 : 0x40)));
        Elements(value.Type, value.Elements);
        if (value.Dimensions is not { } dimensions) return;
        Int32(dimensions.Count);
        foreach (var length in dimensions) Int32(length);
    }

    public void Array<T>(IReadOnlyList<T> items, Action<UaWriter, T> write)
    {
        Int32(items.Count);
        for (var i = 0; i < items.Count; i++) write(this, items[i]);
    }

    public void UInt32Array(IReadOnlyList<uint> items)
    {
        Int32(items.Count);
        for (var i = 0; i < items.Count; i++) UInt32(items[i]);
    }

    private void Elements(BuiltInType type, Array? elements)
    {
        Int32(elements?.Length ?? -1);
        switch (elements)
        {
            case null: return;
            case bool[] flags:
                foreach (var flag in flags) Boolean(flag);
                return;
            case DateTime[] times:
                foreach (var time in times) DateTime(time);
                return;
            default:
                if (type is >= BuiltInType.SByte and <= BuiltInType.Double && elements.GetType().GetElementType()!.IsPrimitive)
                {
                    Raw(MemoryMarshal.CreateReadOnlySpan(
                        ref MemoryMarshal.GetArrayDataReference(elements), Buffer.ByteLength(elements)));
                    return;
                }

                foreach (var element in elements) Element(type, element);
                return;
        }
    }

    private void Element(BuiltInType type, object? element)
    {
        if (type == BuiltInType.StatusCode) UInt32(((StatusCode)element!).Code);
        else Reference(type, element);
    }

    /// <summary>A value without its type, as fields of structures are.</summary>
    public void Scalar(in Variant value)
    {
        switch (value.Type)
        {
            case BuiltInType.Boolean or BuiltInType.SByte or BuiltInType.Byte: Byte((byte)value.Bits); break;
            case BuiltInType.Int16 or BuiltInType.UInt16: UInt16((ushort)value.Bits); break;
            case BuiltInType.Int32 or BuiltInType.UInt32 or BuiltInType.Float or BuiltInType.StatusCode: UInt32((uint)value.Bits); break;
            case BuiltInType.Int64 or BuiltInType.UInt64 or BuiltInType.Double or BuiltInType.DateTime: UInt64(value.Bits); break;
            default: Reference(value.Type, value.Reference); break;
        }
    }

    private void Reference(BuiltInType type, object? value)
    {
        switch (type)
        {
            case BuiltInType.String: String((string?)value); break;
            case BuiltInType.Guid: Guid(value is Guid guid ? guid : default); break;
            case BuiltInType.ByteString: ByteString((byte[]?)value); break;
            case BuiltInType.XmlElement: String(value is XmlElement xml ? xml.Xml : null); break;
            case BuiltInType.NodeId: NodeId(value is NodeId id ? id : default); break;
            case BuiltInType.ExpandedNodeId: ExpandedNodeId(value is ExpandedNodeId far ? far : default); break;
            case BuiltInType.QualifiedName: QualifiedName(value is QualifiedName name ? name : default); break;
            case BuiltInType.LocalizedText: LocalizedText(value is LocalizedText text ? text : default); break;
            case BuiltInType.ExtensionObject: ExtensionObject((ExtensionObject?)value); break;
            case BuiltInType.DataValue: DataValue(value is DataValue data ? data : default); break;
            case BuiltInType.Variant: Variant(value is Variant variant ? variant : default); break;
            default: Byte(0); break;
        }
    }

    private void NodeId(NodeId id, byte flags)
    {
        switch (id.Type)
        {
            case IdType.Numeric when id.NamespaceIndex == 0 && id.Number <= byte.MaxValue:
                Byte(flags);
                Byte((byte)id.Number);
                break;
            case IdType.Numeric when id.NamespaceIndex <= byte.MaxValue && id.Number <= ushort.MaxValue:
                Byte((byte)(1 | flags));
                Byte((byte)id.NamespaceIndex);
                UInt16((ushort)id.Number);
                break;
            case IdType.Numeric:
                Byte((byte)(2 | flags));
                UInt16(id.NamespaceIndex);
                UInt32(id.Number);
                break;
            case IdType.String:
                Byte((byte)(3 | flags));
                UInt16(id.NamespaceIndex);
                String((string)id.Identifier);
                break;
            case IdType.Guid:
                Byte((byte)(4 | flags));
                UInt16(id.NamespaceIndex);
                Guid((Guid)id.Identifier);
                break;
            default:
                Byte((byte)(5 | flags));
                UInt16(id.NamespaceIndex);
                ByteString((byte[])id.Identifier);
                break;
        }
    }

    private Span<byte> Space(int count)
    {
        if (_buffer.Length - _at < count) Grow(count);
        var space = _buffer.AsSpan(_at, count);
        _at += count;
        return space;
    }

    private void Grow(int count)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, _at + count));
        Written.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
