using OeeOrleans.Grains;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Commands;

/// <summary>What a machine shows and does now.</summary>
public sealed class MachineFacts(IStore store, IGrainFactory grains, TimeProvider clock)
{
    private static readonly TimeSpan ClocksAgreeTo = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>A signal and its newest sample; null: it was never heard. A clock that was ahead once says nothing of now.</summary>
    public async Task<SignalNow?> ReadAsync(string machine, string signal, CancellationToken cancellationToken)
    {
        var untilUs = UnixMicros.Now(clock) + (long)ClocksAgreeTo.TotalMicroseconds;
        return (await store.Plant.ReadSignalsNowAsync(machine, cancellationToken, untilUs)).Find(s => s.Name == signal);
    }

    /// <summary>What a signal shows, JSON; null: nothing good.</summary>
    public static string? Text(SignalNow now) => WriteCheck.Shown(now);

    /// <summary>What the machine does, when the tag's limits ask for it; null: nobody knows.</summary>
    public async Task<StateCategory?> CategoryAsync(string machine, TagMapping tag)
    {
        if (tag.Write is not { States.Count: > 0 }) return null;
        var status = await grains.GetGrain<IMachineGrain>(machine).GetStatus().WaitAsync(Patience);
        // What it did when it was last heard of says nothing of now.
        return status is { Connected: true } known ? known.Category : null;
    }
}
