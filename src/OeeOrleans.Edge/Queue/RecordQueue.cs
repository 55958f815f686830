using System.Buffers.Binary;
using System.Text;
using OeeOrleans.DurableLog;
using RocksDbSharp;

namespace OeeOrleans.Edge.Queue;

/// <summary>One message to be: a device's values as a payload without `seq`, under its number.</summary>
public readonly record struct QueueRecord(ulong Number, string Device, byte[] Payload, int Values);

/// <summary>
/// Store-and-forward on RocksDB: ordered, crash-safe, bounded. Records are numbered from 1; what is appended is on the disk when the call
/// returns (one synced write per batch, because synced writes one by one are forty times slower). Beside the records lie the few things an
/// edge node must remember. Safe for concurrent use.
/// </summary>
public sealed class RecordQueue : IDisposable
{
    private const byte RecordPrefix = (byte)'r';
    private const byte MetaPrefix = (byte)'m';
    private const byte AliasPrefix = (byte)'a';

    /// <summary>Records read at a time when the queue is opened.</summary>
    private const int LoadPage = 1_000;

    private readonly LogDatabase _db;
    private readonly Lock _lock = new();
    private readonly Queue<(int Bytes, int Values)> _sizes = new();
    private readonly Dictionary<string, ulong> _lastOf = new(StringComparer.Ordinal);
    private readonly long _maxBytes;
    private string? _writeError;

    /// <param name="directory">Made when it is not there.</param>
    /// <param name="maxBytes">Beyond it the oldest records are dropped.</param>
    public RecordQueue(string directory, long maxBytes)
    {
        _maxBytes = maxBytes;
        _db = new LogDatabase(directory, 32UL << 20);
        First = GetNumber("mark") + 1;
        Next = First;
        Load();
        // Records that were released or dropped leave no trace of the highest number: it is never used again.
        Next = Math.Max(Next, GetNumber("next"));
    }

    /// <summary>Identity of this life of the queue. A directory that was restored from a backup gives numbers out a second time; under
    /// another identity nobody takes them for those that were given out first.</summary>
    public string Id { get; } = Guid.NewGuid().ToString("N");

    /// <summary>The lowest number that is not released.</summary>
    public ulong First { get; private set; }

    /// <summary>The number the next record gets.</summary>
    public ulong Next { get; private set; }

    public long Bytes { get; private set; }

    public int Count
    {
        get
        {
            lock (_lock) return _sizes.Count;
        }
    }

    /// <summary>Records dropped since the start, because the queue was full.</summary>
    public long DroppedRecords { get; private set; }

    /// <summary>Values dropped since the start, because the queue was full.</summary>
    public long DroppedValues { get; private set; }

    /// <summary>The highest number that was dropped; 0 = none since the start.</summary>
    public ulong DroppedUpTo { get; private set; }

    /// <summary>How full it is, 0..1.</summary>
    public double Depth => Bytes / (double)_maxBytes;

    /// <summary>Why records could not be released or dropped since this was last asked; null when all went well.</summary>
    public string? TakeWriteError() => Interlocked.Exchange(ref _writeError, null);

    /// <summary>Makes records durable, in order, all or none. Drops the oldest when there is no room.</summary>
    /// <exception cref="IOException">The disk does not take them; none of them is in the queue.</exception>
    public void Append(IReadOnlyList<(string Device, ReadOnlyMemory<byte> Payload, int Values)> records)
    {
        if (records.Count == 0) return;
        lock (_lock)
        {
            using var batch = new WriteBatch();
            var number = Next;
            foreach (var (device, payload, values) in records) batch.Put(Key(RecordPrefix, number++), Encode(device, payload.Span, values));
            _db.Write(batch, synced: true);
            foreach (var (device, payload, values) in records)
            {
                _sizes.Enqueue((payload.Length, values));
                Bytes += payload.Length;
                _lastOf[device] = Next++;
            }

            if (Bytes > _maxBytes) DropOldest();
        }
    }

    /// <summary>Everything up to a number is stored by somebody else: forgotten here.</summary>
    public void Release(ulong mark)
    {
        lock (_lock)
        {
            if (mark < First) return;
            Forget(Math.Min(mark, Next - 1), dropped: false);
        }
    }

    /// <summary>A record; null when it is released or was never there.</summary>
    public QueueRecord? Read(ulong number)
    {
        var value = _db.Get(Key(RecordPrefix, number));
        return value is null ? null : Decode(number, value);
    }

    /// <summary>Devices that have records here.</summary>
    public IReadOnlyList<string> Devices()
    {
        lock (_lock)
        {
            foreach (var (device, last) in _lastOf.ToList())
            {
                if (last < First) _lastOf.Remove(device);
            }

            return [.. _lastOf.Keys];
        }
    }

    /// <summary>Every alias that was ever given, and what it stands for.</summary>
    public IEnumerable<(ulong Alias, string Description)> Aliases()
    {
        var next = 1UL;
        while (true)
        {
            var page = _db.ReadFrom(Key(AliasPrefix, next), LoadPage).TakeWhile(e => e.Key[0] == AliasPrefix).ToList();
            if (page.Count == 0) yield break;
            foreach (var (key, value) in page)
            {
                var alias = BinaryPrimitives.ReadUInt64BigEndian(key.AsSpan(1));
                next = alias + 1;
                yield return (alias, Encoding.UTF8.GetString(value));
            }
        }
    }

