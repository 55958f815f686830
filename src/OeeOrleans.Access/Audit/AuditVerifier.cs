using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access.Audit;

/// <summary>What was found.</summary>
/// <param name="Entries">That are as they were written, from the first one on.</param>
/// <param name="Seq">Place of the first entry that was touched; null: none was.</param>
/// <param name="Problem">What was done to it; null: nothing.</param>
public sealed record AuditVerdict(long Entries, AuditHead Head, long? Seq, string? Problem)
{
    public bool IsWhole => Problem is null;
}

/// <summary>Goes along the audit log's chain from its first entry and names the first one that was changed, taken away or put in.</summary>
public static class AuditVerifier
{
    private const int PageSize = 1_000;

    /// <param name="store">The store.</param>
    /// <param name="chain">With the plant's key.</param>
    /// <param name="anchors">
    /// Ends of the chain that were written down elsewhere: without them somebody who has the key could write it all anew.
    /// </param>
    /// <param name="cancellationToken">Nobody waits any more.</param>
    public static async Task<AuditVerdict> VerifyAsync(
        IAccessStore store, AuditChain chain, IReadOnlyList<AuditHead> anchors, CancellationToken cancellationToken)
    {
        var expected = anchors.ToLookup(a => a.Seq, a => a.Hash);
        var (seq, hash, id, before) = (0L, AuditChain.Beginning, 0L, 0L);
        while (true)
        {
            var (entries, head) = await store.ReadChainAsync(id, PageSize, cancellationToken);
            foreach (var row in entries)
            {
                if (seq == 0 && row.Seq is null)
                {
                    (before, id) = (before + 1, row.Id);
                    continue;
                }

                if (seq == 0 && before != RowsBefore(row.Entry))
                {
                    return new AuditVerdict(0, head, 1, $"{before} rows are before the first entry, which says {RowsBefore(row.Entry)}");
                }

                if (ProblemOf(row, seq, hash, chain) is { } problem)
                {
                    return new AuditVerdict(seq, head, seq + 1, problem);
                }

                (seq, hash, id) = (seq + 1, row.Hash!, row.Id);
                if (expected[seq].Any(known => known != hash))
                {
                    return new AuditVerdict(seq - 1, head, seq, $"entry {seq} is not the one that was written down when it was the newest");
                }
            }

            if (entries.Count == PageSize) continue;
            if (seq == 0 && before > 0) return new AuditVerdict(0, head, 1, $"{before} rows were put in: no entry knows of them");
            return new AuditVerdict(seq, head, null, null) is var whole && End(seq, hash, head, anchors) is { } cut
                ? whole with { Seq = seq + 1, Problem = cut }
                : whole;
        }
    }

    /// <summary>How many rows of an earlier release the first entry says there are before it.</summary>
    private static long RowsBefore(AuditEntry first)
    {
        if (first.Action != AuditChain.Begin) return 0;
        using var detail = System.Text.Json.JsonDocument.Parse(first.Detail);
        return detail.RootElement.GetProperty("rows_before").GetInt64();
    }

    private static string? ProblemOf(ChainedEntry row, long seq, string hash, AuditChain chain)
    {
        var what = $"{row.Entry.Action} of {row.Entry.Actor} on {row.Entry.Target}, {UnixMicros.ToIso(row.Entry.AtUs)}";
        if (row.Seq is null || row.Hash is null) return $"row {row.Id} ({what}) was put in: it has no place in the chain";
        if (row.Seq > seq + 1)
        {
            return row.Seq == seq + 2 ? $"entry {seq + 1} was taken away" : $"entries {seq + 1} to {row.Seq - 1} were taken away";
        }

        if (row.Seq < seq + 1) return $"row {row.Id} ({what}) was put in: its place {row.Seq} is another entry's";
        return chain.Next(hash, seq + 1, row.Entry) == row.Hash
            ? null
            : $"entry {seq + 1} (row {row.Id}: {what}) is not as it was written, or was put in";
    }

    private static string? End(long seq, string hash, AuditHead head, IReadOnlyList<AuditHead> anchors)
    {
        var last = anchors.Count == 0 ? 0 : anchors.Max(a => a.Seq);
        var known = Math.Max(head.Seq, last);
        if (known > seq) return seq + 1 == known ? $"entry {known} was taken away" : $"entries {seq + 1} to {known} were taken away";
        return head.Seq == seq && head.Hash == hash ? null : $"the end of the chain was changed: it says {head.Seq} of {seq} entries";
    }
}
