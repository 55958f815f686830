using OeeOrleans.CommitProtocol;
using OeeOrleans.Grains.EdgeNodes;

namespace OeeOrleans.Commands.Tests;

/// <summary>How far an edge node is with its sources.</summary>
public sealed class SourceStateTests
{
    private const string Wanted = "[{}]";

    [Theory]
    [InlineData(true, Wanted, null, SourceState.Read)]
    [InlineData(false, Wanted, null, SourceState.Read)]
    [InlineData(true, "[]", null, SourceState.Waiting)]
    [InlineData(false, "[]", null, SourceState.Offline)]
    [InlineData(true, "[]", Wanted, SourceState.Refused)]
    [InlineData(true, "[]", "[5]", SourceState.Waiting)]
    // It is to forget what it refused: nobody else shall make it read that.
    [InlineData(true, Wanted, "[5]", SourceState.Waiting)]
    public void It_is_what_the_node_says_it_reads_and_refuses(bool online, string reads, string? refuses, string state)
    {
        var node = new EdgeNodeStatus
        {
            EdgeNode = "g/n", Online = online,
            Sources = new ToldSourcesStatus
            {
                Number = 1, Digest = SignedSources.DigestOf(reads), Refused = refuses is null ? null : SignedSources.DigestOf(refuses),
                Problem = refuses is null ? null : "it cannot",
            },
        };
        var found = SourceState.Of(node, Wanted);
        Assert.Equal(state, found.Name);
        if (state == SourceState.Refused) Assert.Equal("it cannot", found.Problem);
    }

    [Fact]
    public void One_that_says_nothing_of_sources_takes_none_or_was_never_heard()
    {
        Assert.Equal(
            new SourceState(SourceState.Deaf, "it was never heard of"), SourceState.Of(new EdgeNodeStatus { EdgeNode = "g/n" }, Wanted));
        var heard = SourceState.Of(new EdgeNodeStatus { EdgeNode = "g/n", Online = true }, Wanted);
        Assert.Equal(SourceState.Deaf, heard.Name);
        Assert.Contains("plant_sources: false", heard.Problem, StringComparison.Ordinal);
    }
}
