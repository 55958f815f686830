using System.Text.Json;
using Microsoft.Extensions.Logging;
using OeeOrleans.Mqtt;
using OeeOrleans.Simulation.Machines;

namespace OeeOrleans.Simulation;

/// <summary>The plant of `oee demo`: two packaging lines with eight machines behind five edge nodes. One node sits on a bad wireless link,
/// one machine has a counter of 16 bits, and four show what they do in two PLCs that somebody has to read.</summary>
public sealed class SimulatedPlant
{
    private const string Group = "demo";
    private const long HourMs = 3_600_000;
    private const long DayMs = 24 * HourMs;

    private readonly string _memoryFile;
    private readonly Memory _memory;
    private readonly TimeProvider _clock;
    private readonly List<SimulatedEdgeNode> _nodes = [];
    private readonly List<(PlcCell Cell, SimulatedEdgeNode Past)> _cells = [];
    private readonly bool _firstStart;
    private readonly long _startMs;

    /// <param name="broker">Where to publish.</param>
    /// <param name="dataDir">Where counters are remembered; when nothing is there yet, what was before is published as history.</param>
    /// <param name="historyDays">How many days that are; at least the last hour. 0 to 60.</param>
    /// <param name="paused">Whether the plant has a break at an instant (milliseconds).</param>
    public SimulatedPlant(BrokerAddress broker, string dataDir, int historyDays, Func<long, bool> paused, TimeProvider clock, ILogger log)
    {
        _clock = clock;
        _memoryFile = Path.Combine(dataDir, "simulation.json");
        _firstStart = !File.Exists(_memoryFile);
        _memory = _firstStart ? new Memory() : JsonSerializer.Deserialize<Memory>(File.ReadAllText(_memoryFile)) ?? new Memory();
        _startMs = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var bornMs = _firstStart ? _startMs - Math.Max(HourMs, historyDays * DayMs) : _startMs;
        foreach (var (node, loses, profiles) in Nodes())
        {
            var isCell = node is S7Node or LogixNode;
            // A PLC that is read shows something from the start: a step must lie behind it.
            var livesFromMs = isCell ? bornMs - PlcCell.StepMs : bornMs;
            var machines = profiles
                .Select((p, i) => new SimulatedMachine(p, MemoryOf(p), (node.Length * 31) + (i * 17) + p.Device[0], livesFromMs, paused))
                .ToList();
            if (!_memory.Nodes.TryGetValue(node, out var nodeMemory)) _memory.Nodes[node] = nodeMemory = new NodeMemory();
            var edge = new SimulatedEdgeNode(
                new EdgeNodeSettings(Group, node, broker)
                {
                    LosesConnectionEveryS = loses, CoarseUntilMs = _firstStart ? _startMs - HourMs : 0,
                },
                machines, nodeMemory, clock, log);
            if (!isCell)
            {
                _nodes.Add(edge);
                continue;
            }

            _cells.Add((node == S7Node ? new S7Cell(node, machines, clock) : new LogixCell(node, machines, clock), edge));
        }
    }

    /// <summary>The edge node of the machines in a Siemens PLC.</summary>
    private const string S7Node = "plc2";

    /// <summary>The edge node of the machines in a ControlLogix.</summary>
    private const string LogixNode = "logix1";

    /// <summary>The PLCs that have to be read.</summary>
    public IEnumerable<PlcCell> Cells => _cells.Select(c => c.Cell);

    /// <summary>At the very first start: what its machines did before anybody read them.</summary>
    public Task TellPastAsync(PlcCell cell, CancellationToken cancellationToken) => _firstStart
        ? _cells.Single(c => c.Cell == cell).Past.TellPastAsync(cancellationToken)
        : Task.CompletedTask;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var all = Task.WhenAll(
            _nodes.Select(
                n => Task.Run(() => n.RunAsync(_firstStart ? _startMs - HourMs : null, cancellationToken), CancellationToken.None)));
        while (!all.IsCompleted)
        {
            Remember();
            await Task.WhenAny(all, Task.Delay(TimeSpan.FromSeconds(2), _clock, CancellationToken.None));
        }

        Remember();
        await all;
    }

    /// <summary>Its group and edge nodes.</summary>
    public static string GroupId => Group;

    private static IEnumerable<(string Node, double LosesConnectionEveryS, MachineProfile[] Machines)> Nodes()
    {
        string[] two = ["A100", "A120"];
        yield return ("packaging1", 0,
        [
            new()
            {
                Device = "filler1", CycleS = 0.52, RejectRate = 0.024, Products = two, VendorNames = true, FaultCodes = ["E-101", "E-114"],
            },
            new()
            {
                Device = "capper1", CycleS = 0.54, RejectRate = 0.002, Products = two, FaultEveryS = 900, FaultCodes = ["E-217", "E-221"],
            },
        ]);
        yield return (LogixNode, 0,
        [
            new()
            {
                Device = "labeller1",
                CycleS = 0.55,
                RejectRate = 0.005,
                Products = two,
                FaultCodes = ["E-330", "E-334"],
                MicroStopEveryS = 150,
            },
            new() { Device = "packer1", CycleS = 3.3, RejectRate = 0.001, Products = two, FaultEveryS = 2400, FaultCodes = ["E-410"] },
        ]);
        yield return ("packaging2", 0,
        [
            new() { Device = "filler2", CycleS = 1.28, RejectRate = 0.03, Products = ["B20"], CounterModulus = 65536, FirstCount = 62_500 },
        ]);
        yield return (S7Node, 0,
        [
            new() { Device = "capper2", CycleS = 1.3, RejectRate = 0.001, Products = ["B20"], FaultEveryS = 1800 },
            new() { Device = "packer2", CycleS = 7.9, RejectRate = 0.001, Products = ["B20"], FaultEveryS = 3600 },
        ]);
        yield return ("wireless1", 150,
        [
            new() { Device = "labeller2", CycleS = 1.31, RejectRate = 0.005, Products = ["B20"], FaultCodes = ["E-330"] },
        ]);
    }

    private MachineMemory MemoryOf(MachineProfile profile)
    {
        if (!_memory.Machines.TryGetValue(profile.Device, out var memory))
        {
            _memory.Machines[profile.Device] = memory = new MachineMemory { Good = profile.FirstCount };
        }

        // The file may be some seconds old after a kill: a counter never goes back.
        if (!_firstStart) memory.Good += (long)(10 / profile.CycleS);
        return memory;
    }

    private void Remember()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_memoryFile)!);
        var temporary = _memoryFile + ".new";
        File.WriteAllText(temporary, JsonSerializer.Serialize(_memory));
        File.Move(temporary, _memoryFile, overwrite: true);
    }

    private sealed class Memory
    {
        public Dictionary<string, NodeMemory> Nodes { get; set; } = [];

        public Dictionary<string, MachineMemory> Machines { get; set; } = [];
    }
}
