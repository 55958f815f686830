using System.Text.Json.Serialization;

namespace OeeOrleans.Cip.Logix;

/// <summary>The symbols of a program, or of the controller.</summary>
internal sealed class TagScope(List<SymbolInfo> symbols)
{
    private readonly Lazy<Dictionary<string, SymbolInfo>> _byName = new(() =>
    {
        var names = new Dictionary<string, SymbolInfo>(StringComparer.OrdinalIgnoreCase);
        foreach (var symbol in symbols) names.TryAdd(symbol.Name, symbol);
        return names;
    });

    public List<SymbolInfo> Symbols => symbols;

    public SymbolInfo? Find(string name) => _byName.Value.GetValueOrDefault(name);
}

/// <summary>A symbol of the controller.</summary>
/// <param name="Name">Without its program.</param>
/// <param name="Instance">Its number in its scope, until the next download or edit.</param>
/// <param name="TypeWord">Bit 15: a structure, whose template's number is in the low 12 bits; bits 13 and 14: dimensions.</param>
/// <param name="Dimensions">Elements of each.</param>
internal sealed record SymbolInfo(string Name, uint Instance, ushort TypeWord, IReadOnlyList<int> Dimensions)
{
    private const string ProgramPrefix = "Program:";

    public bool IsSystem { get; init; }

    /// <summary>The program that it stands for; null when it is a tag.</summary>
    [JsonIgnore]
    public string? Program => Name.StartsWith(ProgramPrefix, StringComparison.OrdinalIgnoreCase) ? Name[ProgramPrefix.Length..] : null;

    [JsonIgnore]
    public bool IsStructure => (TypeWord & 0x8000) != 0;

    [JsonIgnore]
    public ushort Template => (ushort)(TypeWord & 0x0FFF);

    [JsonIgnore]
    public CipDataType Code => (CipDataType)(TypeWord & 0xFF);
}
