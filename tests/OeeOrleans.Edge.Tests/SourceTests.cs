using OeeOrleans.Edge.Sources;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Tests;

public sealed class SourceTests
{
    [Fact]
    public void A_queue_that_fills_slows_sampling_down_and_one_that_empties_speeds_it_up_again()
    {
        var governor = new SamplingGovernor(2000);
        Assert.Equal(250, governor.IntervalMs(250));
        var seen = new List<int>();
        foreach (var depth in new[] { 0.4, 0.6, 0.6, 0.6, 0.6, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1 })
        {
            governor.Observe(depth);
            seen.Add(governor.IntervalMs(250));
        }

        Assert.Equal([250, 500, 1000, 2000, 2000, 2000, 2000, 2000, 1000, 500, 250], seen);
    }

    [Fact]
    public void Subscriptions_pause_at_the_high_mark_and_go_on_well_below_it()
    {
        var governor = new SamplingGovernor(2000);
        var paused = new List<bool>();
        foreach (var depth in new[] { 0.85, 0.95, 0.8, 0.75, 0.65, 0.85 })
        {
            governor.Observe(depth);
            paused.Add(governor.Paused);
        }

        Assert.Equal([false, true, true, true, false, false], paused);
    }

    [Fact]
    public void A_source_slower_than_the_slowest_keeps_its_own_interval() =>
        Assert.Equal(5000, new SamplingGovernor(2000).IntervalMs(5000));

    [Fact]
    public void Raw_values_are_scaled_and_reported_when_they_leave_the_deadband()
    {
        var filter = new TagFilter(
            [new SourceTag("d", new EdgeTag("a", "m", Scale: 0.1, Offset: 1, Deadband: 0.5), SparkplugDataType.Int64)]);
        Assert.Equal(11.0, filter.Take(new(0, 1, 100L))!.Value.Value);
        filter.Remember();
        Assert.Null(filter.Take(new(0, 2, 104L)));
        Assert.Equal(11.5, filter.Take(new(0, 3, 105L))!.Value.Value);
    }

    [Fact]
    public void A_value_that_did_not_become_durable_is_new_again()
    {
        var filter = new TagFilter([new SourceTag("d", new EdgeTag("a", "m"), SparkplugDataType.Int64)]);
        filter.Take(new(0, 1, 1L));
        filter.Remember();
        Assert.NotNull(filter.Take(new(0, 2, 2L)));
        Assert.Null(filter.Take(new(0, 3, 2L)));
        // The disk was full.
        filter.Forget();
        Assert.Equal(2L, filter.Take(new(0, 4, 2L))!.Value.Value);
        filter.Remember();
        Assert.Null(filter.Take(new(0, 5, 2L)));
    }

    [Fact]
    public void A_simulated_value_is_a_function_of_address_and_time()
    {
        Assert.Equal(SimSource.ValueOf("counter:5", 1_000_000), SimSource.ValueOf("counter:5", 1_000_100));
        Assert.Equal(1L, (long)SimSource.ValueOf("counter", 1_000_250) - (long)SimSource.ValueOf("counter", 1_000_000));
        Assert.IsType<bool>(SimSource.ValueOf("bool:1", 0));
        Assert.IsType<string>(SimSource.ValueOf("text", 0));
        Assert.Equal(SimSource.ValueOf("random:3", 500), SimSource.ValueOf("random:3", 500));
        Assert.False(SimSource.IsAddress("DB1.DBX0.0"));
    }

    [Fact]
    public async Task A_simulated_tag_that_was_written_to_keeps_its_value()
    {
        await using var source = new SimSource(
            new EdgeSource("s", new Uri("sim://x"), "d", 250, [new EdgeTag("sine", "setpoint", Writable: true)]));
        await source.WriteAsync(0, 42.5, CancellationToken.None);
        var values = new List<SourceValue>();
        await source.ReadAsync([0], 1000, values, CancellationToken.None);
        Assert.Equal(42.5, Assert.Single(values).Value);
        await Assert.ThrowsAsync<ArgumentException>(() => source.WriteAsync(0, null, CancellationToken.None));
    }

    [Fact]
    public async Task Tags_by_number_are_spread_over_devices()
    {
        await using var source = new SimSource(new EdgeSource("s", new Uri("sim://x?tags=10&devices=4"), "d", 250, []));
        Assert.Equal(["d1", "d2", "d3", "d4"], source.Tags.Select(t => t.Device).Distinct());
        var values = new List<SourceValue>();
        await source.ReadAsync([0, 9], 1000, values, CancellationToken.None);
        Assert.Equal([4L, 13L], values.Select(v => v.Value));
    }
}
