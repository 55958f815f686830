using System.Globalization;
using OeeOrleans.S7.Simulation;

namespace OeeOrleans.Simulation.Machines;

/// <summary>Machines in the memory of a simulated Siemens PLC, a data block each.</summary>
public sealed class S7Cell : PlcCell
{
    private const int BlockSize = 100;
    private static readonly string[] Places =
    [
        "DBX0.0", "DBD4:UDINT", "DBD8:UDINT", "DBB12:STRING[20]", "DBB34:STRING[20]", "DBD56:REAL", "DBD60:REAL", "DBD64:REAL",
        "DBB68:LREAL",
    ];

    private readonly SimulatedPlc _plc = new();

    public S7Cell(string node, IReadOnlyList<SimulatedMachine> machines, TimeProvider clock)
        : base(node, machines, clock)
    {
        for (var i = 0; i < machines.Count; i++)
        {
            _plc.AddDb(i + 1, BlockSize);
            // As a compiled block has them.
            foreach (var text in (string[])["DBB12:STRING[20]", "DBB34:STRING[20]"]) _plc.Write(AddressOf(i, text), "");
        }
    }

    public override Uri Url => new($"s7://127.0.0.1:{_plc.Port}?rack=0&slot=1");

    protected override string AddressOf(int machine, int metric) => AddressOf(machine, Places[metric]);

    protected override void Write(string address, object value) => _plc.Write(address, value);

    protected override void PowerOn() => _plc.Start();

    protected override ValueTask PowerOffAsync() => _plc.DisposeAsync();

    private static string AddressOf(int machine, string place) => string.Create(CultureInfo.InvariantCulture, $"DB{machine + 1}.{place}");
}
