using OeeOrleans.Host.Commands;

namespace OeeOrleans.Host.Tests;

public sealed class CapacityTests
{
    /// <summary>Of docs/performance.md: machines, messages/s, cores, resident MB; to be foretold within a third.</summary>
    [Theory]
    [InlineData(1_000, 500, 0.125, 388)]
    [InlineData(5_000, 2_500, 0.44, 609)]
    [InlineData(10_000, 5_000, 0.72, 950)]
    public void The_estimate_is_near_what_was_measured(int machines, double messages, double cores, double memoryMb)
    {
        var estimate = new Capacity(machines, machines / 10, messages, 5);
        Assert.InRange(estimate.Cores / cores, 0.67, 1.33);
        Assert.InRange(estimate.MemoryMb / memoryMb, 0.67, 1.33);
    }

    [Fact]
    public void Disk_is_a_hundred_bytes_a_row_and_a_fourteenth_of_it_compressed()
    {
        var estimate = new Capacity(100, 10, 100, 10);
        Assert.Equal(8.64, estimate.DiskGbPerDay, 6);
        Assert.Equal(8.64 * 7 / 100, estimate.CompressedGbPerDay, 6);
    }

    [Fact]
    public void Commits_are_bounded_however_much_is_said()
    {
        Assert.Equal(3, new Capacity(6, 1, 3, 5).CommitsPerS);
        Assert.Equal(20, new Capacity(10_000, 1_000, 5_000, 5).CommitsPerS);
    }

    [Theory]
    [InlineData(0, 1, 1, 1, "--machines")]
    [InlineData(10, 11, 1, 1, "--edge-nodes")]
    [InlineData(10, 1, double.NaN, 1, "--messages")]
    [InlineData(10, 1, -1, 1, "--messages")]
    [InlineData(10, 1, 1, 0, "--metrics")]
    public void What_is_no_plant_is_named(long machines, long nodes, double messages, double metrics, string option) =>
        Assert.Contains(option, Assert.Single(new Capacity(machines, nodes, messages, metrics).Validate()), StringComparison.Ordinal);

    [Fact]
    public void The_text_says_every_figure_in_any_culture()
    {
        var text = CapacityCommand.TextOf(new Capacity(10_000, 1_000, 5_000, 5));
        Assert.Contains("10,000 machines on 1,000 edge nodes", text, StringComparison.Ordinal);
        Assert.Contains("5,000 messages/s, 25,000 values/s", text, StringComparison.Ordinal);
        Assert.Contains("216 GB a day; 15.12 GB", text, StringComparison.Ordinal);
        Assert.Contains("960 MB of oee; 1210 MB", text, StringComparison.Ordinal);
    }
}