    /// <summary>Records from a number on, at most so many.</summary>
    public List<QueueRecord> ReadFrom(ulong number, int count)
    {
        var found = new List<QueueRecord>(count);
        foreach (var (key, value) in _db.ReadFrom(Key(RecordPrefix, number), count))
        {
            if (key[0] != RecordPrefix) break;
            found.Add(Decode(BinaryPrimitives.ReadUInt64BigEndian(key.AsSpan(1)), value));
        }

        return found;
    }

    /// <summary>A number that must survive, such as `bdSeq`; 0 when it was never set.</summary>
    public ulong GetNumber(string name) => _db.Get(MetaKey(name)) is { Length: 8 } value ? BinaryPrimitives.ReadUInt64BigEndian(value) : 0;

    public void SetNumber(string name, ulong value) => _db.Put(MetaKey(name), BytesOf(value));

    /// <summary>On the disk when it returns, so that not even a power failure takes it back.</summary>
    public void SetNumberSafely(string name, ulong value)
    {
        using var batch = new WriteBatch();
        batch.Put(MetaKey(name), BytesOf(value));
        _db.Write(batch, synced: true);
    }

    /// <summary>The alias of a metric: the same for all lives of the edge node, so that records of an earlier life can be read.</summary>
    public ulong AliasOf(string description)
    {
        var key = Encoding.UTF8.GetBytes("k" + description);
        if (_db.Get(key) is { Length: 8 } known) return BinaryPrimitives.ReadUInt64BigEndian(known);
        lock (_lock)
        {
            var alias = GetNumber("aliases") + 1;
            var bytes = BytesOf(alias);
            using var batch = new WriteBatch();
            batch.Put(MetaKey("aliases"), bytes);
            batch.Put(key, bytes);
            batch.Put(Key(AliasPrefix, alias), Encoding.UTF8.GetBytes(description));
            _db.Write(batch, synced: true);
            return alias;
        }
    }

    /// <summary>What an alias stood for; null when nobody knows.</summary>
    public string? Describe(ulong alias) => _db.Get(Key(AliasPrefix, alias)) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    public void Dispose() => _db.Dispose();

    private static byte[] Key(byte prefix, ulong number)
    {
        var key = new byte[9];
        key[0] = prefix;
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(1), number);
        return key;
    }

    private static byte[] BytesOf(ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] MetaKey(string name) => [MetaPrefix, .. Encoding.UTF8.GetBytes(name)];

    /// <summary>Count of values (2 bytes), length of the device's name (2 bytes), name, payload.</summary>
    private static byte[] Encode(string device, ReadOnlySpan<byte> payload, int values)
    {
        var name = Encoding.UTF8.GetBytes(device);
        var bytes = new byte[4 + name.Length + payload.Length];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)Math.Min(values, ushort.MaxValue));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)name.Length);
        name.CopyTo(bytes, 4);
        payload.CopyTo(bytes.AsSpan(4 + name.Length));
        return bytes;
    }

    private static QueueRecord Decode(ulong number, byte[] value)
    {
        var length = BinaryPrimitives.ReadUInt16BigEndian(value.AsSpan(2));
        return new QueueRecord(
            number, Encoding.UTF8.GetString(value, 4, length), value[(4 + length)..], BinaryPrimitives.ReadUInt16BigEndian(value));
    }

    private void Load()
    {
        while (ReadFrom(Next, LoadPage) is { Count: > 0 } page)
        {
            foreach (var record in page)
            {
                _sizes.Enqueue((record.Payload.Length, record.Values));
                Bytes += record.Payload.Length;
                Next = record.Number + 1;
                _lastOf[record.Device] = record.Number;
            }
        }
    }

    private void DropOldest()
    {
        // A little below the limit, so that not every append drops.
        var target = _maxBytes - (_maxBytes / 20);
        var (bytes, last) = (Bytes, First);
        foreach (var (size, _) in _sizes)
        {
            if (bytes <= target) break;
            bytes -= size;
            last++;
        }

        if (last > First) Forget(last - 1, dropped: true);
    }

    /// <summary>The mark is written with the removal, so that a crash between them cannot bring numbers back. A disk that does not take it
    /// leaves everything as it was: what is released too late is only sent once more.</summary>
    private void Forget(ulong mark, bool dropped)
    {
        using var batch = new WriteBatch();
        batch.Put(MetaKey("mark"), BytesOf(mark));
        batch.Put(MetaKey("next"), BytesOf(Next));
        for (var number = First; number <= mark; number++) batch.Delete(Key(RecordPrefix, number));
        try
        {
            _db.Write(batch, synced: false);
        }
        catch (IOException error)
        {
            _writeError = error.Message;
            return;
        }

        for (var number = First; number <= mark; number++)
        {
            var (size, values) = _sizes.Dequeue();
            Bytes -= size;
            if (!dropped) continue;
            DroppedValues += values;
            DroppedRecords++;
        }

        if (dropped) DroppedUpTo = mark;
        First = mark + 1;
    }
}
