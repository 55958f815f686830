using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Thresholds;

/// <summary>
/// Follows one limit through values in order of time. Beyond it for as long as the delay asks for, an event begins, dated from when the
/// value went beyond; back behind the hysteresis, it ends. Pure: no clock, no I/O.
/// </summary>
/// <param name="threshold">The limit.</param>
/// <param name="active">An event that is under way, from an earlier life; null when there is none.</param>
public sealed class ThresholdWatch(Threshold threshold, FaultEvent? active = null)
{
    private readonly long _delayUs = UnixMicros.FromSeconds(threshold.DelayS);
    private long _newestUs = active?.StartUs ?? long.MinValue;
    private long? _beyondSinceUs;

    /// <summary>When it was heard that the value went beyond, by our clock; null: that came so late that time alone says nothing of
    /// it.</summary>
    private long? _beyondHeardUs;

    /// <summary>A value that comes no later than this is of the present.</summary>
    private const long PresentUs = 30 * UnixMicros.PerSecond;

    public Threshold Threshold => threshold;

    /// <summary>The event that is under way.</summary>
    public FaultEvent? Active { get; private set; } = active;

    /// <summary>It is beyond, and its delay is not over.</summary>
    public bool IsPending => _beyondSinceUs is not null && Active is null;

    /// <summary>Takes a value; one that is older than the newest was overtaken and says nothing any more.</summary>
    /// <param name="timeUs">Of the value.</param>
    /// <param name="value">NaN: it is not known. Nothing begins by that, and nothing ends.</param>
    /// <param name="heardUs">When it came.</param>
    /// <returns>The event that began or ended; null when none did.</returns>
    public FaultEvent? Take(long timeUs, double value, long heardUs)
    {
        if (timeUs <= _newestUs) return null;
        _newestUs = timeUs;
        var isPresent = heardUs - timeUs <= PresentUs;
        if (Active is { } event_)
        {
            if (!IsBack(value)) return null;
            (Active, _beyondSinceUs) = (null, null);
            return event_ with { EndUs = timeUs };
        }

        if (!IsBeyond(value))
        {
            (_beyondSinceUs, _beyondHeardUs) = (null, null);
            return null;
        }

        _beyondSinceUs ??= timeUs;
        // Of what an edge node kept for hours the next value may be on its way: only values end a delay then.
        _beyondHeardUs = isPresent ? _beyondHeardUs ?? heardUs : null;
        return timeUs - _beyondSinceUs >= _delayUs ? Begin(_beyondSinceUs.Value) : null;
    }

    /// <summary>Time goes on, and the last value holds, if it was of the present.</summary>
    /// <returns>The event that began; null when none did.</returns>
    public FaultEvent? At(long nowUs) =>
        Active is null && _beyondHeardUs is { } heard && nowUs - heard >= _delayUs ? Begin(_beyondSinceUs!.Value) : null;

    private FaultEvent Begin(long since) =>
        Active = new FaultEvent
        {
            Machine = threshold.Machine, Code = threshold.Id, Type = FaultEvent.ThresholdType, StartUs = since,
            Severity = threshold.Severity,
        };

    /// <summary>Nobody looks at the limit any more.</summary>
    /// <returns>The event that ends by that; null when none was under way.</returns>
    public FaultEvent? End(long nowUs)
    {
        if (Active is not { } event_) return null;
        Active = null;
        return event_ with { EndUs = Math.Max(nowUs, event_.StartUs) };
    }

    private bool IsBeyond(double value) => threshold.Above is { } above ? value > above : value < threshold.Below;

    private bool IsBack(double value) =>
        threshold.Above is { } above ? value <= above - threshold.Hysteresis : value >= threshold.Below + threshold.Hysteresis;
}
