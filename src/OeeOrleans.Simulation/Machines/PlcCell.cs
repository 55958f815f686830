using System.Globalization;
using OeeOrleans.S7;
using OeeOrleans.S7.Simulation;

namespace OeeOrleans.Simulation.Machines;

/// <summary>A tag of a machine in the memory of its PLC.</summary>
/// <param name="Device">The machine.</param>
/// <param name="Address">S7 address.</param>
/// <param name="Metric">What it is called.</param>
/// <param name="Unit">Of its values; null when it has none.</param>
public sealed record PlcTag(string Device, string Address, string Metric, string? Unit);

/// <summary>Machines that show what they do in the memory of one simulated S7 PLC, a data block each.</summary>
public sealed class PlcCell : IAsyncDisposable
{
    private const int BlockSize = 100;

    /// <summary>Of its program, and of a machine's life.</summary>
    internal const int StepMs = 250;

    /// <summary>By metric of a machine: running, good, reject, fault, product, cycle time, temperature, speed, energy.</summary>
    private static readonly string[] Places =
    [
        "DBX0.0", "DBD4:UDINT", "DBD8:UDINT", "DBB12:STRING[20]", "DBB34:STRING[20]", "DBD56:REAL", "DBD60:REAL", "DBD64:REAL",
        "DBB68:LREAL",
    ];

    private readonly SimulatedPlc _plc = new();
    private readonly IReadOnlyList<SimulatedMachine> _machines;
    private readonly TimeProvider _clock;

    public PlcCell(IReadOnlyList<SimulatedMachine> machines, TimeProvider clock)
    {
        (_machines, _clock) = (machines, clock);
        for (var i = 0; i < machines.Count; i++)
        {
            _plc.AddDb(i + 1, BlockSize);
            // As a compiled block has them.
            foreach (var text in (string[])["DBB12:STRING[20]", "DBB34:STRING[20]"]) _plc.Write(AddressOf(i, text), "");
        }
    }

    /// <summary>Known once it was started.</summary>
    public int Port => _plc.Port;

    public IEnumerable<PlcTag> Tags => _machines.SelectMany((machine, i) => machine.Metrics.Select((metric, m) =>
        new PlcTag(machine.Device, AddressOf(i, Places[m]), metric.Name, metric.Unit)));

    /// <summary>Power on, with what the machines show by now.</summary>
    public void Start()
    {
        for (var i = 0; i < _machines.Count; i++) Show(i, []);
        _plc.Start();
    }

    /// <summary>The machines' lives, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var changes = new List<MetricChange>();
        while (!cancellationToken.IsCancellationRequested)
        {
            for (var i = 0; i < _machines.Count; i++) Show(i, changes);
            var step = Task.Delay(TimeSpan.FromMilliseconds(StepMs), _clock, cancellationToken);
            await step.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public ValueTask DisposeAsync() => _plc.DisposeAsync();

    private static string AddressOf(int machine, string place) => string.Create(CultureInfo.InvariantCulture, $"DB{machine + 1}.{place}");

    private void Show(int index, List<MetricChange> changes)
    {
        changes.Clear();
        _machines[index].AdvanceTo(_clock.GetUtcNow().ToUnixTimeMilliseconds(), changes);
        foreach (var (metric, value) in _machines[index].Shown()) _plc.Write(S7Address.Parse(AddressOf(index, Places[metric])), value);
    }
}
