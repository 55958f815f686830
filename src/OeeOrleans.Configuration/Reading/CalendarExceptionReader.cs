using System.Globalization;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Configuration.Reading;

/// <summary>
/// The key `exceptions` of a calendar: `{ date, until, name }` with `closed: true`, `shifts` (instead of the usual ones) or `extra` (beside
/// them).
/// </summary>
internal sealed class CalendarExceptionReader(YamlSection calendar, Func<YamlSection, Shift> readShift)
{
    private const int MaxDays = 366;
    private const int MinYear = 1970;
    private const int MaxYear = 2999;

    private readonly Dictionary<DateOnly, string> _taken = [];

    public List<CalendarException> Read() => [.. calendar.Sections("exceptions").Select(ReadOne)];

    private CalendarException ReadOne(YamlSection exception)
    {
        var from = Date(exception, "date") ?? default;
        if (!exception.Has("date")) _ = exception.Required("date", "2026-12-25");
        var until = Date(exception, "until") ?? from;
        if (until < from || until.DayNumber - from.DayNumber >= MaxDays)
        {
            exception.Problems.Add(
                exception.LineOf("until"),
                $"{exception.Path}.until: {until:yyyy-MM-dd} must not be before 'date', nor {MaxDays} days after it");
            until = from;
        }

        var isClosed = exception.Flag("closed");
        var instead = exception.Sections("shifts").Select(readShift).ToList();
        var extra = exception.Sections("extra").Select(readShift).ToList();
        var said = (isClosed ? 1 : 0) + (instead.Count > 0 ? 1 : 0) + (extra.Count > 0 ? 1 : 0);
        if (said != 1)
        {
            exception.Problems.Add(
                exception.Line,
                $"{exception.Path}: one of 'closed: true', 'shifts' (instead of the usual ones) and 'extra' (beside them) is needed");
        }

        for (var date = from; date <= until && from != default; date = date.AddDays(1))
        {
            if (!_taken.TryAdd(date, exception.Path))
            {
                exception.Problems.Add(
                    exception.LineOf("date"), $"{exception.Path}.date: {date:yyyy-MM-dd} has an exception already, {_taken[date]}");
                break;
            }
        }

        var result = new CalendarException(exception.Text("name") ?? "", from, until, extra.Count > 0, [.. instead, .. extra]);
        exception.Close();
        return result;
    }

    private static DateOnly? Date(YamlSection section, string key)
    {
        if (section.Text(key) is not { } text) return null;
        var isDate = DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date);
        if (isDate && date.Year is >= MinYear and <= MaxYear) return date;

        section.Problems.Add(section.LineOf(key), $"{section.Path}.{key}: '{text}' is not a date such as 2026-12-25");
        return null;
    }
}
