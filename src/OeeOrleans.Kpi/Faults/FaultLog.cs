using OeeOrleans.Model;

namespace OeeOrleans.Kpi.Faults;

/// <summary>The fault events of one machine, in order of start. A code that returns within the dedupe time reopens its event (specification
/// section 6). Copies share their events until one of them changes.</summary>
public sealed class FaultLog
{
    /// <summary>More new events than this within <see cref="FloodWithinUs"/> are a flood.</summary>
    public const int FloodEvents = 10;

    public const long FloodWithinUs = 10 * UnixMicros.PerMinute;

    private readonly string _machine;
    private readonly ParameterTimeline _parameters;
    private List<FaultEvent> _events;
    private bool _shared;

    /// <param name="machine">Machine id, for the ids of events.</param>
    /// <param name="parameters">The machine's parameters, for the dedupe time in force.</param>
    /// <param name="known">Events to go on from.</param>
    public FaultLog(string machine, ParameterTimeline parameters, IEnumerable<FaultEvent>? known = null)
        : this(machine, parameters, known is null ? [] : [.. known], shared: false)
    {
    }

    private FaultLog(string machine, ParameterTimeline parameters, List<FaultEvent> events, bool shared) =>
        (_machine, _parameters, _events, _shared) = (machine, parameters, events, shared);

    public IReadOnlyList<FaultEvent> Events => _events;

    /// <summary>Every event that started after this is here; earlier ones may have been forgotten.</summary>
    public long CompleteFromUs { get; private set; } = long.MinValue;

    public FaultLog Clone()
    {
        _shared = true;
        return new FaultLog(_machine, _parameters, _events, shared: true) { CompleteFromUs = CompleteFromUs };
    }

    /// <summary>The fault changes from one code to another at an instant; null = no fault.</summary>
    public void Change(string? from, string? to, long timeUs)
    {
        if (_shared) (_events, _shared) = ([.. _events], false);
        if (from is not null) End(from, timeUs);
        if (to is not null) Start(to, timeUs);
    }

    /// <summary>Forgets events that ended before a time and can no longer be reopened, and the oldest ended ones beyond a number.</summary>
    public void Forget(long beforeUs, int keep)
    {
        var surplus = _events.Count - keep;
        var kept = new List<FaultEvent>(Math.Min(_events.Count, keep + 1));
        foreach (var fault in _events)
        {
            var over = fault.EndUs is { } end && end + DedupeUs(end) < beforeUs;
            if (over || (surplus > 0 && fault.EndUs is not null))
            {
                CompleteFromUs = Math.Max(CompleteFromUs, fault.StartUs);
                surplus--;
            }
            else
            {
                kept.Add(fault);
            }
        }

        if (kept.Count < _events.Count) (_events, _shared) = (kept, false);
    }

    /// <summary>
    /// Whether more than <see cref="FloodEvents"/> events began in the ten minutes before an instant: nobody can act on so many.
    /// </summary>
    public static bool IsFlood(IReadOnlyList<FaultEvent> events, long atUs)
    {
        var started = 0;
        for (var i = events.Count - 1; i >= 0 && events[i].StartUs > atUs - FloodWithinUs; i--)
        {
            if (events[i].StartUs <= atUs && ++started > FloodEvents) return true;
        }

        return false;
    }

    private long DedupeUs(long atUs) => UnixMicros.FromSeconds(_parameters.At(atUs).FaultDedupeS);

    private void Start(string code, long timeUs)
    {
        for (var i = _events.Count - 1; i >= 0; i--)
        {
            var last = _events[i];
            if (last.Code != code) continue;
            if (last.EndUs is { } end && timeUs - end <= DedupeUs(timeUs))
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
        var i = _events.FindLastIndex(e => e.Code == code && e.EndUs is null);
        if (i >= 0) _events[i] = _events[i] with { EndUs = timeUs };
    }
}
