using OeeOrleans.Grains.Machines;
using OeeOrleans.Model;

namespace OeeOrleans.Grains.Tests;

/// <summary>Samples whose time is far off are in the store and in no account, whichever way they come (<see cref="TimeRule"/>).</summary>
public sealed partial class MachineLedgerTests
{
    private const double Hour = 3600;
    private const double Day = 24 * Hour;

    /// <summary>Seconds from now: a wrong century, just too far ahead, just too old, 1970.</summary>
    public static TheoryData<double> FarOff() => new()
    {
        (new DateTime(9998, 1, 1) - new DateTime(2026, 1, 5)).TotalSeconds,
        (new DateTime(2096, 1, 1) - new DateTime(2026, 1, 5)).TotalSeconds,
        27 * Hour,
        -93 * Day,
        -56 * 365 * Day,
    };

    [Theory]
    [MemberData(nameof(FarOff))]
    public async Task Live_a_state_that_is_far_off_is_no_part_of_the_account(double offS)
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, Run(0, 2000));
        await WriteAsync([State(2000 + offS, false)], At(2000));
        ledger.Apply(new MachineBatch { Samples = [State(2000 + offS, false)], IngestUs = At(2000), Connected = true });
        Assert.Null(ledger.DirtyFromUs);
        AssertExact(ledger, 2001);
    }

    [Theory]
    [MemberData(nameof(FarOff))]
    public async Task After_a_restart_with_a_snapshot_it_is_none_either(double offS)
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, Run(0, 2000));
        await ledger.FlushAsync(At(2000), CancellationToken.None);
        await WriteAsync([State(2001 + offS, false)], At(2001));
        var restarted = await OpenAsync(2002);
        // What came shortly before the snapshot may be looked at once more; of this one nothing is owed.
        Assert.InRange(restarted.DirtyFromUs ?? At(0), At(0), At(2000));
        AssertExact(restarted, 2003);
    }

    [Theory]
    [MemberData(nameof(FarOff))]
    public async Task Nor_where_the_account_is_built_from_samples_alone(double offS)
    {
        await StoreAsync(Run(0, 2000), At(2000));
        await WriteAsync([State(2001 + offS, false)], At(2001));
        AssertExact(await OpenAsync(2002), 2003);
    }

    /// <summary>Judged against its arrival, not against the day on which somebody reads it again.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2 * Hour)]
    [InlineData(28 * Hour)]
    public async Task Nor_when_its_time_has_come(double laterS)
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, Run(0, 2000));
        await ledger.FlushAsync(At(2000), CancellationToken.None);
        await WriteAsync([State(2001 + (27 * Hour), false)], At(2001));
        AssertExact(await OpenAsync(2002 + laterS), 2003 + laterS);
        ledger.Owe(At(500));
        await ledger.RecomputeAsync(At(2002 + laterS), CancellationToken.None);
        AssertExact(ledger, 2003 + laterS);
    }

    [Theory]
    [MemberData(nameof(FarOff))]
    public async Task Nor_when_it_is_computed_anew(double offS)
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, Run(0, 2000));
        await WriteAsync([State(2001 + offS, false)], At(2001));
        ledger.Owe(At(500));
        await ledger.RecomputeAsync(At(2002), CancellationToken.None);
        AssertExact(ledger, 2003);
    }

    /// <summary>A death is a bad sample at the time of death; of one that is dated far off the same is true.</summary>
    [Theory]
    [MemberData(nameof(FarOff))]
    public async Task A_death_that_is_dated_far_off_makes_nothing_unknown_live_or_after_a_restart(double offS)
    {
        var death = new MachineSample(SignalKind.StateRun, At(2000 + offS), double.NaN, null, Quality.Bad);
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, Run(0, 2000));
        await WriteAsync([death], At(2000));
        ledger.Apply(new MachineBatch { Samples = [death], IngestUs = At(2000), Connected = false });
        AssertExact(ledger, 2001);
        AssertExact(await OpenAsync(2002), 2003);
    }

    [Fact]
    public async Task What_is_owed_while_a_recomputation_runs_is_owed_after_it()
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, Run(0, 3000));
        ledger.Owe(At(900));
        var running = ledger.RecomputeAsync(At(3000), CancellationToken.None);
        ledger.Owe(At(100));
        await running;
        Assert.Equal(At(100), ledger.DirtyFromUs);
        await ledger.RecomputeAsync(At(3001), CancellationToken.None);
        Assert.Null(ledger.DirtyFromUs);
    }
}
