using OeeOrleans.Edge.Sources.Fallback;

namespace OeeOrleans.Edge.Tests.Fallback;

public sealed class FallbackPeriodsTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("fallback-").FullName;

    private string File => Path.Combine(_directory, "data", "fallback.json");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_period_has_no_end_until_it_is_ended()
    {
        var periods = new FallbackPeriods(File);
        Assert.False(periods.Covers(100));
        periods.Begin(100);
        Assert.Equal([false, true, true], new[] { 99L, 100, 1_000_000 }.Select(periods.Covers));
        periods.End(200);
        Assert.Equal([false, true, true, false], new[] { 99L, 100, 199, 200 }.Select(periods.Covers));
        Assert.Equal((100, 200), (periods.LatestFromMs!.Value, periods.LatestToMs));
    }

    [Fact]
    public void After_a_restart_an_open_period_ends_where_the_last_durable_value_was()
    {
        var periods = new FallbackPeriods(File);
        periods.Begin(100);
        periods.End(200);
        periods.Begin(300);
        periods.Extend(350);
        periods.Extend(340);
        periods.Save();
        var again = new FallbackPeriods(File);
        Assert.Equal([true, false, true, false], new[] { 150L, 250, 349, 350 }.Select(again.Covers));
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
