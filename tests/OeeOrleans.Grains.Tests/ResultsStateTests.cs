using Microsoft.Extensions.DependencyInjection;
using OeeOrleans.Grains.Results;
using Orleans.Serialization;
using Orleans.Storage;

namespace OeeOrleans.Grains.Tests;

/// <summary>Grain state in the form in which it lies in OrleansStorage.</summary>
public sealed class ResultsStateTests
{
    /// <summary>Written by the first release that had it; never to be changed.</summary>
    private const string Version1 = "200055E0";

    [Fact]
    public void State_written_by_the_first_release_is_read()
    {
        using var services = new ServiceCollection().AddSerializer().BuildServiceProvider();
        var storage = new OrleansGrainStorageSerializer(services.GetRequiredService<Serializer>());
        Assert.Equal(42, storage.Deserialize<ResultsState>(new BinaryData(Convert.FromHexString(Version1)))!.BdSeq);
        Assert.Equal(Version1, Convert.ToHexString(storage.Serialize(new ResultsState { BdSeq = 42 })));
    }
}
