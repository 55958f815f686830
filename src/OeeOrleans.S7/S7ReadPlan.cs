using OeeOrleans.S7.Plans;

namespace OeeOrleans.S7;

/// <summary>
/// Addresses that are read together again and again: what lies close is merged, what is too large is split, and all is packed into as few
/// requests as fit. Made once by <see cref="S7Client.Plan"/>; <see cref="S7Client.ReadAsync(S7ReadPlan, CancellationToken)"/> then
/// allocates nothing per address. It belongs to the client that made it, and to one reading at a time.
/// </summary>
public sealed class S7ReadPlan
{
    private readonly S7Address[] _addresses;
    private readonly int[] _at;
    private readonly ReadRange[] _rangeOf;
    /// <summary>A block that is away for a moment must not cost its neighbours their merging for good; one that comes and goes
    /// does.</summary>
    private const int Chances = 3;

    private readonly HashSet<int> _alone = [];
    private readonly int[] _returned;
    private byte[] _bytes = [];
    private int _reading;

    internal S7ReadPlan(S7Client owner, IReadOnlyList<S7Address> addresses, int pduLength, int maxItems)
    {
        Owner = owner;
        _returned = new int[addresses.Count];
        _addresses = [.. addresses];
        _at = new int[_addresses.Length];
        _rangeOf = new ReadRange[_addresses.Length];
        Build(pduLength, maxItems);
    }

    public IReadOnlyList<S7Address> Addresses => _addresses;

    /// <summary>Packed for what this client's PLC grants.</summary>
    internal S7Client Owner { get; }

    /// <summary>Requests of one reading.</summary>
    public int RequestCount => Requests.Count;

    internal List<ReadRange> Ranges { get; private set; } = [];

    internal List<List<ReadPiece>> Requests { get; private set; } = [];

    /// <summary>What the last reading said of an address; None before the first one, and after one that failed as a whole.</summary>
    public S7Status StatusOf(int index) => _rangeOf[index].Status;

    /// <summary>The bytes of an address, of the last reading that was good.</summary>
    public ReadOnlySpan<byte> BytesOf(int index) => _bytes.AsSpan(_at[index], _addresses[index].ByteLength);

    /// <summary>The value as <see cref="S7Codec.Decode"/> gives it.</summary>
    /// <exception cref="FormatException">The bytes are no value of the address's type.</exception>
    /// <exception cref="InvalidOperationException">It is not good.</exception>
    public object ValueOf(int index) => StatusOf(index) == S7Status.Good
        ? S7Codec.Decode(_addresses[index], BytesOf(index))
        : throw new InvalidOperationException($"{_addresses[index]}: {S7Errors.Sentence(StatusOf(index))}");

    /// <summary>What the last reading brought of an address: its value, or why there is none.</summary>
    public S7Result ResultOf(int index)
    {
        var (address, status) = (_addresses[index], StatusOf(index));
        if (status != S7Status.Good) return new S7Result(address, null, status, S7Errors.Sentence(status));
        try
        {
            return new S7Result(address, ValueOf(index), status, null);
        }
        catch (FormatException error)
        {
            return new S7Result(address, null, S7Status.NoValue, error.Message);
        }
    }

    /// <summary>Whether it is read in several requests, so that its parts may be of different cycles of the PLC. Elements of arrays are
    /// whole all the same, unless one alone is larger than a request.</summary>
    public bool IsSplit(int index) => Requests.SelectMany(r => r).Count(p => ReferenceEquals(p.Range, _rangeOf[index])) > 1;

    internal Span<byte> BytesOf(in ReadPiece piece) => _bytes.AsSpan(piece.Range.At + piece.Offset, piece.Length);

    internal void Begin()
    {
        if (Interlocked.Exchange(ref _reading, 1) == 1) throw new InvalidOperationException("this plan is being read already");
    }

    /// <summary>Addresses that were read alone and are good again may be merged again.</summary>
    internal void Reunite(int pduLength, int maxItems)
    {
        if (_alone.Count == 0) return;
        var count = _alone.Count;
        _alone.RemoveWhere(i => StatusOf(i) == S7Status.Good && _returned[i]++ < Chances);
        if (_alone.Count < count) Build(pduLength, maxItems);
    }

    internal void End(bool isRead)
    {
        // What is not known is not good.
        if (!isRead) SetAll(S7Status.None);
        Volatile.Write(ref _reading, 0);
    }

    internal void SetAll(S7Status status)
    {
        foreach (var range in Ranges) range.Status = status;
    }

    /// <summary>Merged ranges that failed: from now on their addresses are read alone, so that one bad one spoils no other.</summary>
    /// <returns>Whether there were any.</returns>
    internal bool Dissolve(int pduLength, int maxItems)
    {
        var found = false;
        foreach (var range in Ranges.Where(r => r.Status != S7Status.Good && r.Tags.Count > 1))
        {
            found = true;
            _alone.UnionWith(range.Tags);
        }

        if (found) Build(pduLength, maxItems);
        return found;
    }

    internal void Build(int pduLength, int maxItems)
    {
        Ranges = ReadPacking.Ranges(_addresses, _alone, pduLength);
        Requests = ReadPacking.Requests(Ranges, pduLength, maxItems);
        var at = 0;
        foreach (var range in Ranges)
        {
            range.At = at;
            at += range.Length;
            foreach (var tag in range.Tags) (_rangeOf[tag], _at[tag]) = (range, range.At + _addresses[tag].ByteStart - range.Start);
        }

        _bytes = new byte[at];
    }
}
