using System.Net;
using OeeOrleans.Host.Hosting;
using Orleans.Runtime;

namespace OeeOrleans.Host.Tests;

public sealed class ActivationCacheTests
{
    private static readonly SiloAddress Here = SiloAddress.New(IPAddress.Loopback, 1, 1);
    private static readonly SiloAddress There = SiloAddress.New(IPAddress.Loopback, 2, 1);

    private readonly ActivationCache _cache = new(capacity: 3);

    [Fact]
    public void What_was_heard_last_of_a_grain_is_known()
    {
        _cache.AddOrUpdate(Address("m1", Here), 1);
        _cache.AddOrUpdate(Address("m1", There), 2);
        Assert.True(_cache.LookUp(Id("m1"), out var address, out var version));
        Assert.Equal((There, 2), (address.SiloAddress, version));
        Assert.Single(_cache.KeyValues);
        Assert.False(_cache.LookUp(Id("m2"), out _, out _));
    }

    [Fact]
    public void A_wrong_address_is_removed_and_a_newer_one_is_not()
    {
        var (old, newer) = (Address("m1", Here), Address("m1", There));
        _cache.AddOrUpdate(newer, 1);
        Assert.False(_cache.Remove(old));
        Assert.True(_cache.Remove(newer));
        Assert.False(_cache.LookUp(Id("m1"), out _, out _));
    }

    [Fact]
    public void A_grain_can_be_forgotten_wherever_it_lives()
    {
        _cache.AddOrUpdate(Address("m1", Here), 1);
        Assert.True(_cache.Remove(Id("m1")));
        Assert.False(_cache.Remove(Id("m1")));
        Assert.Empty(_cache.KeyValues);
    }

    [Fact]
    public void More_entries_than_there_is_room_for_are_forgotten_together_and_it_goes_on()
    {
        for (var i = 0; i < 4; i++) _cache.AddOrUpdate(Address($"m{i}", Here), 1);
        Assert.Empty(_cache.KeyValues);
        _cache.AddOrUpdate(Address("m1", Here), 1);
        Assert.True(_cache.LookUp(Id("m1"), out _, out _));
        for (var i = 0; i < 3; i++) _cache.AddOrUpdate(Address("m1", Here), i);
        Assert.Single(_cache.KeyValues);
    }

    private static GrainId Id(string machine) => GrainId.Create("machine", machine);

    private static GrainAddress Address(string machine, SiloAddress silo) => new()
    {
        GrainId = Id(machine), ActivationId = ActivationId.NewId(), SiloAddress = silo,
    };
}
