using System.Reflection;
using OeeOrleans.Cip.Simulation;
using OeeOrleans.TestServers;

namespace OeeOrleans.Cip.Tests;

/// <summary>What outsiders build on is listed in PublicApi.txt: a change of it is a decision. OEE_WRITE_DOCS=1 writes it anew.</summary>
public sealed class PublicApiTests
{
    public static TheoryData<Assembly> Libraries() => new() { typeof(CipClient).Assembly, typeof(SimulatedController).Assembly };

    [Theory]
    [MemberData(nameof(Libraries))]
    public void The_public_API_is_the_listed_one(Assembly library)
    {
        var (listed, found) = PublicApi.Compare(library);
        Assert.Equal(listed, found);
    }
}
