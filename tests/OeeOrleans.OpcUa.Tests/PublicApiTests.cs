using OeeOrleans.TestServers;

namespace OeeOrleans.OpcUa.Tests;

/// <summary>What outsiders build on is listed in PublicApi.txt: a change of it is a decision. OEE_WRITE_DOCS=1 writes it anew.</summary>
public sealed class PublicApiTests
{
    [Fact]
    public void The_public_API_is_the_listed_one()
    {
        var (listed, found) = PublicApi.Compare(typeof(OpcUaClient).Assembly);
        Assert.Equal(listed, found);
    }
}
