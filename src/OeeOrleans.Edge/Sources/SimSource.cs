using System.Collections.Concurrent;
using System.Globalization;
using System.Web;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources;

/// <summary>
/// `sim://plant?tags=1000&amp;devices=4`: a source without a PLC. A tag's value is a function of its address and the time alone, so what
/// was published can be checked afterwards. Addresses: `counter`, `bool`, `sine`, `text`, `random`, each with an optional `:seed`. With
/// `journal=FILE` every reading that is durable is noted there. </summary>
public sealed class SimSource : ISource
{
    /// <summary>Values change on this grid, milliseconds.</summary>
    public const int StepMs = 250;

    private readonly StreamWriter? _journal;
    private readonly ConcurrentDictionary<int, object> _written = new();

    public SimSource(EdgeSource source)
    {
        Id = source.Id;
        var query = HttpUtility.ParseQueryString(source.Url.Query);
        Tags = [.. source.Tags.Select(t => new SourceTag(source.Device, t, TypeOf(t.Address))), .. Made(source)];
        if (query["journal"] is { Length: > 0 } file)
        {
            _journal = new StreamWriter(new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)) { AutoFlush = true };
        }
    }

    /// <summary>Tags that its URL asks for by number.</summary>
    public static IEnumerable<SourceTag> Made(EdgeSource source)
    {
        if (source.Url.Scheme != "sim") yield break;
        var query = HttpUtility.ParseQueryString(source.Url.Query);
        var (count, devices) = (Number(query["tags"], 0), Math.Max(1, Number(query["devices"], 1)));
        for (var i = 0; i < count; i++)
        {
            var device = devices == 1 ? source.Device : $"{source.Device}{(i % devices) + 1}";
            var tag = new EdgeTag($"counter:{i}", string.Create(CultureInfo.InvariantCulture, $"tag{i:0000}"));
            yield return new SourceTag(device, tag, SparkplugDataType.Int64);
        }
    }

    public string Id { get; }

    public IReadOnlyList<SourceTag> Tags { get; }

    public Task ReadAsync(IReadOnlyList<int> tags, long timeMs, List<SourceValue> into, CancellationToken cancellationToken)
    {
        foreach (var tag in tags)
        {
            into.Add(
                new SourceValue(tag, timeMs, _written.TryGetValue(tag, out var value) ? value : ValueOf(Tags[tag].Tag.Address, timeMs)));
        }

        return Task.CompletedTask;
    }

    /// <summary>A tag that was written to stays at its value.</summary>
    public Task<object?> WriteAsync(int tag, object? value, CancellationToken cancellationToken)
    {
        var before = _written.GetValueOrDefault(tag);
        _written[tag] = value ?? throw new ArgumentException("null cannot be written", nameof(value));
        return Task.FromResult(before);
    }

    /// <summary>It has no subscriptions.</summary>
    public void SetPaused(bool paused)
    {
    }

    public void Stored(long timeMs) => _journal?.WriteLine(timeMs.ToString(CultureInfo.InvariantCulture));

    public async ValueTask DisposeAsync()
    {
        if (_journal is not null) await _journal.DisposeAsync();
    }

    /// <summary>What an address shows at an instant.</summary>
    public static object ValueOf(string address, long timeMs)
    {
        var (kind, seed) = Split(address);
        var step = timeMs / StepMs;
        return kind switch
        {
            "counter" => (step % 1_000_000_000) + seed,
            "bool" => ((step / 40) + seed) % 5 != 0,
            "sine" => Math.Round(50 + (40 * Math.Sin((step * 0.01) + seed)), 3),
            "text" => $"P{((step / 2400) + seed) % 4}",
            _ => Math.Round(new Random(HashCode.Combine(seed, (int)(step & 0x7FFF_FFFF))).NextDouble() * 100, 3),
        };
    }

    public static bool IsAddress(string address) => Split(address).Kind is "counter" or "bool" or "sine" or "text" or "random";

    private static SparkplugDataType TypeOf(string address) => Split(address).Kind switch
    {
        "counter" => SparkplugDataType.Int64,
        "bool" => SparkplugDataType.Boolean,
        "text" => SparkplugDataType.String,
        _ => SparkplugDataType.Double,
    };

    private static (string Kind, long Seed) Split(string address)
    {
        var colon = address.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0) return (address, 0);
        var isNumber = long.TryParse(address.AsSpan(colon + 1), NumberStyles.Integer, CultureInfo.InvariantCulture, out var seed);
        return (address[..colon], isNumber ? seed : 0);
    }

    private static int Number(string? text, int otherwise) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : otherwise;
}
