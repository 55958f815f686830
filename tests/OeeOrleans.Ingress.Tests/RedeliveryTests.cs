using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OeeOrleans.Ingress.Connection;
using OeeOrleans.Ingress.Streams;
using OeeOrleans.Model;
using OeeOrleans.TestServers;

namespace OeeOrleans.Ingress.Tests;

/// <summary>The traps of acknowledge-last, one test each: what Orleans and brokers do when something fails.</summary>
public sealed class RedeliveryTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly Partition _partition;
    private readonly MqttQueueCache _cache;

    public RedeliveryTests()
    {
        _partition = new Partition("spBv1.0/#", new MqttOptions(), _clock, NullLogger.Instance);
        _cache = new MqttQueueCache(_partition);
    }

    [Fact]
    public void Everything_queued_for_a_stream_is_one_batch_in_order()
    {
        Add("g/a", 1, 2, 3);
        Add("g/b", 9);
        Assert.Equal([1, 2, 3], Next(Cursor("g/a")));
        Assert.Equal([9], Next(Cursor("g/b")));
    }

    [Fact]
    public void Moving_on_means_that_the_batch_was_delivered()
    {
        Add("g/a", 1, 2);
        var cursor = Cursor("g/a");
        Next(cursor);
        Assert.Equal(2, _partition.Account.Messages);
        Assert.False(cursor.MoveNext());
        Assert.Equal(0, _partition.Account.Messages);
    }

    [Fact]
    public void A_failed_batch_is_not_purged_and_comes_again_in_order_after_a_pause()
    {
        Add("g/a", 1, 2);
        var cursor = Cursor("g/a");
        Next(cursor);
        Add("g/a", 3);
        // Orleans records the failure and moves on as if the batch had been delivered.
        cursor.RecordDeliveryFailure();
        Assert.False(cursor.MoveNext());
        Assert.Equal(3, _partition.Account.Messages);

        _clock.Advance(TimeSpan.FromMilliseconds(150));
        Assert.Equal([1, 2, 3], Next(cursor));
    }

    [Fact]
    public void A_batch_says_whose_numbers_its_messages_have()
    {
        Add("g/a", 1);
        var cursor = Cursor("g/a");
        Assert.True(cursor.MoveNext());
        var batch = ((MqttBatchContainer)cursor.GetCurrent(out _)!).Batch;
        Assert.Equal(_partition.Account.Source, batch.Source);
        Assert.Equal(1UL, batch.Messages[0].Number);
        _partition.Clear();
        Assert.NotEqual(batch.Source, _partition.Account.Source);
    }

    [Fact]
    public void Nothing_that_a_queue_held_when_it_moved_away_counts_for_its_next_life()
    {
        Add("g/a", 1, 2);
        Add("g/b", 3);
        var out1 = Cursor("g/a");
        Next(out1);
        _partition.Clear();
        Assert.Equal(0, _partition.Account.Messages);
        // The delivery that was out comes back late: it is nobody's any more.
        out1.MoveNext();
        Assert.Equal((0, 0L), (_partition.Account.Messages, _partition.Account.Bytes));
        Add("g/c", 4);
        Assert.Equal((1, 1L), (_partition.Account.Messages, _partition.Account.Bytes));
    }

    [Fact]
    public void Bytes_have_a_limit_as_messages_have()
    {
        var partition = new Partition("f", new MqttOptions { MaxBufferedBytes = 10 }, _clock, NullLogger.Instance);
        var acks = new AckQueue("p", _ => ValueTask.CompletedTask, NullLogger.Instance);
        Assert.Equal(Reception.Taken, partition.Receive(Sized(8, null)));
        Assert.Equal(Reception.Dropped, partition.Receive(Sized(8, null)));
        // QoS 1 is taken all the same, and the broker is asked to send less at a time.
        Assert.Equal(Reception.Overflow, partition.Receive(Sized(8, acks)));
        Assert.Equal(16, partition.Account.Bytes);
    }

    [Fact]
    public void Edge_nodes_that_nobody_knows_are_listened_to_up_to_a_limit_and_those_of_the_plant_always()
    {
        IReadOnlySet<string> known = new HashSet<string> { "g/known" };
        var routes = new TopicRoutes(
            new MqttOptions { MaxForeignEdgeNodes = 2, KnownEdgeNodes = () => known }, NullLogger.Instance);
        Assert.All(["a", "b", "a"], n => Assert.Null(routes.Of(Encoding.UTF8.GetBytes($"spBv1.0/g/NDATA/{n}")).Refusal));
        var third = routes.Of("spBv1.0/g/NDATA/c"u8);
        Assert.Equal((MessageBatch.UnreadableKey, true), (third.StreamKey, third.ForUs));
        Assert.Contains("plant.yaml", third.Refusal, StringComparison.Ordinal);
        Assert.Null(routes.Of("spBv1.0/g/NDATA/known"u8).Refusal);
        known = new HashSet<string> { "g/known", "g/c" };
        Assert.Null(routes.Of("spBv1.0/g/NDATA/c"u8).Refusal);
    }

    [Fact]
    public void The_pause_doubles_with_every_failure_and_is_short_again_after_a_success()
    {
        Add("g/a", 1);
        var cursor = Cursor("g/a");
        for (var pause = 100; pause <= 800; pause *= 2)
        {
            Assert.Equal([1], Next(cursor));
            cursor.RecordDeliveryFailure();
            _clock.Advance(TimeSpan.FromMilliseconds(pause - 1));
            Assert.False(cursor.MoveNext());
            _clock.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal([1], Next(cursor));
        Assert.False(cursor.MoveNext());
        Add("g/a", 2);
        Next(cursor);
        cursor.RecordDeliveryFailure();
        _clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal([2], Next(cursor));
    }

    [Fact]
    public void A_failed_stream_is_offered_again_though_nothing_new_came_for_it()
    {
        Add("g/a", 1);
        var fifo = _partition.FifoOf(Partition.StreamOf("g/a"));
        var cursor = Cursor("g/a");
        Next(cursor);
        cursor.RecordDeliveryFailure();
        Assert.False(fifo.NeedsNudge());
        _clock.Advance(TimeSpan.FromMilliseconds(120));
        Assert.True(fifo.NeedsNudge());
    }

    [Fact]
    public void A_new_cursor_starts_at_the_oldest_message_not_delivered_whatever_its_token()
    {
        Add("g/a", 1, 2);
        Next(Cursor("g/a"));
        Cursor("g/a").Dispose();
        var first = Cursor("g/a");
        Assert.False(first.MoveNext());
        Assert.Equal(2, _partition.Account.Messages);
    }

    [Fact]
    public void A_cursor_given_up_puts_its_batch_back()
    {
        Add("g/a", 1, 2);
        var cursor = Cursor("g/a");
        Next(cursor);
        cursor.Dispose();
        Assert.Equal([1, 2], Next(Cursor("g/a")));
    }

    [Fact]
    public void While_a_batch_is_out_nothing_else_of_its_stream_is()
    {
        Add("g/a", 1);
        Next(Cursor("g/a"));
        Add("g/a", 2);
        Assert.False(Cursor("g/a").MoveNext());
    }

    [Fact]
    public void Messages_of_a_lost_connection_are_dropped_because_the_broker_sends_them_again()
    {
        var acks = new AckQueue("p", _ => ValueTask.CompletedTask, NullLogger.Instance);
        Add("g/a", acks, 1, 2);
        acks.Close();
        acks.SessionResumed();
        Add("g/a", 3);
        Assert.Equal([3], Next(Cursor("g/a")));
        Assert.Equal(1, _partition.Account.Messages);
    }

    [Fact]
    public void Messages_of_a_lost_connection_are_kept_until_the_broker_says_that_it_knows_the_session()
    {
        var acks = new AckQueue("p", _ => ValueTask.CompletedTask, NullLogger.Instance);
        Add("g/a", acks, 1, 2);
        acks.Close();
        Assert.Equal([1, 2], Next(Cursor("g/a")));
    }

    [Fact]
    public async Task Acknowledgements_keep_the_order_of_arrival_whatever_the_order_in_which_messages_are_done()
    {
        var sent = new ConcurrentQueue<ushort>();
        var acks = new AckQueue("p", ids => Note(sent, ids), NullLogger.Instance);
        var messages = Enumerable.Range(1, 5).Select(n => new InFlightMessage(Empty, "g/a", acks, (ushort)n)).ToList();
        messages.ForEach(acks.Arrived);
        foreach (var done in new[] { 1, 0, 4, 3 }) acks.Done(messages[done]);
        await Eventually.HoldsAsync("two", TimeSpan.FromSeconds(10), () => Task.FromResult(sent.Count), n => n == 2);
        acks.Done(messages[2]);
        await Eventually.HoldsAsync("all", TimeSpan.FromSeconds(10), () => Task.FromResult(sent.Count), n => n == 5);
        Assert.Equal([1, 2, 3, 4, 5], sent.Select(n => (int)n));
    }

    [Fact]
    public async Task What_is_done_while_acknowledgements_are_on_their_way_leaves_with_the_next_write()
    {
        var (gate, writes) = (new TaskCompletionSource(), new ConcurrentQueue<ushort[]>());
        var acks = new AckQueue("p", async ids =>
        {
            writes.Enqueue([.. ids]);
            await gate.Task;
        }, NullLogger.Instance);
        var messages = Enumerable.Range(1, 9).Select(n => new InFlightMessage(Empty, "g/a", acks, (ushort)n)).ToList();
        messages.ForEach(acks.Arrived);
        acks.Done(messages[0]);
        await Eventually.TrueAsync("the first write", TimeSpan.FromSeconds(10), () => Task.FromResult(writes.Count == 1));
        foreach (var message in messages.Skip(1)) acks.Done(message);
        gate.SetResult();
        await Eventually.TrueAsync("the second write", TimeSpan.FromSeconds(10), () => Task.FromResult(writes.Count == 2));
        Assert.Equal([1, 8], writes.Select(w => w.Length));
    }

    [Fact]
    public async Task Nothing_is_acknowledged_after_a_write_failed()
    {
        var writes = 0;
        var acks = new AckQueue("p", _ =>
        {
            writes++;
            return ValueTask.FromException(new IOException("gone"));
        }, NullLogger.Instance);
        var messages = Enumerable.Range(1, 2).Select(n => new InFlightMessage(Empty, "g/a", acks, (ushort)n)).ToList();
        messages.ForEach(acks.Arrived);
        acks.Done(messages[0]);
        await Eventually.TrueAsync("its end", TimeSpan.FromSeconds(10), () => Task.FromResult(acks.Closed));
        acks.Done(messages[1]);
        await acks.FinishAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(1, writes);
    }

    [Fact]
    public void What_comes_back_holds_nothing_but_itself_in_memory()
    {
        var message = Slice();
        var fifo = _partition.FifoOf(Partition.StreamOf("g/a"));
        fifo.Add(message);
        fifo.PutBack(fifo.Take()!);
        Assert.Equal(1, HeldBy(message));
        Assert.Equal([7], message.Message.Payload.ToArray());
    }

    [Fact]
    public void What_comes_behind_a_delivery_that_does_not_end_holds_nothing_but_itself_in_memory()
    {
        Add("g/a", 1);
        var fifo = _partition.FifoOf(Partition.StreamOf("g/a"));
        fifo.Take();
        var (soon, late) = (Slice(), Slice());
        fifo.Add(soon);
        _clock.Advance(TimeSpan.FromSeconds(6));
        fifo.Add(late);
        Assert.Equal((100, 1), (HeldBy(soon), HeldBy(late)));
    }

    [Fact]
    public void What_comes_in_the_pause_after_a_failure_holds_nothing_but_itself_in_memory()
    {
        Add("g/a", 1);
        var cursor = Cursor("g/a");
        Next(cursor);
        cursor.RecordDeliveryFailure();
        var late = Slice();
        _partition.FifoOf(Partition.StreamOf("g/a")).Add(late);
        Assert.Equal(1, HeldBy(late));
    }

    [Fact]
    public void A_delivered_message_that_waits_for_its_turn_to_be_acknowledged_holds_no_payload()
    {
        var acks = new AckQueue("p", _ => ValueTask.CompletedTask, NullLogger.Instance);
        var (first, second) = (Arrived("g/a", 1, acks), Arrived("g/b", 2, acks));
        acks.Arrived(first);
        acks.Arrived(second);
        foreach (var message in new[] { first, second })
        {
            _cache.AddToCache(
                [new MqttBatchContainer(Partition.StreamOf(message.StreamKey), new MessageBatch([]), 0) { Arrivals = [message] }]);
        }

        var cursor = Cursor("g/b");
        Next(cursor);
        cursor.MoveNext();
        Assert.Equal((1, 0), (first.Message.Payload.Length, second.Message.Payload.Length));
    }

    [Fact]
    public void A_queue_that_moves_away_forgets_what_was_not_acknowledged()
    {
        Add("g/a", 1, 2);
        _partition.Clear();
        Assert.False(Cursor("g/a").MoveNext());
    }

    [Fact]
    public void Qos_0_beyond_the_limit_is_refused_and_qos_1_is_not()
    {
        var partition = new Partition("f", new MqttOptions { MaxBuffered = 2 }, _clock, NullLogger.Instance);
        var acks = new AckQueue("p", _ => ValueTask.CompletedTask, NullLogger.Instance);
        Assert.Equal(Reception.Taken, partition.Receive(Message("g/a", 1, null)));
        Assert.Equal(Reception.Taken, partition.Receive(Message("g/a", 2, null)));
        Assert.Equal(Reception.Dropped, partition.Receive(Message("g/a", 3, null)));
        Assert.Equal(Reception.Taken, partition.Receive(Message("g/a", 4, acks)));
    }

    [Fact]
    public void A_stream_nobody_looks_at_is_forgotten_once_it_is_empty()
    {
        Add("g/a", 1);
        var cursor = Cursor("g/a");
        Next(cursor);
        cursor.MoveNext();
        _partition.ForgetIdle();
        Assert.Single(_partition.Fifos);
        cursor.Dispose();
        _partition.ForgetIdle();
        Assert.Empty(_partition.Fifos);
        Add("g/b", 1);
        _partition.ForgetIdle();
        Assert.Single(_partition.Fifos);
    }

    [Fact]
    public void A_nudge_is_no_message()
    {
        _cache.AddToCache([new MqttBatchContainer(Partition.StreamOf("g/a"), new MessageBatch([]), 0)]);
        Assert.False(Cursor("g/a").MoveNext());
    }

    [Theory]
    [InlineData("spBv1.0/g/DDATA/n/d", "g/n", true)]
    [InlineData("spBv1.0/g/NCMD/n", "g/n", false)]
    [InlineData("spBv1.0/STATE/h", "/h", false)]
    [InlineData("spBv1.0/nonsense", MessageBatch.UnreadableKey, true)]
    public void A_topic_goes_to_the_stream_of_its_edge_node(string topic, string key, bool forUs)
    {
        var route = new TopicRoutes(new MqttOptions { OwnEdgeNode = "own/node" }, NullLogger.Instance).Of(Encoding.UTF8.GetBytes(topic));
        Assert.Equal((key, forUs), (route.StreamKey, route.ForUs));
    }

    private static InFlightMessage Message(string key, byte number, AckQueue? acks) =>
        new(new BrokerMessage(key, new[] { number }, 0), key, acks);

    private static ValueTask Note(ConcurrentQueue<ushort> sent, IReadOnlyList<ushort> ids)
    {
        foreach (var id in ids) sent.Enqueue(id);
        return ValueTask.CompletedTask;
    }

    /// <summary>A message of one byte, 7, that lies among a hundred.</summary>
    private InFlightMessage Slice()
    {
        var chunk = new byte[100];
        chunk[10] = 7;
        var message = new InFlightMessage(new BrokerMessage("g/a", chunk.AsMemory(10, 1), 0), "g/a");
        _partition.Receive(message);
        return message;
    }

    /// <summary>Bytes of the array that a message's payload lies in.</summary>
    private static int HeldBy(InFlightMessage message) =>
        MemoryMarshal.TryGetArray(message.Message.Payload, out var part) ? part.Array!.Length : 0;

    private static BrokerMessage Empty => new("g/a", default, 0);

    private static InFlightMessage Sized(int bytes, AckQueue? acks) => new(new BrokerMessage("g/a", new byte[bytes], 0), "g/a", acks);

    private void Add(string key, params byte[] numbers) => Add(key, null, numbers);

    private void Add(string key, AckQueue? acks, params byte[] numbers) =>
        _cache.AddToCache(
            [
                new MqttBatchContainer(Partition.StreamOf(key), new MessageBatch([]), 0)
                {
                    Arrivals = [.. numbers.Select(n => Arrived(key, n, acks))],
                },
            ]);

    private InFlightMessage Arrived(string key, byte number, AckQueue? acks)
    {
        var message = Message(key, number, acks);
        _partition.Receive(message);
        Assert.True(_partition.Arrived.TryDequeue(out _));
        return message;
    }

    private MqttCacheCursor Cursor(string key) => (MqttCacheCursor)_cache.GetCacheCursor(Partition.StreamOf(key), null);

    private static IEnumerable<int> Next(MqttCacheCursor cursor)
    {
        Assert.True(cursor.MoveNext(), "nothing was offered");
        var batch = Assert.IsType<MqttBatchContainer>(cursor.GetCurrent(out _));
        return batch.GetEvents<MessageBatch>().Single().Item1.Messages.Select(m => (int)m.Payload.Span[0]);
    }
}
