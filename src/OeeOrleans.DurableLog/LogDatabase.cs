using RocksDbSharp;

namespace OeeOrleans.DurableLog;

/// <summary>
/// An ordered, crash-safe key space on RocksDB that outlives a full disk: RocksDB refuses every write after one that failed, so it is
/// opened anew before the next one. What a failed write was to change is unchanged. Safe for concurrent use. Keys and values are bytes,
/// keys ordered as unsigned bytes. </summary>
public sealed class LogDatabase : IDisposable
{
    private readonly string _directory;
    private readonly DbOptions _options;
    private readonly WriteOptions _synced = new WriteOptions().SetSync(true);
    private readonly WriteOptions _lazy = new WriteOptions().SetSync(false);
    private readonly Lock _lock = new();
    private RocksDb? _db;
    private bool _failed;

    /// <param name="directory">Made when it is not there, for its owner only.</param>
    /// <param name="writeBufferBytes">Memory of a write buffer.</param>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public LogDatabase(string directory, ulong writeBufferBytes)
    {
        PrivateDirectory.Make(directory);
        _directory = directory;
        _options = new DbOptions()
            .SetCreateIfMissing()
            .SetWriteBufferSize(writeBufferBytes)
            .SetMaxWriteBufferNumber(3)
            .SetKeepLogFileNum(2);
        _db = Open();
    }

    public byte[]? Get(byte[] key)
    {
        lock (_lock) return Usable().Get(key);
    }

    /// <summary>Writes a batch, all or nothing.</summary>
    /// <param name="batch">The changes.</param>
    /// <param name="synced">On the disk when the call returns.</param>
    /// <exception cref="IOException">The disk does not take it; nothing is changed.</exception>
    public void Write(WriteBatch batch, bool synced)
    {
        lock (_lock)
        {
            try
            {
                Usable().Write(batch, synced ? _synced : _lazy);
            }
            catch (RocksDbException error)
            {
                _failed = true;
                throw new IOException($"cannot write {_directory}: {error.Message}", error);
            }
        }
    }

    public void Put(byte[] key, byte[] value)
    {
        using var batch = new WriteBatch();
        batch.Put(key, value);
        Write(batch, synced: true);
    }

    /// <summary>Entries from a key on, in order: at most so many, and no more once they hold so many bytes (one at least).</summary>
    public List<(byte[] Key, byte[] Value)> ReadFrom(byte[] key, int count, long bytes = long.MaxValue)
    {
        var found = new List<(byte[], byte[])>(Math.Min(count, 256));
        lock (_lock)
        {
            using var iterator = Usable().NewIterator();
            for (iterator.Seek(key); iterator.Valid() && found.Count < count && bytes > 0; iterator.Next())
            {
                var value = iterator.Value();
                found.Add((iterator.Key(), value));
                bytes -= value.Length;
            }
        }

        return found;
    }

    /// <summary>Keys alone, from one on, in order.</summary>
    public List<byte[]> KeysFrom(byte[] key)
    {
        var found = new List<byte[]>();
        lock (_lock)
        {
            using var iterator = Usable().NewIterator();
            for (iterator.Seek(key); iterator.Valid(); iterator.Next()) found.Add(iterator.Key());
        }

        return found;
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _db?.Dispose();
            _db = null;
        }
    }

    private RocksDb Usable()
    {
        if (_failed)
        {
            _db?.Dispose();
            _db = null;
            _db = Open();
            _failed = false;
        }

        return _db ?? throw new IOException($"{_directory} is closed");
    }

    private RocksDb Open()
    {
        try
        {
            return RocksDb.Open(_options, _directory);
        }
        catch (RocksDbException error)
        {
            throw new IOException($"cannot open {_directory}: {error.Message}", error);
        }
    }
}
