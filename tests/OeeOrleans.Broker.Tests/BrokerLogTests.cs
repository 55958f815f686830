using OeeOrleans.TestServers;

namespace OeeOrleans.Broker.Tests;

public sealed class BrokerLogTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-brokerlog-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task What_is_appended_and_not_removed_is_there_in_order_in_the_next_life()
    {
        await using (var log = new BrokerLog(_directory))
        {
            var numbers = await Task.WhenAll(
                Enumerable.Range(0, 300).Select(i => log.AppendAsync($"spBv1.0/g/DDATA/n/d{i}", [(byte)i, 7], 1)));
            Assert.Equal(numbers.Order(), numbers);
            foreach (var number in numbers.Where((_, i) => i % 3 != 0)) await log.RemoveAsync(number);
            await Eventually.HoldsAsync(
                "the removals to be written", TimeSpan.FromSeconds(10), () => Task.FromResult(log.Count), n => n == 100);
        }

        await using var again = new BrokerLog(_directory);
        var left = again.Messages().ToList();
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"spBv1.0/g/DDATA/n/d{i * 3}"), left.Select(m => m.Topic));
        Assert.Equal([3, 7], left[1].Payload);
        Assert.Equal((byte)1, left[1].Qos);
        Assert.True(await again.AppendAsync("t", [], 2) > left[^1].Number);
    }
}
