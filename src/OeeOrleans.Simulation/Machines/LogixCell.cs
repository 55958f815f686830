using OeeOrleans.Cip;
using OeeOrleans.Cip.Simulation;

namespace OeeOrleans.Simulation.Machines;

/// <summary>Machines in the memory of a simulated ControlLogix, a structure each.</summary>
public sealed class LogixCell : PlcCell
{
    /// <summary>Checksums of the structures: any, as long as they are not the same.</summary>
    private const ushort TextHandle = 0x2F3A;
    private const ushort MachineHandle = 0x5C71;
    private const int TextLetters = 20;

    private static readonly string[] Members =
    [
        "Running", "Counts.Good", "Counts.Reject", "Fault", "Product", "CycleTime", "Temperature", "Speed", "Energy",
    ];

    private static readonly CipTemplate Machine = NewMachine();

    private readonly SimulatedController _plc = new();
    private readonly IReadOnlyList<string> _tags;

    public LogixCell(string node, IReadOnlyList<SimulatedMachine> machines, TimeProvider clock)
        : base(node, machines, clock)
    {
        _tags = [.. machines.Select(m => $"{char.ToUpperInvariant(m.Device[0])}{m.Device[1..]}")];
        foreach (var tag in _tags) _plc.AddTag(tag, Machine);
    }

    public override Uri Url => new($"cip://127.0.0.1:{_plc.Port}/1,0?plc=controllogix");

    protected override string AddressOf(int machine, int metric) => $"{_tags[machine]}.{Members[metric]}";

    protected override void Write(string address, object value) => _plc.Write(address, value);

    protected override void PowerOn() => _plc.Start();

    protected override ValueTask PowerOffAsync() => _plc.DisposeAsync();

    private static CipTemplate NewMachine()
    {
        const int TextSize = 4 + TextLetters;
        CipMember Of(string name, CipDataType type, int offset) => new(name, new CipType(type), offset);
        CipMember Struct(string name, CipTemplate template, int offset) =>
            new(name, new CipType(CipDataType.Structure, template.Handle) { Template = template }, offset);
        var text = new CipTemplate(
            "STRING20", TextHandle, TextSize,
            [Of("LEN", CipDataType.Dint, 0), new CipMember("DATA", new CipType(CipDataType.Sint), 4, TextLetters)]);
        var counts = new CipTemplate(
            "COUNTS", MachineHandle + 1, 8, [Of("Good", CipDataType.Udint, 0), Of("Reject", CipDataType.Udint, 4)]);
        return new CipTemplate(
            "MACHINE", MachineHandle, 88,
            [
                Of("ZZZZZZZZZZMACHINE0", CipDataType.Sint, 0), new CipMember("Running", new CipType(CipDataType.Bool), 0, Bit: 0),
                Struct("Counts", counts, 4), Struct("Fault", text, 12), Struct("Product", text, 12 + TextSize),
                Of("CycleTime", CipDataType.Real, 60), Of("Temperature", CipDataType.Real, 64), Of("Speed", CipDataType.Real, 68),
                Of("Energy", CipDataType.Lreal, 72),
            ]);
    }
}
