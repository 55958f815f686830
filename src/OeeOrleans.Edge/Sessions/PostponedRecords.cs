using OeeOrleans.Edge.Queue;

namespace OeeOrleans.Edge.Sessions;

/// <summary>
/// Records whose device is dead: it may not send, not even its past (tck-id-operational-behavior-device-ddeath), so they wait for its next
/// birth and are sent after it, lowest first.
/// </summary>
internal sealed class PostponedRecords(TimeProvider clock)
{
    private readonly Dictionary<string, SortedSet<ulong>> _waiting = new(StringComparer.Ordinal);

    /// <summary>Since when a device has had something to say and may not.</summary>
    private readonly Dictionary<string, long> _since = new(StringComparer.Ordinal);

    /// <summary>May be sent now.</summary>
    private readonly SortedSet<ulong> _free = [];

    public bool AnyFree => _free.Count > 0;

    /// <summary>The lowest number that waits or is free; null when there is none.</summary>
    public ulong? First
    {
        get
        {
            var first = _free.Count > 0 ? _free.Min : ulong.MaxValue;
            foreach (var numbers in _waiting.Values) first = Math.Min(first, numbers.Min);
            return first == ulong.MaxValue ? null : first;
        }
    }

    public void Postpone(in QueueRecord record)
    {
        if (!_waiting.TryGetValue(record.Device, out var numbers)) _waiting[record.Device] = numbers = [];
        numbers.Add(record.Number);
        _since.TryAdd(record.Device, clock.GetTimestamp());
    }

    /// <summary>A device was born: what waited for that is free.</summary>
    public void Born(string device)
    {
        _since.Remove(device);
        if (_waiting.Remove(device, out var numbers)) _free.UnionWith(numbers);
    }

    /// <summary>Takes the lowest free number. Ask <see cref="AnyFree"/> before.</summary>
    public ulong TakeFree()
    {
        var number = _free.Min;
        _free.Remove(number);
        return number;
    }

    /// <summary>Records below a number are in the queue no more.</summary>
    public void Forget(ulong below)
    {
        foreach (var (device, numbers) in _waiting.ToList())
        {
            if (numbers.Min < below) numbers.RemoveWhere(n => n < below);
            if (numbers.Count > 0) continue;
            _waiting.Remove(device);
            _since.Remove(device);
        }
    }

    /// <summary>A device whose records have waited for so long; null when there is none.</summary>
    public string? WaitsFor(TimeSpan atLeast)
    {
        foreach (var device in _waiting.Keys)
        {
            if (clock.GetElapsedTime(_since[device]) >= atLeast) return device;
        }

        return null;
    }

    /// <summary>
    /// All records are looked at anew. How long devices have waited stays known: resending comes more often than that.
    /// </summary>
    public void Clear()
    {
        _waiting.Clear();
        _free.Clear();
    }
}
