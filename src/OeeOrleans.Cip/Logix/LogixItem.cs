using System.Buffers.Binary;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip.Logix;

/// <summary>What is to be done about an item after an answer.</summary>
internal enum LogixNext
{
    Nothing,

    /// <summary>More of it is to be had at the next offset.</summary>
    More,

    /// <summary>It must be asked for otherwise.</summary>
    Again,
}

/// <summary>Something read by one request: addresses that lie in the same element share it.</summary>
internal sealed class LogixItem
{
    private const int Small = 4;
    private const int ProbeEvery = 50;

    /// <summary>Bytes of a structure at most whose size is not known.</summary>
    private const int Largest = 8 * 1024 * 1024;
    private readonly CipTagAddress _address;
    private readonly bool _isLogix;
    private byte[] _bytes = [];
    private int _length;

    /// <summary>Readings until the array's beginning is asked for again, to know whether it is one of BOOL.</summary>
    private int _probeIn;

    public LogixItem(CipTagAddress address, bool isLogix)
    {
        (_address, _isLogix) = (address, isLogix);
        (SymbolicPath, Elements) = (address.Path, address.Count ?? 1);
    }

    /// <summary>By names.</summary>
    public byte[] SymbolicPath
    {
        get;
        private set
        {
            field = value;
            Place();
        }
    }

    /// <summary>By the tag's number where that is known, else by names.</summary>
    public byte[] Path { get; private set; } = [];

    /// <summary>The path to the tag by its number; null: by its name.</summary>
    public byte[]? ByNumber
    {
        get;
        set
        {
            field = value;
            Place();
        }
    }

    public int Elements { get; private set; }

    public CipStatus Status { get; private set; } = CipStatus.None;

    public CipType? Type { get; private set; }

    /// <summary>It is an array of BOOL, read as DWORDs.</summary>
    public bool IsBits { get; private set; }

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    public CipTagAddress Address => _address;

    /// <summary>Bytes that came of it so far in this reading.</summary>
    public int Offset { get; private set; }

    /// <summary>Bytes of its answer's data, type and all, as it was the last time; a guess before.</summary>
    public int AnswerLength { get; private set; }

    /// <summary>How long its answer is was learnt.</summary>
    public bool IsKnown { get; private set; }

    /// <summary>The controller did not answer it among others: it is asked for alone.</summary>
    public bool IsAlone { get; set; }

    /// <summary>Where the first BOOL is in the DWORDs.</summary>
    private int FirstBit => (int)((_address.LastIndex ?? 0) % 32);

    public void Begin()
    {
        (Offset, Status) = (0, CipStatus.None);
        // A question that was lost is asked again.
        if (IsProbing) (IsProbing, _probeIn) = (false, 0);
        if (!IsKnown) AnswerLength = 2 + (Math.Max(1, Elements) * Small);
    }

    public void Forget() => Status = CipStatus.None;

    public void Refuse(CipStatus status) => Status = status;

    public void SetTemplate(CipTemplate template) => Type = Type! with { Template = template };

    /// <summary>Takes an answer to reading it, or a part of one.</summary>
    public LogixNext Take(in CipReply reply)
    {
        Status = reply.Status;
        if (Status.General == CipStatus.ReplyTooLarge)
        {
            if (IsAlone) return LogixNext.Nothing;
            IsAlone = true;
            return LogixNext.Again;
        }

        if (!Status.IsGood && Status.General != CipStatus.Partial) return MayBeBits() ? LogixNext.Again : LogixNext.Nothing;
        var data = reply.Data;
        if (data.Length < 2) return Wrong();
        var code = (CipDataType)BinaryPrimitives.ReadUInt16LittleEndian(data);
        var head = code == CipDataType.Structure ? 4 : 2;
        if (data.Length < head) return Wrong();
        var handle = head == 4 ? BinaryPrimitives.ReadUInt16LittleEndian(data[2..]) : (ushort)0;
        var isOther = Type is null || Type.Code != code || Type.Handle != handle;
        if (isOther) Type = new CipType(code, handle);
        if (isOther && Offset > 0)
        {
            // Amid its fragments it became another one: what came before is none of it.
            (Offset, IsKnown) = (0, false);
            return LogixNext.Again;
        }

        if (IsBits && code != CipDataType.Dword)
        {
            // After a download it is none any more.
            (SymbolicPath, Elements, IsBits, _probeIn, Offset, IsKnown) = (_address.Path, _address.Count ?? 1, false, 0, 0, false);
            return LogixNext.Again;
        }

        if (BecomesBits()) return LogixNext.Again;
        return Append(data[head..], head, Status.General == CipStatus.Partial);
    }

