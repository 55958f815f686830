using System.Text.Json;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources.OpcUa;

/// <summary>
/// What a source must know before its server answers, kept in a file: the types of its tags, so that the edge node can be born, and the
/// time
/// of the newest value that is durable, so that what came while nobody was there can be fetched from the server's history.
/// </summary>
internal sealed class SourceMemory
{
    private readonly string _file;
    private readonly Dictionary<string, SparkplugDataType> _types = new(StringComparer.Ordinal);

    public SourceMemory(string file)
    {
        _file = file;
        if (!File.Exists(file)) return;
        try
        {
            var content = JsonSerializer.Deserialize<Content>(File.ReadAllBytes(file));
            NewestMs = content?.NewestMs ?? 0;
            foreach (var (address, type) in content?.Types ?? [])
            {
                if (Enum.TryParse<SparkplugDataType>(type, out var known)) _types[address] = known;
            }
        }
        catch (JsonException)
        {
            // A memory that cannot be read is none: the server is asked, as at the first start.
            NewestMs = 0;
        }
    }

    /// <summary>Source time of the newest durable value; 0 when there is none.</summary>
    public long NewestMs { get; set; }

    public SparkplugDataType TypeOf(string address) => _types.GetValueOrDefault(address);

    public void SetType(string address, SparkplugDataType type) => _types[address] = type;

    /// <exception cref="IOException">The disk does not take it.</exception>
    public void Save()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_file)!);
        var temporary = _file + ".new";
        var content = new Content(NewestMs, _types.ToDictionary(t => t.Key, t => t.Value.ToString()));
        File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(content));
        File.Move(temporary, _file, overwrite: true);
    }

    private sealed record Content(long NewestMs, Dictionary<string, string> Types);
}
