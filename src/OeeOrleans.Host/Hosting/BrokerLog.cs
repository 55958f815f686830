using System.Buffers.Binary;
using System.Text;
using System.Threading.Channels;
using RocksDbSharp;

namespace OeeOrleans.Host.Hosting;

/// <summary>A message in the log.</summary>
internal readonly record struct LoggedMessage(ulong Number, string Topic, byte[] Payload, byte Qos);

/// <summary>
/// A durable log in front of the embedded broker, which itself forgets everything when its process dies: what it acknowledges to a publisher is here, on the disk, until ingress has acknowledged it
/// in turn, after its commit. Appends from many clients share a synced write.
/// </summary>
internal sealed class BrokerLog : IAsyncDisposable
{
    private const int BatchSize = 1_000;

    private readonly RocksDb _db;
    private readonly WriteOptions _synced = new WriteOptions().SetSync(true);
    private readonly WriteOptions _lazy = new WriteOptions().SetSync(false);
    private readonly Channel<Work> _work = Channel.CreateUnbounded<Work>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task _writer;
    private ulong _next = 1;
    private long _count;

    public BrokerLog(string directory)
    {
        Directory.CreateDirectory(directory);
        _db = RocksDb.Open(new DbOptions().SetCreateIfMissing().SetWriteBufferSize(16UL << 20).SetKeepLogFileNum(2), directory);
        using (var left = _db.NewIterator())
        {
            for (left.SeekToFirst(); left.Valid(); left.Next()) (_count, _next) = (_count + 1, BinaryPrimitives.ReadUInt64BigEndian(left.Key()) + 1);
        }

        _writer = Task.Factory.StartNew(WriteAsync, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
    }

    /// <summary>Messages that are not committed yet.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>Returns the message's number when it is on the disk.</summary>
    public async Task<ulong> AppendAsync(string topic, byte[] payload, byte qos)
    {
        var number = Interlocked.Increment(ref _next) - 1;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_work.Writer.TryWrite(new Work(number, Encode(topic, payload, qos), done))) throw new IOException("the broker's log is closed");
        Interlocked.Increment(ref _count);
        await done.Task;
        return number;
    }

    /// <summary>The message is committed. Forgetting it may itself be forgotten in a crash: then it comes again, which does no harm.</summary>
    public void Remove(ulong number)
    {
        if (_work.Writer.TryWrite(new Work(number, null, null))) Interlocked.Decrement(ref _count);
    }

    /// <summary>What a former life left, in order.</summary>
    public IEnumerable<LoggedMessage> Messages()
    {
        using var iterator = _db.NewIterator();
        for (iterator.SeekToFirst(); iterator.Valid(); iterator.Next()) yield return Decode(BinaryPrimitives.ReadUInt64BigEndian(iterator.Key()), iterator.Value());
    }

    public async ValueTask DisposeAsync()
    {
        _work.Writer.TryComplete();
        await _writer;
        _db.Dispose();
    }

    private async Task WriteAsync()
    {
        var batch = new List<Work>(BatchSize);
        while (await _work.Reader.WaitToReadAsync())
        {
            while (batch.Count < BatchSize && _work.Reader.TryRead(out var work)) batch.Add(work);
            try
            {
                Write(batch);
                foreach (var work in batch) work.Done?.TrySetResult();
            }
            catch (Exception error)
            {
                // A boundary: nothing of it is durable, so every publisher must hear of it; the broker closes their connections and they send again.
                foreach (var work in batch) work.Done?.TrySetException(new IOException($"the broker's log cannot be written: {error.Message}", error));
            }

            batch.Clear();
        }
    }

    private void Write(List<Work> works)
    {
        using var batch = new WriteBatch();
        var key = new byte[8];
        var appends = false;
        foreach (var work in works)
        {
            BinaryPrimitives.WriteUInt64BigEndian(key, work.Number);
            if (work.Record is null)
            {
                batch.Delete(key);
                continue;
            }

            batch.Put(key, work.Record);
            appends = true;
        }

        _db.Write(batch, appends ? _synced : _lazy);
    }

    private static byte[] Encode(string topic, byte[] payload, byte qos)
    {
        var length = Encoding.UTF8.GetByteCount(topic);
        var record = new byte[3 + length + payload.Length];
        record[0] = qos;
        BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(1), (ushort)length);
        Encoding.UTF8.GetBytes(topic, record.AsSpan(3));
        payload.CopyTo(record, 3 + length);
        return record;
    }

    private static LoggedMessage Decode(ulong number, byte[] record)
    {
        var length = BinaryPrimitives.ReadUInt16BigEndian(record.AsSpan(1));
        return new LoggedMessage(number, Encoding.UTF8.GetString(record.AsSpan(3, length)), record[(3 + length)..], record[0]);
    }

    /// <summary>An append with its record, or a removal without.</summary>
    private readonly record struct Work(ulong Number, byte[]? Record, TaskCompletionSource? Done);
}
