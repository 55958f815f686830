namespace OeeOrleans.Gateway.Board.Trends;

/// <summary>A signal of a machine, as it stands in an address: `filler1:process.pressure`. Ids of machines have no colon.</summary>
internal sealed record TrendSignal(string Machine, string Name)
{
    /// <summary>Under one axis.</summary>
    public const int Most = 8;

    public string Key => $"{Machine}:{Name}";

    public static TrendSignal? Parse(string text)
    {
        var at = text.IndexOf(':', StringComparison.Ordinal);
        return at > 0 && at < text.Length - 1 ? new TrendSignal(text[..at], text[(at + 1)..]) : null;
    }

    /// <summary>Each once, and no more than can be drawn.</summary>
    public static IReadOnlyList<TrendSignal> ParseAll(IEnumerable<string?>? texts) =>
        [.. (texts ?? []).OfType<string>().Select(Parse).OfType<TrendSignal>().Distinct().Take(Most)];
}
