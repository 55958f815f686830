using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Board.History;

/// <summary>How often cycles took how long, because a mean hides a second mode. Seconds.</summary>
/// <param name="From">Where the first bin begins.</param>
/// <param name="Width">Of a bin.</param>
/// <param name="Counts">Cycles of each bin.</param>
/// <param name="Total">All of them, those outside of the bins included.</param>
/// <param name="IsExact">Each is a cycle; otherwise each is the mean of some.</param>
internal sealed record CycleTimes(double From, double Width, IReadOnlyList<int> Counts, int Total, double Median, bool IsExact)
{
    private const int Bins = 40;

    /// <summary>What lies further out, on either side, stretches no axis.</summary>
    private const double Outside = 0.01;

    /// <summary>Null: there are too few to say anything.</summary>
    public static CycleTimes? Of(Trend? trend)
    {
        List<double> sorted = [.. (trend?.Items ?? []).Select(p => p.Avg).OfType<double>().Where(v => double.IsFinite(v) && v > 0).Order()];
        if (sorted.Count < Bins) return null;
        var (low, high) = (At(sorted, Outside), At(sorted, 1 - Outside));
        if (high <= low) high = low * 1.01;
        var width = (high - low) / Bins;
        var counts = new int[Bins];
        foreach (var value in sorted.Where(v => v >= low && v <= high)) counts[Math.Min(Bins - 1, (int)((value - low) / width))]++;
        return new CycleTimes(low, width, counts, sorted.Count, At(sorted, 0.5), trend!.Raw);
    }

    /// <summary>Where an axis from 0 to 100 has a time; outside of it where it lies beyond the bins.</summary>
    public double Place(double seconds) => (seconds - From) * 100 / (Width * Counts.Count);

    private static double At(List<double> sorted, double part) => sorted[(int)Math.Round((sorted.Count - 1) * part)];
}
