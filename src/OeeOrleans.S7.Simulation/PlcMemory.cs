namespace OeeOrleans.S7.Simulation;

/// <summary>The areas of a PLC. One lock: a request sees and changes each item as a whole.</summary>
internal sealed class PlcMemory
{
    private const int DirectSize = 65_536;

    /// <summary>Timers and counters have two bytes each.</summary>
    private const int ElementsSize = 4_096;

    private readonly Lock _lock = new();
    private readonly Dictionary<(S7Area Area, int Db), byte[]> _areas = new()
    {
        [(S7Area.Inputs, 0)] = new byte[DirectSize], [(S7Area.Outputs, 0)] = new byte[DirectSize],
        [(S7Area.Flags, 0)] = new byte[DirectSize], [(S7Area.Timers, 0)] = new byte[ElementsSize],
        [(S7Area.Counters, 0)] = new byte[ElementsSize],
    };

    public IReadOnlyList<(int Number, int Size)> Blocks
    {
        get
        {
            lock (_lock) return [.. _areas.Where(a => a.Key.Area == S7Area.DataBlock).Select(a => (a.Key.Db, a.Value.Length)).Order()];
        }
    }

    public void AddDb(int number, int size)
    {
        lock (_lock) _areas[(S7Area.DataBlock, number)] = new byte[size];
    }

    public void RemoveDb(int number)
    {
        lock (_lock) _areas.Remove((S7Area.DataBlock, number));
    }

    /// <summary>Copies bytes out; what a CPU says when they are not there.</summary>
    public S7Status Read(S7Area area, int db, int start, Span<byte> into)
    {
        lock (_lock)
        {
            if (!_areas.TryGetValue((area, db), out var memory)) return S7Status.NotThere;
            if (start + (long)into.Length > memory.Length) return S7Status.OutOfRange;
            memory.AsSpan(start, into.Length).CopyTo(into);
            return S7Status.Good;
        }
    }

    /// <summary>Copies bytes in.</summary>
    public S7Status Write(S7Area area, int db, int start, ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            if (!_areas.TryGetValue((area, db), out var memory)) return S7Status.NotThere;
            if (start + (long)data.Length > memory.Length) return S7Status.OutOfRange;
            data.CopyTo(memory.AsSpan(start));
            return S7Status.Good;
        }
    }

    /// <summary>Sets one bit and no other.</summary>
    public S7Status WriteBit(S7Area area, int db, int bit, bool value)
    {
        lock (_lock)
        {
            if (!_areas.TryGetValue((area, db), out var memory)) return S7Status.NotThere;
            if (bit / 8 >= memory.Length) return S7Status.OutOfRange;
            var mask = (byte)(1 << (bit % 8));
            memory[bit / 8] = (byte)(value ? memory[bit / 8] | mask : memory[bit / 8] & ~mask);
            return S7Status.Good;
        }
    }
}
