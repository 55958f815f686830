using System.Runtime.InteropServices;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Board.Trends;

/// <summary>What the page's script draws. Times are milliseconds since 1970.</summary>
/// <param name="FromMs">Beginning of the span that is looked at.</param>
/// <param name="ToMs">Its end.</param>
/// <param name="FirstMs">What was read begins here: more than is looked at, so that moving about needs no reading.</param>
/// <param name="LastMs">What was read ends here.</param>
/// <param name="Zone">The plant's, IANA.</param>
/// <param name="OffsetMs">The plant's clock less UTC where the span begins.</param>
/// <param name="Follows">It moves on with the time.</param>
internal sealed record TrendPicture(
    double FromMs, double ToMs, double FirstMs, double LastMs, string Zone, double OffsetMs, bool Follows,
    IReadOnlyList<TrendCurve> Curves, IReadOnlyList<TrendStrip> Strips);

/// <summary>One signal over time.</summary>
/// <param name="Key">As in the address.</param>
/// <param name="Strip">Place of its machine's strip.</param>
/// <param name="Raw">Its points are samples; otherwise buckets.</param>
/// <param name="Points">How many.</param>
/// <param name="Data">Little-endian doubles: all times, then all means, minima, maxima; NaN where there is no number.</param>
/// <param name="Texts">Of a signal of words, one for each point.</param>
/// <param name="Samples">Of the span that is looked at.</param>
/// <param name="Figures">Of the span that is looked at; null: it has no numbers there.</param>
internal sealed record TrendCurve(
    string Key, string Title, string Unit, int Strip, bool Raw, int Points, byte[] Data, IReadOnlyList<string?>? Texts, long Samples,
    TrendFigures? Figures)
{
    public static TrendCurve Of(TrendSignal signal, string title, string unit, int strip, Trend trend, long fromUs, long toUs)
    {
        var items = trend.Raw ? trend.Items : WithBreaks(trend.Items);
        var numbers = new double[items.Count * 4];
        for (var i = 0; i < items.Count; i++)
        {
            var item = items[i];
            var holds = item.Quality >= Quality.Uncertain || !trend.Raw;
            numbers[i] = item.TimeUs / (double)UnixMicros.PerMillisecond;
            numbers[items.Count + i] = Number(item.Avg, holds);
            numbers[(2 * items.Count) + i] = Number(item.Min, holds);
            numbers[(3 * items.Count) + i] = Number(item.Max, holds);
        }

        var seen = items.Where(p => p.TimeUs >= fromUs && p.TimeUs < toUs).ToList();
        var isText = items.Any(p => p.Text is not null) && items.All(p => p.Avg is null);
        return new TrendCurve(
            signal.Key, title, unit, strip, trend.Raw, items.Count, MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray(),
            isText ? [.. items.Select(p => p.Quality >= Quality.Uncertain ? p.Text : null)] : null, seen.Sum(p => p.Count),
            TrendFigures.Of(seen, trend.Raw));
    }

    /// <summary>A bucket in which something was bad is not joined to the next: what lies between them nobody knows.</summary>
    private static List<TrendPoint> WithBreaks(IReadOnlyList<TrendPoint> buckets)
    {
        var points = new List<TrendPoint>(buckets.Count);
        foreach (var bucket in buckets)
        {
            points.Add(bucket);
            if (bucket.Quality >= Quality.Uncertain) continue;
            points.Add(new TrendPoint(bucket.TimeUs + UnixMicros.PerMillisecond, null, null, null, null, null, null, 0, Quality.Bad));
        }

        return points;
    }

    /// <summary>What is infinite could not be drawn beside what is not.</summary>
    private static double Number(double? value, bool holds) =>
        holds && value is { } number && double.IsFinite(number) ? number : double.NaN;
}

/// <summary>Least, mean, greatest and last number of the samples that are no worse than uncertain.</summary>
internal sealed record TrendFigures(double Min, double Mean, double Max, double Last)
{
    public static TrendFigures? Of(IReadOnlyList<TrendPoint> points, bool raw)
    {
        var numbers = points.Where(p => p.Avg is { } mean && double.IsFinite(mean) && (!raw || p.Quality >= Quality.Uncertain)).ToList();
        if (numbers.Count == 0) return null;
        var weight = numbers.Sum(p => (double)p.Count);
        var figures = new TrendFigures(
            numbers.Min(p => p.Min ?? p.Avg!.Value),
            weight > 0 ? numbers.Sum(p => p.Avg!.Value * (p.Count / weight)) : numbers[0].Avg!.Value,
            numbers.Max(p => p.Max ?? p.Avg!.Value), numbers[^1].Last ?? numbers[^1].Avg!.Value);
        return double.IsFinite(figures.Min + figures.Mean + figures.Max + figures.Last) ? figures : null;
    }
}

/// <summary>What a machine did meanwhile, and its faults.</summary>
/// <param name="States">Names as in the API, by interval.</param>
/// <param name="Problem">Why there are no states.</param>
internal sealed record TrendStrip(
    string Machine, IReadOnlyList<double> FromMs, IReadOnlyList<double> ToMs, IReadOnlyList<string> States,
    IReadOnlyList<double> FaultFromMs, IReadOnlyList<double> FaultToMs, IReadOnlyList<string> Faults, string? Problem);
