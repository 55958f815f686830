using OeeOrleans.Cip;
using OeeOrleans.Cip.Simulation;
using OeeOrleans.Edge.Sources;
using OeeOrleans.Edge.Sources.Cip;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Sparkplug;
using OeeOrleans.TestServers;

namespace OeeOrleans.Edge.Tests.Drivers;

/// <summary>The CIP connector at a simulated controller.</summary>
[Collection(nameof(DriverCollection))]
public sealed class CipDriverTests : DriverTests
{
    private readonly SimulatedController _plc = new();

    protected override TimeSpan HalfOpenLimit => TimeSpan.FromSeconds(5);

    protected override int Port => _plc.Port;

    protected override Task StartAsync()
    {
        _plc.AddTag("Count", CipDataType.Dint);
        _plc.AddTag("Setpoint", CipDataType.Int);
        _plc.Start();
        return Task.CompletedTask;
    }

    protected override Task SetCounterAsync(int value)
    {
        _plc.Write("Count", value);
        return Task.CompletedTask;
    }

    protected override Task KillAsync() => _plc.StopAsync();

    protected override Task RestartAsync()
    {
        _plc.Start();
        return Task.CompletedTask;
    }

    protected override async Task EndAsync() => await _plc.DisposeAsync();

    [Fact]
    public async Task Types_are_the_controllers_and_are_known_before_it_answers_the_next_time()
    {
        _plc.AddTag("Speed", CipDataType.Real);
        _plc.AddTag("Big", CipDataType.Ulint);
        var settings = Settings($"cip://127.0.0.1:{Port}", "Speed", "Big", "Nobody");
        await using (var source = New(settings))
        {
            Assert.All(source.Tags, t => Assert.Equal(SparkplugDataType.Unknown, t.Type));
            await ReadAsync(source, []);
            Assert.Equal(
                [SparkplugDataType.Float, SparkplugDataType.UInt64, SparkplugDataType.Double], source.Tags.Select(t => t.Type));
            Assert.False(source.Redescribed.IsCompleted);
        }

        await _plc.StopAsync();
        await using var again = New(settings);
        Assert.Equal([SparkplugDataType.Float, SparkplugDataType.UInt64], again.Tags.Take(2).Select(t => t.Type));
    }

    [Fact]
    public async Task A_tag_that_is_of_another_type_after_a_download_is_born_anew_with_it()
    {
        await using var source = (PolledSource)Source(Port);
        var values = new List<SourceValue>();
        await ReadAsync(source, values);
        Assert.Equal(SparkplugDataType.Int64, source.Tags[Counter].Type);
        _plc.RemoveTag("Count");
        _plc.AddTag("Count", CipDataType.Real);
        _plc.Write("Count", 2.5);
        values.Clear();
        // Nothing is told under the type that is no more, and its device is not alive with it.
        await Eventually.TrueAsync("the reading to say that types are others", Soon, async () =>
        {
            try
            {
                await source.ReadAsync([0, 1, 2], 0, values, CancellationToken.None);
                return false;
            }
            catch (PlcException error)
            {
                return error.Message.Contains("born anew", StringComparison.Ordinal);
            }
        });
        Assert.DoesNotContain(values, v => v.Tag == Counter && v.Value is not (null or 0L));
        Assert.True(source.Redescribed.IsCompleted);
        await ReadAsync(source, values);
        Assert.Equal(SparkplugDataType.Float, source.Tags[Counter].Type);
        Assert.Equal(2.5, values.Single(v => v.Tag == Counter).Value);
    }

    private protected override ISource Source(int port) => New(Settings($"cip://127.0.0.1:{port}/1,0", "Count", "Setpoint", "Nobody"));

    private PolledSource New(EdgeSource settings) =>
        new(settings, new CipDriver(settings, Options, Log), TimeProvider.System, Log);

    /// <summary>As the edge does: described anew when its types are others, then read.</summary>
    private static Task ReadAsync(PolledSource source, List<SourceValue> into) =>
        Eventually.TrueAsync("the source to be read", Soon, async () =>
        {
            if (source.Redescribed.IsCompleted) source.Describe();
            into.Clear();
            try
            {
                await source.ReadAsync([0, 1, 2], 0, into, CancellationToken.None);
            }
            catch (PlcException)
            {
                return false;
            }

            return into.Count > 0;
        });
}
