using OeeOrleans.Model;

namespace OeeOrleans.Kpi.Faults;

/// <summary>The fault events of one machine, in order of start. A code that returns within the dedupe time reopens its event (specification section 6).</summary>
public sealed class FaultLog
{
    private readonly string _machine;
    private readonly long _dedupeUs;
    private readonly List<FaultEvent> _events;

    public FaultLog(string machine, long dedupeUs, IEnumerable<FaultEvent>? known = null)
    {
        _machine = machine;
        _dedupeUs = dedupeUs;
        _events = known is null ? [] : [.. known];
    }

    public IReadOnlyList<FaultEvent> Events => _events;

    /// <summary>Counts every change, so that an owner knows when there is something to store.</summary>
    public int Version { get; private set; }

    public FaultLog Clone() => new(_machine, _dedupeUs, _events) { Version = Version };

    /// <summary>The fault changes from one code to another at an instant; null = no fault.</summary>
    public void Change(string? from, string? to, long timeUs)
    {
        if (from is not null) End(from, timeUs);
        if (to is not null) Start(to, timeUs);
    }

    /// <summary>Forgets events that ended before a time and can no longer be reopened.</summary>
    public void ForgetBefore(long timeUs) => _events.RemoveAll(e => e.EndUs is { } end && end + _dedupeUs < timeUs);

    private void Start(string code, long timeUs)
    {
        Version++;
        for (var i = _events.Count - 1; i >= 0; i--)
        {
            var last = _events[i];
            if (last.Code != code) continue;
            if (last.EndUs is { } end && timeUs - end <= _dedupeUs)
            {
                _events[i] = last with { EndUs = null, Occurrences = last.Occurrences + 1 };
                return;
            }

            break;
        }

        _events.Add(new FaultEvent { Machine = _machine, Code = code, StartUs = timeUs });
    }

    private void End(string code, long timeUs)
    {
        Version++;
        var i = _events.FindLastIndex(e => e.Code == code && e.EndUs is null);
        if (i >= 0) _events[i] = _events[i] with { EndUs = timeUs };
    }
}
