using OeeOrleans.Cip.Simulation;

namespace OeeOrleans.Cip.Tests;

/// <summary>Groups that are read in several packets while the program changes them.</summary>
public sealed class GuardTests : IAsyncLifetime
{
    private const int Values = 600;
    private readonly SimulatedController _plc = new();
    private int _answers;

    public Task InitializeAsync()
    {
        _plc.AddTag("Values", CipDataType.Dint, Values);
        _plc.AddTag("Sequence", CipDataType.Dint);
        _plc.AddTag("Other", CipDataType.Dint);
        _plc.Start();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _plc.DisposeAsync();

    [Theory]
    [InlineData(7, false)]
    [InlineData(40, true)]
    [InlineData(101, true)]
    public async Task What_is_read_with_a_guard_is_of_one_scan(int every, bool isEverWhole)
    {
        await using var client = await ConnectAsync();
        var plan = Plan(client, "Sequence");
        await client.ReadAsync(plan);
        Assert.InRange(plan.RequestCount, 15, 35);
        RunEvery(every);
        var whole = 0;
        for (var i = 0; i < 50; i++)
        {
            await client.ReadAsync(plan);
            if (!plan.StatusOf(0).IsGood) continue;
            whole++;
            Assert.Single(Enumerable.Range(0, Values).Select(plan.ValueOf).Distinct());
        }

        Assert.Equal(isEverWhole, whole > 10);
    }

    [Fact]
    public async Task Without_one_the_same_readings_mix_scans()
    {
        await using var client = await ConnectAsync();
        var plan = Plan(client, null);
        RunEvery(7);
        var mixed = false;
        for (var i = 0; i < 50 && !mixed; i++)
        {
            await client.ReadAsync(plan);
            mixed = Enumerable.Range(0, Values).Select(plan.ValueOf).Distinct().Count() > 1;
        }

        Assert.True(mixed);
    }

    [Fact]
    public async Task When_the_guard_changes_all_the_time_nothing_is_good_and_it_is_said_why()
    {
        await using var client = await ConnectAsync();
        var plan = Plan(client, "Sequence");
        RunEvery(1);
        await client.ReadAsync(plan);
        Assert.Equal(CipStatus.Torn, plan.StatusOf(0));
        Assert.Contains("of different scans", plan.ResultOf(Values - 1).Error, StringComparison.Ordinal);
        _plc.Faults.Mutate = null;
        await client.ReadAsync(plan);
        Assert.True(plan.StatusOf(0).IsGood);
    }

    [Fact]
    public async Task A_guard_that_is_not_there_is_said_and_nothing_is_good()
    {
        await using var client = await ConnectAsync();
        var plan = Plan(client, "Nobody");
        await client.ReadAsync(plan);
        Assert.Contains("there is no such tag", plan.ResultOf(0).Error, StringComparison.Ordinal);
    }

    private static CipReadPlan Plan(CipClient client, string? guard) => client.Plan(
        [.. Enumerable.Range(0, Values).Select(i => LogixTests.Parse($"Values[{i}]"))], guard is null ? null : LogixTests.Parse(guard));

    /// <summary>A scan of its program with every so manieth answer: all values are the number of the scan.</summary>
    private void RunEvery(int answers) => _plc.Faults.Mutate = frame =>
    {
        if (Interlocked.Increment(ref _answers) % answers != 0) return frame;
        _plc.Write($"Values{{{Values}}}", Enumerable.Repeat(_answers, Values).ToArray());
        _plc.Write("Sequence", _answers);
        return frame;
    };

    private Task<CipClient> ConnectAsync() => CipClient.ConnectAsync(LogixTests.Options(_plc.Port) with { ConnectionSize = 500, Jobs = 1 });
}
