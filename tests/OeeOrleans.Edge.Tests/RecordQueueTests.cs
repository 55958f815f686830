using CsCheck;
using OeeOrleans.Edge.Queue;

namespace OeeOrleans.Edge.Tests;

public sealed class RecordQueueTests : IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), "oee-queue-" + Guid.NewGuid().ToString("N"));

    public void Dispose()
    {
        if (Directory.Exists(_directory)) Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void Records_come_back_in_order_after_the_process_is_gone()
    {
        string id;
        using (var queue = Open())
        {
            id = queue.Id;
            Append(queue, "a", "b", "c");
        }

        using var again = Open();
        Assert.Equal((1UL, 4UL, 3), (again.First, again.Next, again.Count));
        // Another life, another name: a directory restored from a backup gives numbers out a second time.
        Assert.NotEqual(id, again.Id);
        Assert.Equal(["a", "b", "c"], again.ReadFrom(1, 10).Select(r => System.Text.Encoding.UTF8.GetString(r.Payload)));
        Assert.Equal(("d1", 2UL, 5), (again.Read(2)!.Value.Device, again.Read(2)!.Value.Number, again.Read(2)!.Value.Values));
    }

    [Fact]
    public void A_number_is_never_used_twice_though_everything_was_released()
    {
        using (var queue = Open())
        {
            Append(queue, "a", "b", "c");
            queue.Release(3);
            Assert.Equal((0, 0L), (queue.Count, queue.Bytes));
        }

        using var again = Open();
        Assert.Equal((4UL, 4UL), (again.First, again.Next));
        Append(again, "d");
        Assert.Null(again.Read(3));
        Assert.Equal("d", System.Text.Encoding.UTF8.GetString(again.Read(4)!.Value.Payload));
    }

    [Fact]
    public void A_mark_beyond_the_end_or_below_the_start_does_no_harm()
    {
        using var queue = Open();
        Append(queue, "a", "b");
        queue.Release(0);
        Assert.Equal(1UL, queue.First);
        queue.Release(99);
        Assert.Equal((3UL, 3UL), (queue.First, queue.Next));
    }

    [Fact]
    public void A_full_queue_drops_the_oldest_and_says_how_many()
    {
        using var queue = Open(maxBytes: 1000);
        for (var i = 0; i < 30; i++) Append(queue, new string('x', 100));
        Assert.InRange(queue.Bytes, 1, 1000);
        Assert.Equal(30, queue.Count + queue.DroppedRecords);
        Assert.Equal(queue.DroppedRecords * 5, queue.DroppedValues);
        Assert.Equal(queue.First - 1, queue.DroppedUpTo);
        Assert.NotNull(queue.Read(30));
    }

    [Fact]
    public void Aliases_and_numbers_survive()
    {
        ulong first;
        using (var queue = Open())
        {
            first = queue.AliasOf("d\nm\nInt64");
            Assert.NotEqual(first, queue.AliasOf("d\nn\nInt64"));
            queue.SetNumber("bdseq", 7);
        }

        using var again = Open();
        Assert.Equal((first, 7UL), (again.AliasOf("d\nm\nInt64"), again.GetNumber("bdseq")));
        Assert.Equal("m", AliasBook.Parse(again.Describe(first), first)!.Name);
        Assert.Null(again.Describe(12345));
    }

    [Fact]
    public void Acknowledgements_in_any_order_release_up_to_the_first_that_is_open() =>
        Gen.Int[1, 60].SelectMany(n => Gen.Shuffle(Enumerable.Range(1, n).ToArray())).Sample(
        order =>
        {
            var acks = new AckTracker();
            var (first, seen) = (1UL, new HashSet<ulong>());
            foreach (var number in order.Select(n => (ulong)n))
            {
                seen.Add(number);
                if (acks.Acknowledged(number, first) is var mark && mark > 0) first = mark + 1;
                var expected = 1UL;
                while (seen.Contains(expected)) expected++;
                Assert.Equal(expected, first);
            }
        },
        iter: 200);

    private RecordQueue Open(long maxBytes = 1_000_000) => new(_directory, maxBytes);

    private static void Append(RecordQueue queue, params string[] payloads) =>
        queue.Append([.. payloads.Select(p => ("d1", (ReadOnlyMemory<byte>)System.Text.Encoding.UTF8.GetBytes(p), 5))]);
}
