using OeeOrleans.Sparkplug;

namespace OeeOrleans.Simulation.Machines;

/// <summary>One value a machine shows from an instant on.</summary>
public readonly record struct MetricChange(int Metric, long TimeMs, object Value);

/// <summary>A metric a machine has.</summary>
public sealed record MetricInfo(string Name, SparkplugDataType Type, string? Unit = null);

/// <summary>What survives a restart of the simulation: counters go on where they were, like a PLC's retained memory.</summary>
public sealed class MachineMemory
{
    public long Good { get; set; }

    public long Reject { get; set; }

    public int Product { get; set; }

    /// <summary>What its meter shows.</summary>
    public double EnergyKwh { get; set; }
}

/// <summary>
/// A machine that produces, jams, waits and breaks: believable, and the same for the same seed. Moved by <see cref="AdvanceTo"/>; reports
/// changes only.
/// </summary>
public sealed class SimulatedMachine
{
    private const int SlowMs = 5_000;
    private const int PastSlowMs = 300_000;
    private const int PastCountMs = 60_000;

    private readonly MachineProfile _profile;
    private readonly Random _random;
    private readonly Func<long, bool> _paused;
    private readonly object?[] _shown = new object?[9];
    private long _nowMs;
    private long _stopUntilMs;
    private long _nextMicroStopMs;
    private long _nextFaultMs;
    private long _nextProductMs;
    private long _nextSlowMs;
    private long _nextCountMs;
    private double _progress;
    private double _pace = 1;
    private double _temperature = 22;
    private string _fault = "";

    /// <param name="profile">How it behaves.</param>
    /// <param name="memory">Its counters; changed as it runs.</param>
    /// <param name="seed">Makes runs repeatable.</param>
    /// <param name="startMs">Where its life begins, milliseconds since 1970 UTC.</param>
    /// <param name="paused">Whether the plant has a break at an instant.</param>
    public SimulatedMachine(MachineProfile profile, MachineMemory memory, int seed, long startMs, Func<long, bool> paused)
    {
        (_profile, Memory, _random, _paused) = (profile, memory, new Random(seed), paused);
        _nowMs = startMs;
        _nextMicroStopMs = startMs + Exponential(profile.MicroStopEveryS);
        _nextFaultMs = startMs + Exponential(profile.FaultEveryS);
        _nextProductMs = startMs + Exponential(2400);
        var vendor = profile.VendorNames;
        Metrics =
        [
            new(vendor ? "Status/Running" : "state.run", SparkplugDataType.Boolean),
            new(
                vendor ? "Counts/Good" : "counter.good",
                profile.CounterModulus == 65536 ? SparkplugDataType.UInt16 : SparkplugDataType.UInt32, "pcs"),
            new(vendor ? "Counts/Reject" : "counter.reject", SparkplugDataType.UInt32, "pcs"),
            new(vendor ? "Alarm/Text" : "fault.code", SparkplugDataType.String),
            new(vendor ? "Recipe" : "product.code", SparkplugDataType.String),
            new("cycle.time", SparkplugDataType.Double, "s"),
            new("process.temperature", SparkplugDataType.Float, "°C"),
            new("process.speed", SparkplugDataType.Double, "1/h"),
            new("energy.total", SparkplugDataType.Double, "kWh"),
        ];
    }

    public MachineMemory Memory { get; }

    /// <summary>The instant up to which it has lived, milliseconds: what it shows was measured then.</summary>
    public long NowMs => _nowMs;

    public IReadOnlyList<MetricInfo> Metrics { get; }

    public string Device => _profile.Device;

    /// <summary>What is shown now, for births.</summary>
    public IEnumerable<(int Metric, object Value)> Shown()
    {
        for (var i = 0; i < Metrics.Count; i++)
        {
            if (_shown[i] is { } value) yield return (i, value);
        }
    }

    /// <summary>Lives on to an instant in steps of a quarter second.</summary>
    public void AdvanceTo(long untilMs, List<MetricChange> changes)
    {
        const int StepMs = 250;
        for (; _nowMs + StepMs <= untilMs; _nowMs += StepMs) Step(_nowMs + StepMs, StepMs / 1000.0, changes);
    }

