using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Grains.Plant;

/// <summary>The plant model, ready for look-ups. One per process.</summary>
public sealed class PlantDirectory
{
    private readonly Dictionary<string, Machine> _machines;
    private readonly Dictionary<string, Line> _lines;
    private readonly Dictionary<(string EdgeNode, string Device), Machine> _byDevice;
    private readonly Dictionary<string, PlantWindows> _calendars;
    private readonly PlantWindows _always;

    public PlantDirectory(PlantModel plant)
    {
        Plant = plant;
        _machines = plant.Machines.ToDictionary(m => m.Id, StringComparer.Ordinal);
        _lines = plant.Lines.ToDictionary(l => l.Id, StringComparer.Ordinal);
        _byDevice = plant.Machines.Where(m => m.EdgeNode is not null).ToDictionary(m => (m.EdgeNode!, m.Device));
        _calendars = plant.Calendars.ToDictionary(c => c.Id, c => new PlantWindows(new ShiftCalendar(c, plant.Site.TimeZone)), StringComparer.Ordinal);
        // Without a calendar a machine is scheduled around the clock, in one shift a day.
        var day = new Shift("day", TimeOnly.MinValue, TimeOnly.MinValue, Enum.GetValues<DayOfWeek>(), []);
        _always = new PlantWindows(new ShiftCalendar(new ShiftPlan { Id = "always", Shifts = [day] }, plant.Site.TimeZone));
    }

    public PlantModel Plant { get; }

    public Machine? FindMachine(string id) => _machines.GetValueOrDefault(id);

    public Line? FindLine(string id) => _lines.GetValueOrDefault(id);

    /// <summary>The machine behind a Sparkplug device (empty device: the edge node itself).</summary>
    public Machine? FindDevice(string edgeNode, string device) => _byDevice.GetValueOrDefault((edgeNode, device));

    public PlantWindows WindowsOf(Machine machine) => Calendar(machine.Calendar ?? FindLine(machine.LineId)?.Calendar);

    public PlantWindows WindowsOf(Line line) => Calendar(line.Calendar);

    private PlantWindows Calendar(string? id) => id is not null && _calendars.TryGetValue(id, out var calendar) ? calendar : _always;
}
