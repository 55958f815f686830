using System.Collections.Concurrent;
using System.Text.Json;
using OeeOrleans.OpcUa.Binary;

namespace OeeOrleans.OpcUa.Structures;

/// <summary>
/// Finds out how a server's own structures are made, one type at a time, when a value of it is met (OPC 10000-5, DataTypeDefinition). Types
/// of 1.03 servers, which have dictionaries in XML instead, stay raw.
/// </summary>
internal sealed class StructureReader(OpcUaClient client)
{
    private const int MaxDepth = 20;
    private const uint HasEncoding = 38;
    private const uint HasSubtype = 45;
    private const uint BaseDataType = 24;
    private const uint Enumeration = 29;
    private const uint StructureType = 22;

    /// <summary>Number, Integer and UInteger: abstract, so the type goes with the value.</summary>
    private const uint FirstAbstractNumber = 26;
    private const uint LastAbstractNumber = 28;

    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly ConcurrentDictionary<NodeId, DataTypeShape?> _byEncoding = new();
    private readonly ConcurrentDictionary<NodeId, DataTypeShape?> _byType = new();

    /// <summary>Another session: another server, perhaps.</summary>
    public void Forget()
    {
        _byEncoding.Clear();
        _byType.Clear();
    }

    public async Task<object?> DecodeAsync(Variant value, CancellationToken cancellationToken)
    {
        if (value.Elements is { } elements && value.Type is BuiltInType.ExtensionObject or BuiltInType.Variant)
        {
            var decoded = new object?[elements.Length];
            for (var i = 0; i < decoded.Length; i++) decoded[i] =
                await DecodeAsync(elements.GetValue(i), cancellationToken).ConfigureAwait(false);
            return decoded;
        }

        return await DecodeAsync(value.Value, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The built-in type that values of a data type are encoded as; ExtensionObject for structures, null when it is not
    /// known.</summary>
    public async Task<BuiltInType?> BuiltInOfAsync(NodeId dataType, CancellationToken cancellationToken)
    {
        DataTypeShape? shape;
        try
        {
            shape = await WholeShapeAsync(dataType, cancellationToken).ConfigureAwait(false);
        }
        catch (OpcUaException error) when (!IsAway(error.Status))
        {
            // The server does not say what it is.
            return null;
        }

        return shape switch
        {
            DataTypeShape.BuiltIn simple => simple.Type,
            DataTypeShape.Structure => BuiltInType.ExtensionObject,
            _ => null,
        };
    }

    /// <exception cref="FormatException">The JSON does not fit.</exception>
    public async Task<Variant> EncodeAsync(NodeId dataType, JsonElement json, int rank, CancellationToken cancellationToken)
    {
        if (await WholeShapeAsync(dataType, cancellationToken).ConfigureAwait(false) is not DataTypeShape.Structure shape
            || shape.EncodingId.IsNull)
        {
            throw new FormatException($"the server does not say how its structure {dataType} is made; it cannot be written");
        }

        if (json.ValueKind != JsonValueKind.Array) return Variant.From(Encode(shape, json));
        if (rank == -1) throw new FormatException($"the node holds one {shape.Name}, and {json.GetRawText()} is an array");
        return Variant.From(json.EnumerateArray().Select(e => Encode(shape, e)).ToArray());
    }

    private static ExtensionObject Encode(DataTypeShape.Structure shape, JsonElement json)
    {
        using var writer = new UaWriter();
        ShapeWriter.Write(writer, shape, json, shape.Name);
        return new ExtensionObject(shape.EncodingId, writer.Written.ToArray());
    }

    private static bool IsAway(StatusCode status) =>
        status.Code is StatusCodes.BadServerNotConnected or StatusCodes.BadConnectionClosed or StatusCodes.BadTimeout;

    private async Task<object?> DecodeAsync(object? value, CancellationToken cancellationToken) => value switch
    {
        ExtensionObject { Body: byte[] } structure => await DecodeAsync(structure, cancellationToken).ConfigureAwait(false),
        Variant inner => await DecodeAsync(inner, cancellationToken).ConfigureAwait(false),
        _ => value,
    };

    private async Task<object?> DecodeAsync(ExtensionObject structure, CancellationToken cancellationToken)
    {
        if (!_byEncoding.TryGetValue(structure.TypeId, out var shape))
        {
            shape = await ShapeOfEncodingAsync(structure.TypeId, cancellationToken).ConfigureAwait(false);
            _byEncoding[structure.TypeId] = shape;
        }

        if (shape is null) return structure;
        StructureValue read;
        try
        {
            var reader = new UaReader(structure.Bytes.Span);
            if (ShapeReader.Read(ref reader, shape) is not StructureValue known) return structure;
            read = known;
        }
        catch (OpcUaDecodingException)
        {
            // The server's definition and its bytes differ: the bytes are what there is.
            return structure;
        }

        // Fields may be structures of any type.
        var fields = new List<KeyValuePair<string, object?>>(read.Fields.Count);
        foreach (var (name, field) in read.Fields) fields.Add(
            new(name, await DecodeFieldAsync(field, cancellationToken).ConfigureAwait(false)));
        return read with { Fields = fields };
    }

    private async Task<object?> DecodeFieldAsync(object? field, CancellationToken cancellationToken)
    {
        if (field is StructureValue structure)
        {
            var fields = new List<KeyValuePair<string, object?>>(structure.Fields.Count);
            foreach (var (name, inner) in structure.Fields) fields.Add(
                new(name, await DecodeFieldAsync(inner, cancellationToken).ConfigureAwait(false)));
            return structure with { Fields = fields };
        }

        if (field is not object?[] elements) return await DecodeAsync(field, cancellationToken).ConfigureAwait(false);
        var decoded = new object?[elements.Length];
        for (var i = 0; i < decoded.Length; i++) decoded[i] = await DecodeFieldAsync(elements[i], cancellationToken).ConfigureAwait(false);
        return decoded;
    }

    private async Task<DataTypeShape?> ShapeOfEncodingAsync(NodeId encoding, CancellationToken cancellationToken)
    {
        try
        {
            var options = new BrowseOptions { ReferenceType = new NodeId(HasEncoding), Inverse = true };
            await foreach (var reference in client.BrowseAsync(encoding, options, cancellationToken).ConfigureAwait(false))
            {
                return await WholeShapeAsync(reference.Target.NodeId, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OpcUaException error) when (!IsAway(error.Status))
        {
            // The server does not say what it is: raw it stays.
            return null;
        }

        return null;
    }

    /// <summary>One at a time: a definition under way is in the table already, and half.</summary>
    private async Task<DataTypeShape?> WholeShapeAsync(NodeId type, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await ShapeAsync(type, 0, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<DataTypeShape?> ShapeAsync(NodeId type, int depth, CancellationToken cancellationToken)
    {
        if (depth > MaxDepth) return null;
        if (type.NamespaceIndex == 0 && type.Type == IdType.Numeric && WellKnown(type.Number) is { } builtIn) return builtIn;
        if (_byType.TryGetValue(type, out var known)) return known;
        var values = await client.ReadAsync(
            [new ReadNode(type, AttributeId.DataTypeDefinition), new ReadNode(type, AttributeId.BrowseName)],
                cancellationToken).ConfigureAwait(false);
        var name = values[1].Value.Value is QualifiedName { Name: { } text } ? text : type.ToString();
        DataTypeShape? shape;
        if (values[0].Value.Value is ExtensionObject { Body: byte[] body } definition
            && definition.TypeId == RawDefinition.StructureEncoding)
        {
            shape = await StructureAsync(type, name, body, depth, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            shape = await ParentAsync(type, name, depth, cancellationToken).ConfigureAwait(false);
        }

        _byType[type] = shape;
        return shape;
    }

    private static DataTypeShape? WellKnown(uint number) => number switch
    {
        >= 1 and <= 21 or 23 => new DataTypeShape.BuiltIn(((BuiltInType)number).ToString(), (BuiltInType)number),
        StructureType => new DataTypeShape.BuiltIn("Structure", BuiltInType.ExtensionObject),
        BaseDataType or (>= FirstAbstractNumber and <= LastAbstractNumber) => new DataTypeShape.BuiltIn("Variant", BuiltInType.Variant),
        Enumeration => new DataTypeShape.BuiltIn("Enumeration", BuiltInType.Int32),
        _ => null,
    };

    private async Task<DataTypeShape?> StructureAsync(NodeId type, string name, byte[] body, int depth, CancellationToken cancellationToken)
    {
        var raw = RawDefinition.Read(body);
        var structure = new DataTypeShape.Structure(name, raw.Kind) { EncodingId = raw.EncodingId };
        // Before its fields: one of them may be an array of it.
        _byType[type] = structure;
        var whole = false;
        try
        {
            foreach (var (field, fieldType, rank, optional) in raw.Fields)
            {
                if (await ShapeAsync(fieldType, depth + 1, cancellationToken).ConfigureAwait(false) is not { } shape) return null;
                structure.Fields.Add(new DataTypeShape.Field(field, shape, Math.Max(0, rank), optional));
            }

            whole = true;
            return structure;
        }
        finally
        {
            // Half a definition would be read as a whole one.
            if (!whole) _byType.TryRemove(type, out _);
        }
    }

    /// <summary>An enumeration, or another name of a simpler type: encoded as what it is a subtype of.</summary>
    private async Task<DataTypeShape?> ParentAsync(NodeId type, string name, int depth, CancellationToken cancellationToken)
    {
        var options = new BrowseOptions { ReferenceType = new NodeId(HasSubtype), Inverse = true };
        await foreach (var reference in client.BrowseAsync(type, options, cancellationToken).ConfigureAwait(false))
        {
            var parent = await ShapeAsync(reference.Target.NodeId, depth + 1, cancellationToken).ConfigureAwait(false);
            // A structure without a definition: only the server knows its fields.
            return parent is DataTypeShape.BuiltIn { Type: not BuiltInType.ExtensionObject } simple ? simple with { Name = name } : null;
        }

        return null;
    }
}
