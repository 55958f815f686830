using System.Globalization;
using OeeOrleans.Edge.Sources.Fallback;

namespace OeeOrleans.Edge.Sources;

/// <summary>What is wrong with a source, among those of its edge node.</summary>
public sealed record SourceMistake(string SourceId, string Message);

/// <summary>What the sources of one edge node must be beside each other.</summary>
public static class SourceRules
{
    /// <summary>Those that speak for themselves, and not only for another one.</summary>
    public static IEnumerable<EdgeSource> Speaking(IReadOnlyList<EdgeSource> sources) =>
        sources.Where(s => !sources.Any(o => o.Fallback == s.Id));

    /// <param name="sources">All of one edge node.</param>
    /// <param name="where">How the list is called, in messages.</param>
    public static IEnumerable<SourceMistake> Mistakes(IReadOnlyList<EdgeSource> sources, string where)
    {
        foreach (var source in sources.Where(s => s.Device.AsSpan().ContainsAny('+', '#', '/')))
        {
            yield return new SourceMistake(
                source.Id, $"{where}: '{source.Device}' must not contain '+', '#' or '/' (Sparkplug 3.0 section 4.1)");
        }

        foreach (var id in sources.GroupBy(s => s.Id, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key))
        {
            yield return new SourceMistake(id, $"{where}: the id '{id}' is there more than once; ids are unique in an edge node");
        }

        foreach (var id in sources.Select(s => s.Id).Where(i => i.AsSpan().ContainsAny('/', '\\')))
        {
            yield return new SourceMistake(id, $"{where}: the id '{id}' must not contain a slash: files are called by it");
        }

        foreach (var mistake in WrongFallbacks(sources, where)) yield return mistake;
        var speaking = Speaking(sources).ToList();
        foreach (var (one, other) in ByCaseOnly(speaking, s => [s.Device]))
        {
            yield return new SourceMistake(
                other.Id, $"{where}: the devices '{one.Name}' and '{other.Name}' differ by case only (Sparkplug 3.0 section 6.2)");
        }

        foreach (var device in speaking.GroupBy(s => s.Device, StringComparer.Ordinal))
        {
            foreach (var (one, other) in ByCaseOnly(device, s => s.Tags.Select(t => t.Metric)))
            {
                yield return new SourceMistake(
                    other.Id,
                    $"{where}: the metrics '{one.Name}' and '{other.Name}' of {device.Key} differ by case only (Sparkplug 3.0 section 6.2)");
            }
        }

        foreach (var mistake in MetricsTwice(sources, speaking, where)) yield return mistake;
    }

    /// <summary>One that stands by tells its metrics under the device of another, and each of them once all the same.</summary>
    private static IEnumerable<SourceMistake> MetricsTwice(
        IReadOnlyList<EdgeSource> sources, List<EdgeSource> speaking, string where) => speaking
        .Concat(sources.Except(speaking).Select(s => s with { Device = s.Id }))
        .SelectMany(s => s.Tags.Select(t => (s.Device, t.Metric)).Concat(SimSource.Made(s).Select(m => (m.Device, m.Tag.Metric)))
            .Select(m => (Source: s.Id, Metric: m)))
        .GroupBy(m => m.Metric)
        .Where(g => g.Count() > 1)
        .Select(g => new SourceMistake(
            g.Last().Source,
            string.Create(
                CultureInfo.InvariantCulture, $"{where}: the device '{g.Key.Device}' has the metric '{g.Key.Metric}' {g.Count()} times")));

    private static IEnumerable<SourceMistake> WrongFallbacks(IReadOnlyList<EdgeSource> sources, string where)
    {
        foreach (var first in sources.Where(s => s.Fallback is not null))
        {
            foreach (var mistake in WrongFallback(sources, first, where)) yield return new SourceMistake(first.Id, mistake);
        }
    }

    private static IEnumerable<string> WrongFallback(IReadOnlyList<EdgeSource> sources, EdgeSource first, string where)
    {
        var second = sources.FirstOrDefault(s => s.Id == first.Fallback);
        var what = $"{where}: the fallback '{first.Fallback}' of {first.Id}";
        if (second is null) yield return $"{what} is no source; the id of one of the others is possible";
        else if (second == first) yield return $"{what} is that source itself";
        else if (second.Fallback is not null) yield return $"{what} has a fallback of its own; a chain of them is not possible";
        if (sources.Any(s => s.Fallback == first.Fallback && s.Id != first.Id))
        {
            yield return $"{what} is that of another source too; a source stands by for one only";
        }

        if (second?.Url.Scheme == "opc.tcp")
        {
            yield return $"{what} is an OPC UA server; one that is polled is possible (s7://, cip://, sim://)";
        }

        if (sources.Any(s => s != first && s != second && s.Device == first.Device))
        {
            yield return $"{where}: {first.Id} has a fallback, and {first.Device} has other sources besides; one is possible then";
        }

        foreach (var tag in second?.Tags.Where(t => first.Tags.All(f => f.Metric != t.Metric)) ?? [])
        {
            yield return $"{what} has the metric '{tag.Metric}', which {first.Id} does not; it can only tell what that tells";
        }

        if (first.Tags.Any(t => t.Metric == FallbackSource.ActiveMetric))
        {
            yield return $"{where}: the metric '{FallbackSource.ActiveMetric}' of {first.Id} says which of its two sources speaks";
        }

        if (first.FallbackAfter < TimeSpan.FromSeconds(2) || first.HandBackAfter < first.FallbackAfter)
        {
            yield return $"{where}: {first.Id}: fallback_after_s is 2 at least, and hand_back_after_s not shorter than it; they are "
                + $"{first.FallbackAfter.TotalSeconds} and {first.HandBackAfter.TotalSeconds}";
        }
    }

    private static IEnumerable<((string Id, string Name) One, (string Id, string Name) Other)> ByCaseOnly(
        IEnumerable<EdgeSource> sources, Func<EdgeSource, IEnumerable<string>> names) => sources
        .SelectMany(s => names(s).Select(n => (s.Id, Name: n)))
        .DistinctBy(n => n.Name, StringComparer.Ordinal)
        .GroupBy(n => n.Name, StringComparer.OrdinalIgnoreCase)
        .Where(g => g.Count() > 1)
        .Select(g => (g.First(), g.Last()));
}
