namespace OeeOrleans.Model;

/// <summary>
/// The one rule for source times, judged against the time of ingest, so that it says the same of a sample when it comes and whenever it is
/// read again. A sample outside of it is stored and flagged (`meta` of the view `telemetry`), and is no part of any account: it would
/// freeze a machine in the future, or rewrite decades because a device woke up in 1970.
/// </summary>
public static class TimeRule
{
    /// <summary>Further ahead than a wrong time zone.</summary>
    public const long MaxAheadUs = 26 * UnixMicros.PerHour;

    /// <summary>What comes later than this is too late to be counted.</summary>
    public const long MaxLateUs = 92 * UnixMicros.PerDay;

    public static bool Admits(long timeUs, long ingestUs) => !IsAhead(timeUs, ingestUs) && !IsTooLate(timeUs, ingestUs);

    public static bool IsAhead(long timeUs, long ingestUs) => timeUs - ingestUs > MaxAheadUs;

    public static bool IsTooLate(long timeUs, long ingestUs) => ingestUs - timeUs > MaxLateUs;
}
