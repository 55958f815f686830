using System.Globalization;
using OeeOrleans.Model;

namespace OeeOrleans.Gateway.Board;

/// <summary>
/// Figures as people read them: percent with one digit, thin spaces between thousands, a dash for unknown, the plant's time.
/// </summary>
internal static class Format
{
    private const string Unknown = "–";

    private static readonly NumberFormatInfo Thin = new()
    {
        NumberGroupSeparator = "\u202F", NumberGroupSizes = [3], NumberDecimalSeparator = ".",
    };

    public static string Percent(double? ratio) => ratio is { } value ? (value * 100).ToString("0.0", Thin) : Unknown;

    public static string Percent0(double ratio) => (ratio * 100).ToString("0", Thin);

    public static string Count(long? count) => count is { } value ? value.ToString("#,0", Thin) : Unknown;

    public static string Seconds(double? seconds) => seconds switch
    {
        null => Unknown,
        < 10 => seconds.Value.ToString("0.00", Thin),
        _ => seconds.Value.ToString("0.0", Thin),
    };

    /// <summary>Hours and minutes, 4:38; below an hour minutes and seconds are too fine for a board.</summary>
    public static string Hours(long micros)
    {
        var minutes = Math.Abs(micros) / UnixMicros.PerMinute;
        return $"{(micros < 0 ? "−" : "")}{minutes / 60}:{minutes % 60:00}";
    }

    public static string Tenths(double value) => value.ToString("0.0", Thin);

    /// <summary>Any number, with six digits that count.</summary>
    public static string Number(double value)
    {
        if (!double.IsFinite(value)) return Unknown;
        var size = Math.Abs(value);
        if (size != 0 && size is >= 1e9 or < 1e-4) return value.ToString("0.####E+0", Thin);
        var digits = size < 1 ? 5 : Math.Max(0, 5 - (int)Math.Log10(size));
        return Math.Round(value, digits).ToString("#,0.#####", Thin);
    }

    /// <summary>A number for a style sheet.</summary>
    public static string Css(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);

    public static string Clock(long timeUs, TimeZoneInfo zone) => Local(timeUs, zone).ToString("HH:mm", CultureInfo.InvariantCulture);

    public static string ClockSeconds(long timeUs, TimeZoneInfo zone) =>
        Local(timeUs, zone).ToString("HH:mm:ss", CultureInfo.InvariantCulture);

    public static string Day(long timeUs, TimeZoneInfo zone) => Local(timeUs, zone).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    public static string Hour(long timeUs, TimeZoneInfo zone) => Local(timeUs, zone).ToString("HH", CultureInfo.InvariantCulture);

    public static string Duration(long micros)
    {
        var seconds = Math.Max(0, micros) / UnixMicros.PerSecond;
        return seconds switch
        {
            < 60 => $"{seconds} s",
            < 3600 => $"{seconds / 60} min",
            < 2 * 86_400 => $"{seconds / 3600} h",
            _ => $"{seconds / 86_400} d",
        };
    }

    public static string Ordinal(int number) =>
        number switch { 2 => "second", 3 => "third", 4 => "fourth", 5 => "fifth", _ => $"{number}th" };

    public static string ShiftName(string name) => name.Length == 0 ? "Shift" : $"{char.ToUpperInvariant(name[0])}{name[1..]} shift";

    private static DateTimeOffset Local(long timeUs, TimeZoneInfo zone) =>
        TimeZoneInfo.ConvertTime(UnixMicros.ToDateTimeOffset(timeUs), zone);
}
