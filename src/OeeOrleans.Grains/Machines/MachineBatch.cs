using OeeOrleans.Model;

namespace OeeOrleans.Grains.Machines;

/// <summary>Samples of one machine, in order of arrival: committed ones, or such as wait for a store that is away.</summary>
[GenerateSerializer]
[Immutable]
[Alias("oee.machine-batch")]
public sealed class MachineBatch
{
    /// <summary>Samples of canonical signals; telemetry beyond them does not concern the machine's state.</summary>
    [Id(0)]
    public MachineSample[] Samples { get; init; } = [];

    /// <summary>Newest source time of anything the machine said, microseconds.</summary>
    [Id(1)]
    public long LastSeenUs { get; init; }

    /// <summary>Newest ingest time of these samples.</summary>
    [Id(2)]
    public long IngestUs { get; init; }

    /// <summary>Whether the machine's device is alive after these samples.</summary>
    [Id(3)]
    public bool Connected { get; init; }

    /// <summary>
    /// Not committed yet: shown live, and applied again when it is. Nothing that is computed from it may be stored before.
    /// </summary>
    [Id(4)]
    public bool Ahead { get; init; }

    /// <summary>The delivery it is of, `edge node|life|number`; empty from a silo of an earlier release.</summary>
    [Id(5)]
    public string Delivery { get; init; } = "";

    /// <summary>
    /// Some of them may not be stored, because the database refuses them: what is computed from here on is computed anew from what is.
    /// </summary>
    [Id(6)]
    public bool LacksRows { get; init; }

    /// <summary>Values of signals that have a limit.</summary>
    [Id(7)]
    public WatchedSample[] Watched { get; init; } = [];

    /// <summary>The same, not committed yet.</summary>
    public MachineBatch AsAhead(string delivery) => new()
    {
        Samples = Samples, LastSeenUs = LastSeenUs, IngestUs = IngestUs, Connected = Connected, Ahead = true, Delivery = delivery,
    };

    /// <summary>The same, committed.</summary>
    public MachineBatch AsCommitted(string delivery, bool lacksRows) => new()
    {
        Samples = Samples, LastSeenUs = LastSeenUs, IngestUs = IngestUs, Connected = Connected, Delivery = delivery, LacksRows = lacksRows,
        Watched = Watched,
    };
}

/// <summary>A value of a signal that has a limit, by the signal's name.</summary>
[GenerateSerializer]
[Immutable]
[Alias("oee.watched-sample")]
public readonly record struct WatchedSample(
    [property: Id(0)] string Signal, [property: Id(1)] long TimeUs, [property: Id(2)] double Value, [property: Id(3)] short Quality);

/// <summary>How a sample travels between silos.</summary>
[GenerateSerializer]
[Alias("oee.machine-sample")]
public struct MachineSampleSurrogate
{
    [Id(0)]
    public byte Kind;

    [Id(1)]
    public long TimeUs;

    [Id(2)]
    public double Value;

    [Id(3)]
    public string? Text;

    [Id(4)]
    public short Quality;
}

[RegisterConverter]
public sealed class MachineSampleConverter : IConverter<MachineSample, MachineSampleSurrogate>
{
    public MachineSample ConvertFromSurrogate(in MachineSampleSurrogate surrogate) =>
        new((SignalKind)surrogate.Kind, surrogate.TimeUs, surrogate.Value, surrogate.Text, surrogate.Quality);

    public MachineSampleSurrogate ConvertToSurrogate(in MachineSample value) => new()
    {
        Kind = (byte)value.Kind, TimeUs = value.TimeUs, Value = value.Value, Text = value.Text, Quality = value.Quality,
    };
}
