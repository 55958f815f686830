using OeeOrleans.Grains.Machines;
using OeeOrleans.Kpi;
using OeeOrleans.Model;
using Orleans.Concurrency;

namespace OeeOrleans.Grains;

/// <summary>One machine: its state, counters, faults and OEE, live. Key: machine id.</summary>
[Alias("oee.IMachineGrain")]
public interface IMachineGrain : IGrainWithStringKey
{
    /// <summary>Values of it were stored that it was not told of: it takes itself up anew from the store.</summary>
    [Alias("Reread")]
    Task Reread();

    /// <summary>Sees that it lives, and does not wait until it does.</summary>
    [Alias("Wake")]
    [AlwaysInterleave]
    Task Wake();

    /// <summary>
    /// Takes samples. Idempotent by (signal, source time). A machine that is not open yet returns at once: it finds in the store what is
    /// committed, and opens in its turn.
    /// </summary>
    [Alias("Apply")]
    [AlwaysInterleave]
    Task Apply(MachineBatch batch);

    /// <summary>
    /// A delivery that was shown ahead of the store will not be stored: what is computed from it is computed anew without it.
    /// </summary>
    [Alias("TakeBack")]
    [AlwaysInterleave]
    Task TakeBack(string delivery);

    /// <summary>The machine now. Null when the plant model does not know it.</summary>
    [Alias("GetStatus")]
    [AlwaysInterleave]
    Task<MachineStatus?> GetStatus();

    /// <summary>The window of a kind (shift, hour, day, rolling_5m, job) that is open now; null when there is none (no shift).</summary>
    [Alias("GetWindow")]
    [AlwaysInterleave]
    Task<OeeWindow?> GetWindow(string kind);

    /// <summary>
    /// Everything behind the figures of [from, to), recomputed from stored samples. Null when the plant model does not know the machine.
    /// </summary>
    [Alias("Explain")]
    [AlwaysInterleave]
    Task<Explanation?> Explain(long fromUs, long toUs);

    /// <summary>
    /// Lost time of [from, to) by reason, and the stops, from stored samples. Null when the plant model does not know the machine.
    /// </summary>
    [Alias("GetLosses")]
    [AlwaysInterleave]
    Task<LossReport?> GetLosses(long fromUs, long toUs);

    /// <summary>Gives the stop that contains an instant a reason (null takes it back): all of it, or the part from <paramref name="atUs"/>
    /// on. Null when there is no stop. Throws <see cref="ArgumentException"/> when the split is not inside the stop.</summary>
    [Alias("GiveReason")]
    Task<ExplainedStop?> GiveReason(long stopUs, long? atUs, string? reason, string? comment, string by);

    /// <summary>Categories from the start of the present shift to now.</summary>
    [Alias("GetTimeline")]
    [AlwaysInterleave]
    Task<MachineTimeline?> GetTimeline();
}
