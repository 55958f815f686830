using System.Collections;

namespace OeeOrleans.Cip;

/// <summary>The value of a structure: its members by name, in their order; hidden ones are left out.</summary>
public sealed class CipStructure : IReadOnlyDictionary<string, object?>
{
    private readonly List<KeyValuePair<string, object?>> _members = [];

    internal CipStructure(string typeName) => TypeName = typeName;

    public string TypeName { get; }

    public int Count => _members.Count;

    public IEnumerable<string> Keys => _members.Select(m => m.Key);

    public IEnumerable<object?> Values => _members.Select(m => m.Value);

    public object? this[string key] => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException($"{TypeName} has no {key}");

    public bool ContainsKey(string key) => TryGetValue(key, out _);

    public bool TryGetValue(string key, out object? value)
    {
        foreach (var member in _members)
        {
            if (!string.Equals(member.Key, key, StringComparison.OrdinalIgnoreCase)) continue;
            value = member.Value;
            return true;
        }

        value = null;
        return false;
    }

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator() => _members.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal void Add(string name, object? value) => _members.Add(new(name, value));
}