    /// <summary>An answer to asking for the beginning of its array.</summary>
    public LogixNext TakeProbe(in CipReply reply)
    {
        var data = reply.Data;
        if (!reply.Status.IsGood || data.Length < 2) return LogixNext.Nothing;
        if ((CipDataType)BinaryPrimitives.ReadUInt16LittleEndian(data) != CipDataType.Dword) return LogixNext.Nothing;
        BecomeBits();
        return LogixNext.Again;
    }

    public object Decode(int? bit)
    {
        if (IsBits && _address.Count is { } count) return CipCodec.Bits(Bytes, FirstBit, count);
        if (IsBits) return CipCodec.Bit(Bytes, FirstBit);
        if (bit is not { } position) return CipCodec.Decode(Type!, Bytes, _address.Count);
        if (!Type!.IsInteger) throw new FormatException($"{Type.Name} has no bits");
        return position < _length * 8
            ? CipCodec.Bit(Bytes, position)
            : throw new FormatException($"{Type.Name} has {_length * 8} bits; there is no bit {position}");
    }

    private LogixNext Append(ReadOnlySpan<byte> data, int head, bool isPartial)
    {
        var most = Type!.Size > 0 ? (long)Type.Size * Elements : Largest;
        if ((isPartial && data.Length == 0) || Offset + data.Length > most) return Wrong();
        var needed = Offset + data.Length;
        if (needed > _bytes.Length) Array.Resize(ref _bytes, Math.Max(needed, Offset == 0 ? 0 : _bytes.Length * 2));
        data.CopyTo(_bytes.AsSpan(Offset));
        Offset += data.Length;
        if (isPartial) return LogixNext.More;
        var size = Type.Size;
        if (size > 0 && Offset != size * Elements) return Wrong();
        (_length, AnswerLength, IsKnown) = (Offset, head + Offset, true);
        return LogixNext.Nothing;
    }

    private LogixNext Wrong()
    {
        Status = CipStatus.WrongLength;
        return LogixNext.Nothing;
    }

    private void Place()
    {
        var head = _address.Path.Length - _address.Rest.Length;
        Path = ByNumber is { } number ? [.. number, .. SymbolicPath.AsSpan(head)] : SymbolicPath;
    }

    /// <summary>An index beyond the DWORDs of an array of BOOL is refused: it may be one.</summary>
    private bool MayBeBits()
    {
        var isBeyond = Status.General == CipStatus.PathUnknown
            || Status is { General: CipStatus.GeneralError, Extended: CipStatus.OutOfRange };
        if (!_isLogix || IsBits || !isBeyond || (_address.LastIndex is null && _address.Count is null)) return false;
        if (--_probeIn > 0) return false;
        (_probeIn, IsProbing) = (ProbeEvery, true);
        return true;
    }

    /// <summary>The beginning of its array is to be asked for.</summary>
    public bool IsProbing { get; set; }

    private bool BecomesBits()
    {
        if (!_isLogix || IsBits || Type!.Code != CipDataType.Dword || _address.Bit is not null) return false;
        if (_address.LastIndex is null && _address.Count is null) return false;
        BecomeBits();
        return true;
    }

    private void BecomeBits()
    {
        var first = _address.LastIndex ?? 0;
        var path = new List<byte>(_address.PathOfArray);
        if (_address.LastIndex is not null) CipTagAddress.AddIndex(path, first / 32);
        (SymbolicPath, Elements) = ([.. path], (FirstBit + (_address.Count ?? 1) + 31) / 32);
        (IsBits, Offset, IsKnown) = (true, 0, false);
    }
}
