using System.Globalization;

namespace OeeOrleans.Model;

/// <summary>
/// Instants as whole microseconds since 1970-01-01T00:00:00Z: the resolution of PostgreSQL's timestamptz, and exact to add.
/// </summary>
public static class UnixMicros
{
    public const long PerMillisecond = 1_000;
    public const long PerSecond = 1_000_000;
    public const long PerMinute = 60 * PerSecond;
    public const long PerHour = 60 * PerMinute;
    public const long PerDay = 24 * PerHour;

    public static long From(DateTimeOffset time) => (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset ToDateTimeOffset(long micros) =>
        new(DateTimeOffset.UnixEpoch.Ticks + (micros * TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);

    /// <summary>Null: it has not been, or nobody knows.</summary>
    public static DateTimeOffset? ToDateTimeOffset(long? micros) => micros is { } known ? ToDateTimeOffset(known) : null;

    public static long Now(TimeProvider clock) => From(clock.GetUtcNow());

    public static double ToSeconds(long micros) => micros / (double)PerSecond;

    /// <summary>Whole microseconds nearest to a number of seconds; decimal, so that 0.1 s is exactly 100,000.</summary>
    public static long FromSeconds(decimal seconds) => decimal.ToInt64(decimal.Round(seconds * PerSecond));

    /// <summary>ISO 8601 UTC, with as many digits after the seconds as there is to say.</summary>
    public static string ToIso(long micros) =>
        ToDateTimeOffset(micros).UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFZ", CultureInfo.InvariantCulture);

    /// <summary>Reads ISO 8601; a time without offset is UTC.</summary>
    public static bool TryParse(string? text, out long micros)
    {
        var ok = DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time);
        micros = ok ? From(time) : 0;
        return ok;
    }
}
