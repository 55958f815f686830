using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Runtime.GrainDirectory;

namespace OeeOrleans.Host.Hosting;

/// <summary>
/// Where grains live, as this silo heard last. Orleans' own cache says its size by counting every entry, and the dashboard asks once a
/// second: 7 % of the CPU of a plant of a thousand machines, and more of a larger one. A wrong entry does no harm: whoever is asked in
/// vain says so, and it is removed; so entries need not grow old. Safe for concurrent use.
/// </summary>
/// <param name="capacity">Entries at most; beyond it all are forgotten, and asked for again.</param>
internal sealed class ActivationCache(int capacity) : IGrainDirectoryCache
{
    private readonly ConcurrentDictionary<GrainId, (GrainAddress Address, int Version)> _entries = new();
    private int _count;

    public IEnumerable<(GrainAddress ActivationAddress, int Version)> KeyValues => _entries.Select(e => e.Value);

    /// <summary>Makes a silo use it.</summary>
    public static void AddTo(ISiloBuilder silo)
    {
        silo.Services.AddSingleton<IGrainDirectoryCache>(
            s => new ActivationCache(s.GetRequiredService<Microsoft.Extensions.Options.IOptions<GrainDirectoryOptions>>().Value.CacheSize));
        silo.Configure<GrainDirectoryOptions>(o => o.CachingStrategy = GrainDirectoryOptions.CachingStrategyType.Custom);
    }

    public void AddOrUpdate(GrainAddress value, int version)
    {
        if (_entries.TryAdd(value.GrainId, (value, version)))
        {
            if (Interlocked.Increment(ref _count) > capacity) Clear();
            return;
        }

        // One that was removed meanwhile is asked for again.
        if (_entries.TryGetValue(value.GrainId, out var known)) _entries.TryUpdate(value.GrainId, (value, version), known);
    }

    public bool Remove(GrainId key)
    {
        if (!_entries.TryRemove(key, out _)) return false;
        Interlocked.Decrement(ref _count);
        return true;
    }

    /// <summary>Removes an address that turned out to be wrong, unless a newer one is known.</summary>
    public bool Remove(GrainAddress key)
    {
        if (!_entries.TryGetValue(key.GrainId, out var known) || !Equals(known.Address.SiloAddress, key.SiloAddress)) return false;
        if (!_entries.TryRemove(KeyValuePair.Create(key.GrainId, known))) return false;
        Interlocked.Decrement(ref _count);
        return true;
    }

    public void Clear()
    {
        foreach (var entry in _entries) Remove(entry.Key);
    }

    public bool LookUp(GrainId key, [NotNullWhen(true)] out GrainAddress? result, out int version)
    {
        var found = _entries.TryGetValue(key, out var entry);
        (result, version) = entry;
        return found;
    }
}
