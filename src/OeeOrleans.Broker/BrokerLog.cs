using System.Buffers.Binary;
using System.Text;
using System.Threading.Channels;
using OeeOrleans.DurableLog;
using Prometheus;
using RocksDbSharp;

namespace OeeOrleans.Broker;

/// <summary>A message in the log.</summary>
internal readonly record struct LoggedMessage(ulong Number, string Topic, byte[] Payload, byte Qos);

/// <summary>
/// A durable log in front of the embedded broker, which itself forgets everything when its process dies: what it acknowledges to a
/// publisher is here, on the disk, until ingress has acknowledged it in turn, after its commit. Appends from many clients share a synced
/// write. </summary>
internal sealed class BrokerLog : IAsyncDisposable
{
    private const int BatchSize = 1_000;

    /// <summary>Reading what a former life left takes no more memory than this at a time.</summary>
    private const int PageMessages = 500;
    private const long PageBytes = 4 << 20;

    /// <summary>Appends that wait for the disk; publishers wait before it.</summary>
    private const int MaxWaiting = 10_000;

    private static readonly TimeSpan OwedEvery = TimeSpan.FromSeconds(1);

    private static readonly Gauge UncommittedMessages = Metrics.CreateGauge(
        "broker_uncommitted_messages", "Messages the embedded broker acknowledged that are not committed yet; they are on the disk.");

    private readonly LogDatabase _db;
    private readonly Channel<Work> _work = Channel.CreateBounded<Work>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });

    /// <summary>
    /// Removals the disk has not taken yet: tried again with the next write and every second, or the messages come again after a restart.
    /// </summary>
    private readonly HashSet<ulong> _owed = [];
    private readonly Task _writer;
    private Task<bool>? _news;
    private ulong _next = 1;
    private long _count;

    public BrokerLog(string directory)
    {
        _db = new LogDatabase(directory, 16UL << 20);
        var keys = _db.KeysFrom([]);
        _count = keys.Count;
        UncommittedMessages.Set(_count);
        if (keys.Count > 0) _next = NumberOf(keys[^1]) + 1;
        FirstOfThisLife = _next;
        _writer = Task.Factory.StartNew(WriteAsync, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
            .Unwrap();
    }

    /// <summary>Messages on the disk that are not committed yet.</summary>
    public long Count => Interlocked.Read(ref _count);

    /// <summary>Lower numbers are of a former life.</summary>
    public ulong FirstOfThisLife { get; }

    /// <summary>Returns the message's number when it is on the disk.</summary>
    /// <exception cref="IOException">The disk does not take it.</exception>
    public async Task<ulong> AppendAsync(string topic, byte[] payload, byte qos, CancellationToken cancellationToken = default)
    {
        var number = Interlocked.Increment(ref _next) - 1;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _work.Writer.WriteAsync(new Work(number, Encode(topic, payload, qos), done), cancellationToken);
        }
        catch (ChannelClosedException)
        {
            throw new IOException("the broker's log is closed");
        }

        await done.Task;
        return number;
    }

    /// <summary>
    /// The message is committed. Forgetting it may itself be forgotten in a crash: then it comes again, which does no harm.
    /// </summary>
    public async ValueTask RemoveAsync(ulong number)
    {
        try
        {
            await _work.Writer.WriteAsync(new Work(number, null, null));
        }
        catch (ChannelClosedException)
        {
            // Closing: it stays in the log and comes again with the next life.
            return;
        }
    }

    /// <summary>What a former life left, in order, a page at a time.</summary>
    public IEnumerable<LoggedMessage> Messages()
    {
        ulong from = 0;
        while (_db.ReadFrom(KeyOf(from), PageMessages, PageBytes) is { Count: > 0 } page)
        {
            foreach (var (key, record) in page)
            {
                var number = NumberOf(key);
                if (number >= FirstOfThisLife) yield break;
                yield return Decode(number, record);
                from = number + 1;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _work.Writer.TryComplete();
        await _writer;
        _db.Dispose();
    }

    private async Task WriteAsync()
    {
        var works = new List<Work>(BatchSize);
        while (await NextAsync())
        {
            while (works.Count < BatchSize && _work.Reader.TryRead(out var work)) works.Add(work);
            try
            {
                Write(works);
                foreach (var work in works) work.Done?.TrySetResult();
            }
            catch (Exception error)
            {
                // A boundary: nothing of it is durable, so every publisher must hear of it; the broker closes their connections and they
                // send again.
                foreach (var work in works) Fail(work, error);
            }

            works.Clear();
        }
    }

    /// <summary>
    /// Waits for work; removals that a full disk refused are work again after a while, also when nobody has anything new.
    /// </summary>
    private async Task<bool> NextAsync()
    {
        var news = _news ??= _work.Reader.WaitToReadAsync().AsTask();
        if (_owed.Count > 0 && await Task.WhenAny(news, Task.Delay(OwedEvery)) != news) return true;
        _news = null;
        return await news;
    }

    private void Fail(in Work work, Exception error)
    {
        if (work.Done is null) _owed.Add(work.Number);
        else work.Done.TrySetException(new IOException($"the broker's log cannot be written: {error.Message}", error));
    }

    private void Write(List<Work> works)
    {
        using var batch = new WriteBatch();
        long appended = 0, removed = _owed.Count;
        foreach (var number in _owed) batch.Delete(KeyOf(number));
        foreach (var work in works)
        {
            if (work.Record is null)
            {
                batch.Delete(KeyOf(work.Number));
                removed++;
                continue;
            }

            batch.Put(KeyOf(work.Number), work.Record);
            appended++;
        }

        _db.Write(batch, synced: appended > 0);
        _owed.Clear();
        // Counted when it is true: what a full disk refused was never there.
        UncommittedMessages.Set(Interlocked.Add(ref _count, appended - removed));
    }

    private static byte[] KeyOf(ulong number)
    {
        var key = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(key, number);
        return key;
    }

    private static ulong NumberOf(byte[] key) => BinaryPrimitives.ReadUInt64BigEndian(key);

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
