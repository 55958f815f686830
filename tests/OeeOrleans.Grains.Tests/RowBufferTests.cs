using OeeOrleans.Grains.EdgeNodes;
using OeeOrleans.Model;

namespace OeeOrleans.Grains.Tests;

public sealed class RowBufferTests
{
    private const int More = 1_000;

    [Theory]
    [InlineData(1)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(100_000)]
    public void What_is_added_is_there_in_order_whatever_was_there_before(int count)
    {
        var rows = new RowBuffer();
        for (var delivery = 0; delivery < 3; delivery++)
        {
            rows.Begin(reuse: true);
            Fill(rows, count, delivery);
            Assert.Equal(Enumerable.Range(0, count), rows.Written.ToArray().Select(r => r.SignalId));
            Assert.All(rows.Written.ToArray(), r => Assert.Equal(delivery, r.Value));
        }
    }

    [Fact]
    public void Rows_that_somebody_holds_are_not_written_over_by_deliveries_of_any_node()
    {
        var rows = new RowBuffer();
        rows.Begin(reuse: true);
        Fill(rows, More, 1);
        var held = rows.Written;
        rows.Begin(reuse: false);
        Fill(rows, More, 2);
        rows.Begin(reuse: true);
        var other = new RowBuffer();
        Fill(other, More, 3);
        Assert.All(held.ToArray(), r => Assert.Equal(1, r.Value));
    }

    [Fact]
    public void Two_nodes_never_borrow_the_same()
    {
        var (one, other) = (new RowBuffer(), new RowBuffer());
        Fill(one, More, 1);
        one.Begin(reuse: true);
        Fill(other, More, 2);
        Fill(one, More, 3);
        Assert.All(other.Written.ToArray(), r => Assert.Equal(2, r.Value));
        Assert.All(one.Written.ToArray(), r => Assert.Equal(3, r.Value));
    }

    [Fact]
    public void What_was_added_last_can_be_taken_back()
    {
        var rows = new RowBuffer();
        Fill(rows, 300, 1);
        rows.CutTo(299);
        Fill(rows, 1, 2);
        Assert.Equal((300, 2d), (rows.Count, rows.Written.Span[^1].Value));
    }

    private static void Fill(RowBuffer rows, int count, double value)
    {
        for (var n = 0; n < count; n++) rows.Add(new SampleRow(n, n, value, "text", Quality.Good, 0));
    }
}
