using OeeOrleans.Edge.Sources.Fallback;

namespace OeeOrleans.Edge.Tests.Fallback;

public sealed class FallbackPeriodsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("fallback-").FullName;

    private string File => Path.Combine(_directory, "data", "fallback.json");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_period_has_no_end_until_it_is_ended_and_then_the_one_of_its_last_durable_value()
    {
        var periods = new FallbackPeriods(File);
        Assert.False(periods.Covers(10_000));
        periods.Begin(10_000);
        Assert.Equal([false, true, true, true], new[] { 9_799L, 9_800, 10_000, 1_000_000 }.Select(periods.Covers));
        periods.Extend(20_000);
        periods.End();
        Assert.Equal([false, true, true, false], new[] { 9_799L, 10_000, 20_199, 20_200 }.Select(periods.Covers));
        Assert.Equal(20_000, periods.LatestToMs);
        periods.Extend(30_000);
        Assert.False(periods.Covers(25_000));
    }

    [Fact]
    public void A_period_of_which_nothing_became_durable_was_none()
    {
        var periods = new FallbackPeriods(File);
        periods.Begin(10_000);
        periods.End();
        Assert.True(periods.IsEmpty);
        Assert.False(periods.Covers(10_000));
    }

    [Fact]
    public void A_period_of_a_single_durable_instant_is_one()
    {
        var periods = new FallbackPeriods(File);
        periods.Begin(10_000);
        periods.Extend(10_000);
        periods.End();
        Assert.Equal([true, false], new[] { 10_000L, 10_200 }.Select(periods.Covers));
    }

    [Fact]
    public void After_a_restart_an_open_period_ends_where_the_last_durable_value_was()
    {
        var periods = new FallbackPeriods(File);
        periods.Begin(10_000);
        periods.Extend(20_000);
        periods.End();
        periods.Begin(30_000);
        periods.Extend(35_000);
        periods.Extend(34_000);
        periods.Save();
        var again = new FallbackPeriods(File);
        Assert.Equal([true, false, true, false], new[] { 15_000L, 25_000, 34_999, 35_200 }.Select(again.Covers));
    }

    [Fact]
    public void A_file_that_is_none_is_said_and_forgotten()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        System.IO.File.WriteAllText(File, "[{");
        var periods = new FallbackPeriods(File);
        Assert.Contains("cannot be read", periods.IsLost, StringComparison.Ordinal);
        Assert.False(periods.Covers(0));
    }
}
