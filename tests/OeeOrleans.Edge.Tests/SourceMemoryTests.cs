using OeeOrleans.Edge.Sources;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Tests;

/// <summary>What a source knows after a restart.</summary>
public sealed class SourceMemoryTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-memory").FullName;

    private string File => Path.Combine(_directory, "memory.json");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Types_and_how_far_all_is_durable_are_known_after_a_restart()
    {
        var memory = new SourceMemory(File);
        memory.SetType("ns=1;s=a", SparkplugDataType.UInt64);
        memory.Durable("ns=1;s=a", 1_000);
        memory.Save();
        var again = new SourceMemory(File);
        Assert.Equal(SparkplugDataType.UInt64, again.TypeOf("ns=1;s=a"));
        Assert.Equal(1_000, again.CompleteToMs("ns=1;s=a"));
        Assert.Equal(0, again.CompleteToMs("ns=1;s=b"));
    }

    [Fact]
    public void An_older_value_takes_nothing_back()
    {
        var memory = new SourceMemory(File);
        memory.Durable("a", 2_000);
        memory.Durable("a", 1_000);
        Assert.Equal(2_000, memory.CompleteToMs("a"));
    }

    [Fact]
    public void Nothing_is_complete_beyond_a_gap_that_is_open_also_over_a_restart()
    {
        var memory = new SourceMemory(File);
        memory.Durable("a", 1_000);
        memory.Open("a", 1_000);
        memory.Durable("a", 5_000);
        Assert.Equal(1_000, memory.CompleteToMs("a"));
        memory.Save();
        Assert.Equal(1_000, new SourceMemory(File).CompleteToMs("a"));
        memory.Close("a");
        Assert.Equal(5_000, memory.CompleteToMs("a"));
    }

    [Fact]
    public void Of_two_gaps_the_older_one_counts_until_both_are_closed()
    {
        var memory = new SourceMemory(File);
        memory.Durable("a", 5_000);
        memory.Open("a", 2_000);
        memory.Open("a", 4_000);
        memory.Close("a");
        Assert.Equal(2_000, memory.CompleteToMs("a"));
        memory.Close("a");
        Assert.Equal(5_000, memory.CompleteToMs("a"));
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_said_and_the_server_asked_again()
    {
        System.IO.File.WriteAllText(File, "{ half");
        var memory = new SourceMemory(File);
        Assert.Contains(File, memory.IsLost, StringComparison.Ordinal);
        Assert.Equal(SparkplugDataType.Unknown, memory.TypeOf("a"));
    }
}
