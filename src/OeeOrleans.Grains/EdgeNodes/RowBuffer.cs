using System.Buffers;
using OeeOrleans.Model;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>Rows of one delivery. A node has room of its own for a few; more is borrowed until the next delivery begins.</summary>
internal sealed class RowBuffer
{
    private const int OwnRows = 256;

    private SampleRow[] _own = new SampleRow[OwnRows];
    private SampleRow[] _rows;

    public RowBuffer() => _rows = _own;

    public int Count { get; private set; }

    /// <summary>Until the next delivery begins; longer if that does not reuse them.</summary>
    public ReadOnlyMemory<SampleRow> Written => _rows.AsMemory(0, Count);

    /// <param name="reuse">Nobody holds the rows of the delivery before; otherwise they are left to who does.</param>
    public void Begin(bool reuse)
    {
        if (reuse) GiveBack();
        else _rows = _own = new SampleRow[OwnRows];
        Count = 0;
    }

    public void Add(in SampleRow row)
    {
        if (Count == _rows.Length) Grow();
        _rows[Count++] = row;
    }

    /// <summary>Takes back what was added last.</summary>
    public void CutTo(int count)
    {
        _rows.AsSpan(count, Count - count).Clear();
        Count = count;
    }

    private void Grow()
    {
        var larger = ArrayPool<SampleRow>.Shared.Rent(Count * 2);
        Written.Span.CopyTo(larger);
        // Of this delivery, which nobody has seen yet.
        GiveBack();
        _rows = larger;
    }

    private void GiveBack()
    {
        if (ReferenceEquals(_rows, _own)) return;
        // Texts are not to be held by rows that nobody reads.
        _rows.AsSpan(0, Count).Clear();
        ArrayPool<SampleRow>.Shared.Return(_rows);
        _rows = _own;
    }
}
