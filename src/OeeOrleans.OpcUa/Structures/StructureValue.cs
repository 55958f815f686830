namespace OeeOrleans.OpcUa;

/// <summary>A structure that was read by its definition: its fields by name, in their order.</summary>
/// <param name="TypeName">Browse name of its data type.</param>
/// <param name="Fields">Values as <see cref="Variant.Value"/> gives them, structures and arrays (`object?[]`) within; optional fields that
/// are not there are left out, and of a union only the one that is set is there.</param>
public sealed record StructureValue(string TypeName, IReadOnlyList<KeyValuePair<string, object?>> Fields)
{
    /// <exception cref="KeyNotFoundException">There is no such field.</exception>
    public object? this[string name] => Fields.FirstOrDefault(f => f.Key == name) is { Key: not null } field
        ? field.Value
        : throw new KeyNotFoundException($"{TypeName} has no field {name}; it has {string.Join(", ", Fields.Select(f => f.Key))}");
}
