using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip.Pccc;

/// <summary>Reads elements of data files: what lies close together by one command, what is large by several.</summary>
internal sealed class PcccReading : CipReading
{
    /// <summary>Bytes between two addresses that cost less than a command.</summary>
    private const int LargestGap = 32;
    private const int Chances = 3;

    private readonly CipClient _client;
    private readonly PcccAddress[] _addresses;
    private readonly Area[] _areaOf;

    /// <summary>Read by themselves: they failed, or what they were merged with.</summary>
    private readonly HashSet<int> _alone = [];
    private readonly int[] _returned;
    private bool _isDirty;
    private List<Area> _areas = [];

    /// <summary>Bytes of one command's data that the areas are made for.</summary>
    private int _payload;

    public PcccReading(CipClient client, IReadOnlyList<CipAddress> addresses)
    {
        _client = client;
        _addresses = [.. addresses.Cast<PcccAddress>()];
        _areaOf = new Area[_addresses.Length];
        _returned = new int[_addresses.Length];
        Build();
    }

    public override int RequestCount => _areas.Sum(a => (a.Bytes.Length + a.PieceLength - 1) / a.PieceLength);

    public override CipStatus StatusOf(int index) => _areaOf[index].Status;

    public override CipType? TypeOf(int index) => _addresses[index].Type;

    public override ReadOnlySpan<byte> BytesOf(int index)
    {
        var (area, address) = (_areaOf[index], _addresses[index]);
        return area.Bytes.AsSpan((address.Element - area.Element) * address.ElementSize, address.ByteLength);
    }

    public override object Decode(int index) => PcccValues.Decode(_addresses[index], BytesOf(index), _client.IsPlc5);

    public override void Forget()
    {
        foreach (var area in _areas) area.Status = CipStatus.None;
    }

    public override async ValueTask ReadAsync(CancellationToken cancellationToken)
    {
        if (_isDirty) Build();
        await ReadAllAsync(cancellationToken).ConfigureAwait(false);
        // What was merged and failed is read one by one, so that one bad address spoils no other.
        var failed = _areas.Where(a => !a.Status.IsGood && a.Tags.Count > 1).ToList();
        if (failed.Count == 0)
        {
            Reunite();
            return;
        }

        foreach (var area in failed) _alone.UnionWith(area.Tags);
        Build();
        await ReadAllAsync(cancellationToken).ConfigureAwait(false);
        Reunite();
    }

    /// <summary>Those that are good are merged again from the next reading on; one that comes and goes is not, in the end.</summary>
    private void Reunite() => _isDirty |= _alone.RemoveWhere(i => StatusOf(i).IsGood && _returned[i]++ < Chances) > 0;

    private async ValueTask ReadAllAsync(CancellationToken cancellationToken)
    {
        foreach (var area in _areas) await ReadAsync(area, cancellationToken).ConfigureAwait(false);
        // It sends less than it is asked for: learnt once.
        if (_client.FilePayload >= _payload) return;
        Build();
        foreach (var area in _areas) await ReadAsync(area, cancellationToken).ConfigureAwait(false);
    }

    private void Build()
    {
        (_payload, _isDirty) = (_client.FilePayload, false);
        var areas = new List<Area>();
        var order = Enumerable.Range(0, _addresses.Length)
            .OrderBy(i => (_addresses[i].FileNumber, (int)_addresses[i].File, _addresses[i].IsSlotWord, _addresses[i].Element)).ToList();
        var (tags, first, end) = (new List<int>(), (PcccAddress?)null, 0);
        foreach (var index in order)
        {
            var address = _addresses[index];
            var last = address.Element + (address.Count ?? 1);
            if (first is null || !IsClose(first, address, index, tags[0], end, last))
            {
                if (first is not null) areas.Add(new Area(first, end, tags, _payload));
                (tags, first, end) = ([], address, 0);
            }

            tags.Add(index);
            end = Math.Max(end, last);
        }

        if (first is not null) areas.Add(new Area(first, end, tags, _payload));
        _areas = areas;
        foreach (var area in areas)
        {
            foreach (var tag in area.Tags) _areaOf[tag] = area;
        }
    }

    private bool IsClose(PcccAddress first, PcccAddress address, int index, int before, int end, int last)
    {
        if (first.File != address.File || first.FileNumber != address.FileNumber || first.IsSlotWord || address.IsSlotWord) return false;
        // Of inputs and outputs an element is a slot, with as many words as its module has.
        var isSlots = address.File is PcccFileType.Input or PcccFileType.Output;
        if (isSlots && address.Element != first.Element) return false;
        if (_alone.Contains(index) || _alone.Contains(before)) return false;
        return (address.Element - end) * address.ElementSize <= LargestGap
            && (Math.Max(end, last) - first.Element) * address.ElementSize <= _payload;
    }

    private async ValueTask ReadAsync(Area area, CancellationToken cancellationToken)
    {
        area.Status = CipStatus.Good;
        for (var at = 0; at < area.Bytes.Length && area.Status.IsGood; at += area.PieceLength)
        {
            var length = Math.Min(area.PieceLength, area.Bytes.Length - at);
            var range = new PcccRange(area.File, area.Number, area.Element + (at / area.ElementSize), area.Word, length);
            area.Status = await _client.ReadFileAsync(range, area.Bytes.AsMemory(at, length), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Elements of a file that are read together.</summary>
    private sealed class Area(PcccAddress first, int end, IReadOnlyList<int> tags, int payload)
    {
        public PcccFileType File => first.File;

        public int Number => first.FileNumber;

        public int Element => first.Element;

        public int Word => first.IsSlotWord ? first.Word : 0;

        public int ElementSize => first.ElementSize;

        /// <summary>Whole elements.</summary>
        public int PieceLength { get; } = payload / first.ElementSize * first.ElementSize;

        public IReadOnlyList<int> Tags { get; } = tags;

        public byte[] Bytes { get; } = new byte[(end - first.Element) * first.ElementSize];

        public CipStatus Status { get; set; } = CipStatus.None;
    }
}
