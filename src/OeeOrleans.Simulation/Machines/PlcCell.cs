namespace OeeOrleans.Simulation.Machines;

/// <summary>A tag of a machine in the memory of its PLC.</summary>
/// <param name="Device">The machine.</param>
/// <param name="Address">In the words of the PLC's protocol.</param>
/// <param name="Metric">What it is called.</param>
/// <param name="Unit">Of its values; null when it has none.</param>
public sealed record PlcTag(string Device, string Address, string Metric, string? Unit);

/// <summary>Machines that show what they do in the memory of one simulated PLC, which somebody has to read.</summary>
public abstract class PlcCell(string node, IReadOnlyList<SimulatedMachine> machines, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>Of its program, and of a machine's life.</summary>
    internal const int StepMs = 250;

    /// <summary>The edge node that publishes what is read.</summary>
    public string Node => node;

    /// <summary>Where the PLC is; known once it was started.</summary>
    public abstract Uri Url { get; }

    public IEnumerable<PlcTag> Tags => machines.SelectMany((machine, i) => machine.Metrics.Select((metric, m) =>
        new PlcTag(machine.Device, AddressOf(i, m), metric.Name, metric.Unit)));

    /// <summary>Power on, with what the machines show by now.</summary>
    public void Start()
    {
        for (var i = 0; i < machines.Count; i++) Show(i, []);
        PowerOn();
    }

    /// <summary>The machines' lives, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var changes = new List<MetricChange>();
        while (!cancellationToken.IsCancellationRequested)
        {
            for (var i = 0; i < machines.Count; i++) Show(i, changes);
            var step = Task.Delay(TimeSpan.FromMilliseconds(StepMs), clock, cancellationToken);
            await step.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await PowerOffAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Where a machine shows a metric: running, good, reject, fault, product, cycle time, temperature, speed, energy.</summary>
    protected abstract string AddressOf(int machine, int metric);

    protected abstract void Write(string address, object value);

    protected abstract void PowerOn();

    protected abstract ValueTask PowerOffAsync();

    private void Show(int index, List<MetricChange> changes)
    {
        changes.Clear();
        machines[index].AdvanceTo(clock.GetUtcNow().ToUnixTimeMilliseconds(), changes);
        foreach (var (metric, value) in machines[index].Shown()) Write(AddressOf(index, metric), value);
    }
}