    /// <summary>
    /// Lives on through days that are long gone, in steps of a second: states, faults and products at their time, counters every minute and
    /// whenever it starts or stops, everything else every five minutes.
    /// </summary>
    public void AdvanceThroughPast(long untilMs, List<MetricChange> changes)
    {
        const int StepMs = 1_000;
        for (; _nowMs + StepMs <= untilMs; _nowMs += StepMs) Step(_nowMs + StepMs, StepMs / 1000.0, changes, isPast: true);
    }

    private void Step(long atMs, double seconds, List<MetricChange> changes, bool isPast = false)
    {
        Disturb(atMs);
        var running = atMs >= _stopUntilMs && !_paused(atMs);
        if (atMs >= _stopUntilMs) _fault = "";
        if (running)
        {
            _progress += seconds / (_profile.CycleS * _pace);
            while (_progress >= 1)
            {
                _progress -= 1;
                Produce();
            }
        }

        _temperature += ((running ? 61 : 24) - _temperature) * seconds / 400;
        var hasTurned = !Equals(_shown[0], running);
        if (hasTurned) Show(0, atMs, running, changes);
        if (!isPast || hasTurned || atMs >= _nextCountMs)
        {
            _nextCountMs = atMs + PastCountMs;
            Show(1, atMs, Memory.Good, changes);
            Show(2, atMs, Memory.Reject, changes);
        }

        Show(3, atMs, _fault, changes);
        Show(4, atMs, _profile.Products[Memory.Product % _profile.Products.Count], changes);
        Memory.EnergyKwh += (running ? _profile.PowerKw : _profile.IdlePowerKw) * seconds / 3600;
        if (atMs < _nextSlowMs) return;
        _nextSlowMs = atMs + (isPast ? PastSlowMs : SlowMs);
        Show(5, atMs, Math.Round(_profile.CycleS * _pace * (0.96 + (_random.NextDouble() * 0.08)), 3), changes);
        Show(6, atMs, Math.Round(_temperature + (_random.NextDouble() * 0.4), 1), changes);
        Show(7, atMs, running ? Math.Round(3600 / (_profile.CycleS * _pace)) : 0d, changes);
        Show(8, atMs, Math.Round(Memory.EnergyKwh, 3), changes);
    }

    private void Disturb(long atMs)
    {
        if (atMs >= _nextMicroStopMs)
        {
            _nextMicroStopMs = atMs + Exponential(_profile.MicroStopEveryS);
            _stopUntilMs = Math.Max(_stopUntilMs, atMs + 3000 + Exponential(12));
            // After a stop the pace is a little different: nobody runs at the ideal all day.
            _pace = 1.02 + (_random.NextDouble() * 0.16);
        }

        if (atMs >= _nextFaultMs && _fault.Length == 0)
        {
            _nextFaultMs = atMs + Exponential(_profile.FaultEveryS);
            _stopUntilMs = atMs + 20_000 + Exponential(_profile.FaultLengthS);
            _fault = _profile.FaultCodes[_random.Next(_profile.FaultCodes.Count)];
        }

        if (atMs < _nextProductMs) return;
        _nextProductMs = atMs + Exponential(2400);
        if (_profile.Products.Count < 2) return;
        Memory.Product++;
        _stopUntilMs = Math.Max(_stopUntilMs, atMs + 60_000 + Exponential(_profile.ChangeoverS));
    }

    private void Produce()
    {
        if (_random.NextDouble() < _profile.RejectRate) Memory.Reject++;
        else Memory.Good++;
        if (_profile.CounterModulus > 0) Memory.Good %= _profile.CounterModulus;
    }

    private void Show(int metric, long atMs, object value, List<MetricChange> changes)
    {
        if (Equals(_shown[metric], value)) return;
        _shown[metric] = value;
        changes.Add(new MetricChange(metric, atMs, value));
    }

    private long Exponential(double meanS) => (long)(-Math.Log(1 - _random.NextDouble()) * meanS * 1000);
}
