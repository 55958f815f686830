using System.Text.Json;

namespace OeeOrleans.Cip.Logix;

/// <summary>A template as the controller told it.</summary>
/// <param name="Handle">Its checksum.</param>
/// <param name="Size">Of a value.</param>
/// <param name="Members">How many.</param>
/// <param name="Definition">Members and names.</param>
internal sealed record TemplateDefinition(ushort Handle, int Size, int Members, byte[] Definition);

/// <summary>
/// The controller's tags and templates in a file, so that the next start need not ask for them: with who told it, and with the counters
/// that change when the program does.
/// </summary>
internal sealed record KeptTable(
    string Identity, byte[] Counters, Dictionary<string, List<SymbolInfo>> Scopes, Dictionary<ushort, TemplateDefinition> Templates)
{
    /// <summary>Null when there is none, or it cannot be used: then the controller is asked.</summary>
    public static KeptTable? Read(string file)
    {
        if (!File.Exists(file)) return null;
        try
        {
            var table = JsonSerializer.Deserialize<KeptTable>(File.ReadAllBytes(file));
            return table is { Identity: not null, Counters: not null, Scopes: not null, Templates: not null } ? table : null;
        }
        catch (Exception error) when (error is JsonException or IOException or UnauthorizedAccessException or NotSupportedException)
        {
            // It is no more than a saving of time.
            return null;
        }
    }

    /// <summary>Whole or not at all.</summary>
    /// <exception cref="IOException">The disk does not take it.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Write(string file)
    {
        if (Path.GetDirectoryName(file) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
        var half = $"{file}.new";
        File.WriteAllBytes(half, JsonSerializer.SerializeToUtf8Bytes(this));
        File.Move(half, file, overwrite: true);
    }
}
