using System.Globalization;
using Microsoft.AspNetCore.Http;
using OeeOrleans.Model;

namespace OeeOrleans.Gateway.Api;

/// <summary>An input the caller can mend; becomes 400 with the parameter's name.</summary>
internal sealed class BadParameterException(string parameter, string message) : Exception(message)
{
    public string Parameter => parameter;
}

/// <summary>A change needs the tag of what it changes; becomes 428.</summary>
internal sealed class PreconditionRequiredException(string message) : Exception(message);

/// <summary>An id nobody knows; becomes 404.</summary>
internal sealed class NotFoundException(string message) : Exception(message);

/// <summary>Reads query parameters, with messages that say what would be right.</summary>
internal static class Parameters
{
    public static string? Text(HttpRequest request, string name) =>
        request.Query[name].FirstOrDefault() is { Length: > 0 } value ? value : null;

    public static string Required(HttpRequest request, string name) =>
        Text(request, name) ?? throw new BadParameterException(name, $"the query parameter '{name}' is missing");

    /// <summary>A member of a body that must be there.</summary>
    public static string Given(string? text, string name) =>
        text is { Length: > 0 } ? text : throw new BadParameterException(name, $"'{name}' is missing");

    public static IReadOnlyList<T> Given<T>(IReadOnlyList<T>? items, string name) =>
        items ?? throw new BadParameterException(name, $"'{name}' is missing");

    public static long Time(HttpRequest request, string name, long? otherwise = null)
    {
        // A '+' of an offset that nobody escaped arrives as a space.
        if (Text(request, name)?.Replace(' ', '+') is not { } text)
        {
            return otherwise
                ?? throw new BadParameterException(
                    name, $"the query parameter '{name}' is missing; a time such as 2026-01-05T06:00:00Z is needed");
        }

        return UnixMicros.TryParse(text, out var time)
            ? time
            : throw new BadParameterException(name, $"'{text}' is not an ISO 8601 time such as 2026-01-05T06:00:00Z");
    }

    public static int Integer(HttpRequest request, string name, int otherwise, int min, int max)
    {
        if (Text(request, name) is not { } text) return otherwise;
        return int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number
            : throw new BadParameterException(name, $"'{text}' is not a whole number from {min} to {max}");
    }

    public static string Choice(HttpRequest request, string name, string otherwise, params string[] choices)
    {
        var text = Text(request, name) ?? otherwise;
        return choices.Contains(text)
            ? text
            : throw new BadParameterException(name, $"'{text}' is unknown; {string.Join(", ", choices)} are possible");
    }

    public static (long FromUs, long ToUs) Span(HttpRequest request, TimeProvider clock, long defaultLengthUs)
    {
        var to = Time(request, "to", UnixMicros.Now(clock));
        var from = Time(request, "from", to - defaultLengthUs);
        return InOrder(from, to);
    }

    /// <exception cref="BadParameterException">It ends before it begins.</exception>
    public static (long FromUs, long ToUs) InOrder(long fromUs, long toUs) =>
        fromUs < toUs ? (fromUs, toUs) : throw new BadParameterException("from", "'from' must be before 'to'");

    /// <exception cref="BadParameterException">It is longer than may be.</exception>
    public static void CheckLength(long fromUs, long toUs, long maxUs)
    {
        if (toUs - fromUs <= maxUs) return;
        throw new BadParameterException("from", $"at most {maxUs / UnixMicros.PerDay} days can be asked for at once");
    }
}
