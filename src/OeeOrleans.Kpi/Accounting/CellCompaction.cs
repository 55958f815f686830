namespace OeeOrleans.Kpi.Accounting;

/// <summary>Keeps the cells of an account few: boundaries that no open window needs are taken out.</summary>
internal static class CellCompaction
{
    /// <summary>
    /// Forgets what no window needs that ends after <paramref name="settledUs"/>: cells are joined across boundaries that are not among
    /// <paramref name="keep"/>.
    /// </summary>
    public static List<Cell> Of(List<Cell> cells, long settledUs, long[] keep)
    {
        var first = keep[0];
        var compacted = new List<Cell>(keep.Length + 2);
        foreach (var cell in cells)
        {
            if (cell.ToUs <= first) continue;
            var joins = compacted.Count > 0
                && compacted[^1].ToUs <= settledUs
                && cell.ToUs <= settledUs
                && Array.BinarySearch(keep, cell.FromUs) < 0;
            if (joins) compacted[^1] = Cell.Join(compacted[^1], cell);
            else compacted.Add(cell);
        }

        return compacted;
    }
}
