using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access.Audit;

/// <summary>What was found.</summary>
/// <param name="Entries">That are as they were written, from the first one on.</param>
/// <param name="Head">Where the store says that the chain ends.</param>
/// <param name="Findings">Places of entries that were touched and what was done to them, the first ones; none: nothing was.</param>
public sealed record AuditVerdict(long Entries, AuditHead Head, IReadOnlyList<(long Seq, string Problem)> Findings)
{
    public bool IsWhole => Findings.Count == 0;

    /// <summary>Place of the first entry that was touched; null: none was.</summary>
    public long? Seq => IsWhole ? null : Findings[0].Seq;

    /// <summary>What was done to it; null: nothing.</summary>
    public string? Problem => IsWhole ? null : Findings[0].Problem;
}

/// <summary>
/// Goes along the audit log's chain from its first entry and names those that were changed, taken away or put in. After a finding it goes
/// on from what is stored, so that an old one hides no new one.
/// </summary>
public static class AuditVerifier
{
    private const int PageSize = 1_000;

    /// <summary>Of a log that was written over as a whole no more is told.</summary>
    private const int MaxFindings = 20;

    /// <param name="store">The store.</param>
    /// <param name="chain">With the plant's key.</param>
    /// <param name="anchors">
    /// Ends of the chain that were written down elsewhere: without them somebody who has the key could write it all anew.
    /// </param>
    /// <param name="cancellationToken">Nobody waits any more.</param>
    public static async Task<AuditVerdict> VerifyAsync(
        IAccessStore store, AuditChain chain, IReadOnlyList<AuditHead> anchors, CancellationToken cancellationToken)
    {
        var walk = new Walk(chain, anchors);
        var id = long.MinValue;
        while (true)
        {
            var (entries, head) = await store.ReadChainAsync(id, PageSize, cancellationToken);
            foreach (var row in entries) walk.Take(row);
            if (entries.Count > 0) id = entries[^1].Id;
            if (entries.Count == PageSize) continue;
            walk.End(head);
            return new AuditVerdict(walk.Good, head, walk.Findings);
        }
    }

    /// <summary>How many rows of an earlier release the first entry says there are before it; -1 when it cannot be read.</summary>
    private static long RowsBefore(AuditEntry first)
    {
        if (first.Action != AuditChain.Begin) return 0;
        try
        {
            using var detail = System.Text.Json.JsonDocument.Parse(first.Detail);
            return detail.RootElement.GetProperty("rows_before").GetInt64();
        }
        catch (Exception error) when (error is System.Text.Json.JsonException or InvalidOperationException or KeyNotFoundException)
        {
            // Somebody wrote over it, which its hash tells.
            return -1;
        }
    }

    /// <summary>How far along the chain it is, and what was found on the way.</summary>
    private sealed class Walk(AuditChain chain, IReadOnlyList<AuditHead> anchors)
    {
        private readonly ILookup<long, string> _anchors = anchors.ToLookup(a => a.Seq, a => a.Hash);
        private long _seq;
        private string _hash = AuditChain.Beginning;
        private long _before;

        /// <summary>Findings beyond those that are named.</summary>
        private long _more;

        public List<(long Seq, string Problem)> Findings { get; } = [];

        public long Good { get; private set; }

        public void Take(ChainedEntry row)
        {
            if (_seq == 0 && row.Seq is null)
            {
                _before++;
                return;
            }

            var problem = ProblemOf(row, _seq, _hash, chain);
            if (problem is not null) Find(_seq + 1, problem);
            // Of no place, or of one that is another's: the chain goes by it.
            if (row.Seq is not { } place || row.Hash is null || place <= _seq) return;
            if (_seq == 0 && problem is null && _before != RowsBefore(row.Entry))
            {
                Find(1, $"{_before} rows are before the first entry, which says {RowsBefore(row.Entry)}");
            }

            (_seq, _hash) = (place, row.Hash);
            if (problem is null && _anchors[_seq].Any(known => known != _hash))
            {
                Find(_seq, $"entry {_seq} is not the one that was written down when it was the newest");
            }

            if (Findings.Count == 0) Good = _seq;
        }

        public void End(AuditHead head)
        {
            // What is found here is named, however much was found before.
            if (_more > 0) Findings.Add((Findings[^1].Seq, $"{_more} more on the way"));
            if (_seq == 0 && _before > 0) Findings.Add((1, $"{_before} rows were put in: no entry knows of them"));
            var last = anchors.Count == 0 ? 0 : anchors.Max(a => a.Seq);
            var known = Math.Max(head.Seq, last);
            if (known > _seq)
            {
                var which = _seq + 1 == known ? $"entry {known} was" : $"entries {_seq + 1} to {known} were";
                Findings.Add((_seq + 1, $"{which} taken away"));
            }
            else if (head.Seq != _seq || head.Hash != _hash)
            {
                Findings.Add((_seq + 1, $"the end of the chain was changed: it says {head.Seq} of {_seq} entries"));
            }
        }

        private void Find(long seq, string problem)
        {
            if (Findings.Count < MaxFindings) Findings.Add((seq, problem));
            else _more++;
        }
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
}
