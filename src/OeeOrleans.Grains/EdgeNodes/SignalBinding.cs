using OeeOrleans.Grains.Machines;
using OeeOrleans.Model;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>What a metric means here: which signal of which machine, and how its raw value becomes ours.</summary>
internal sealed class SignalBinding(
    int signalId, MachineTarget machine, SignalKind kind, double scale, double offset, string? watched = null)
{
    /// <summary>The name of the signal, when it has a limit; null when it has none.</summary>
    public string? Watched => watched;

    public int SignalId => signalId;

    public MachineTarget Machine => machine;

    public SignalKind Kind => kind;

    public bool Scaled { get; } = scale != 1 || offset != 0;

    public double Apply(double raw) => (raw * scale) + offset;
}

/// <summary>A metric that has no signal, because the store has enough of them.</summary>
internal sealed record SignalRefusal(string Reason);

/// <summary>A machine that an edge node feeds, with what the present delivery has for it.</summary>
internal sealed class MachineTarget(string id, bool inPlant)
{
    public string Id => id;

    /// <summary>Known to the plant model; others are only stored.</summary>
    public bool InPlant => inPlant;

    /// <summary>Every signal seen, for the day the device dies.</summary>
    public Dictionary<int, SignalKind> Signals { get; } = [];

    public List<MachineSample> Samples { get; } = [];

    /// <summary>Values of signals that have a limit.</summary>
    public List<WatchedSample> Watched { get; } = [];

    /// <summary>Names of the signals that have a limit.</summary>
    public IReadOnlySet<string> WatchedNames { get; set; } = new HashSet<string>();

    public long LastSeenUs { get; set; }

    public bool Connected { get; set; }

    /// <summary>The present delivery says something of it.</summary>
    public bool Touched { get; set; }
}
