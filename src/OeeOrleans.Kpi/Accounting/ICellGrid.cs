namespace OeeOrleans.Kpi.Accounting;

/// <summary>Where one cell ends and the next begins: every boundary of every window of interest.</summary>
public interface ICellGrid
{
    /// <summary>The first boundary after <paramref name="timeUs"/>; long.MaxValue when there is none.</summary>
    long Next(long timeUs);
}

/// <summary>Boundaries known beforehand.</summary>
public sealed class FixedGrid(IEnumerable<long> boundaries) : ICellGrid
{
    private readonly long[] _boundaries = [.. boundaries.Distinct().Order()];

    public long First => _boundaries.Length > 0 ? _boundaries[0] : long.MaxValue;

    public long Next(long timeUs)
    {
        var i = Array.BinarySearch(_boundaries, timeUs);
        i = i >= 0 ? i + 1 : ~i;
        return i < _boundaries.Length ? _boundaries[i] : long.MaxValue;
    }
}
