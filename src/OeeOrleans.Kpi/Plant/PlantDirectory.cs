using System.Security.Cryptography;
using System.Text;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Plant;

/// <summary>The plant model, ready for look-ups. One per process.</summary>
public sealed class PlantDirectory
{
    private readonly Dictionary<string, Machine> _machines;
    private readonly Dictionary<string, Line> _lines;
    private readonly Dictionary<(string EdgeNode, string Device), Machine> _byDevice;
    private readonly Dictionary<string, MachineModel> _models;

    /// <param name="plant">The plant as it is now.</param>
    /// <param name="versions">What its machines' models were over time; null: as now, always.</param>
    public PlantDirectory(PlantModel plant, IReadOnlyList<ModelVersion>? versions = null)
    {
        Plant = plant;
        _machines = plant.Machines.ToDictionary(m => m.Id, StringComparer.Ordinal);
        _lines = plant.Lines.ToDictionary(l => l.Id, StringComparer.Ordinal);
        _byDevice = plant.Machines.Where(m => m.EdgeNode is not null).ToDictionary(m => (m.EdgeNode!, m.Device));
        var byPart = (versions ?? ModelHistory.Update([], plant, 0)).ToLookup(v => (v.Machine, v.Part));
        var calendars = new Dictionary<string, PlantWindows>(StringComparer.Ordinal);
        _models = plant.Machines.ToDictionary(
            m => m.Id,
            m => Model(m, [.. byPart[(m.Id, ModelHistory.OeePart)]], [.. byPart[(m.Id, ModelHistory.CalendarPart)]], calendars),
            StringComparer.Ordinal);
    }

    public PlantModel Plant { get; }

    public Machine? FindMachine(string id) => _machines.GetValueOrDefault(id);

    public Line? FindLine(string id) => _lines.GetValueOrDefault(id);

    /// <summary>The machine behind a Sparkplug device (empty device: the edge node itself).</summary>
    public Machine? FindDevice(string edgeNode, string device) => _byDevice.GetValueOrDefault((edgeNode, device));

    public MachineModel ModelOf(Machine machine) => _models[machine.Id];

    private MachineModel Model(
        Machine machine, List<ModelVersion> oee, List<ModelVersion> calendar, Dictionary<string, PlantWindows> calendars)
    {
        // Machines of one calendar share it: what it works out is remembered once.
        var key = string.Join('\n', calendar.Select(v => $"{v.FromUs}:{v.Model}"));
        if (!calendars.TryGetValue(key, out var windows))
        {
            calendars[key] = windows = new PlantWindows(new VersionedCalendar([.. calendar.Select(v => (v.FromUs, Calendar(v.Model)))]));
        }

        return new MachineModel(
            machine, new ParameterTimeline([.. oee.Select(v => (v.FromUs, ModelHistory.Parameters(v.Model)))]), windows,
            new ReasonBook(Plant.Reasons, machine.Faults), Stamps(oee, calendar));
    }

    private static ShiftCalendar Calendar(string model)
    {
        var (zone, plan) = ModelHistory.Calendar(model);
        return new ShiftCalendar(plan, zone);
    }

    private static List<ModelStamp> Stamps(List<ModelVersion> oee, List<ModelVersion> calendar) =>
        [
            .. oee.Concat(calendar)
                .Select(v => v.FromUs)
                .Distinct()
                .Order()
                .Select(t => new ModelStamp(t, Fingerprint(At(oee, t) + At(calendar, t)))),
        ];

    private static string At(List<ModelVersion> versions, long timeUs) => (versions.FindLast(v => v.FromUs <= timeUs) ?? versions[0]).Model;

    private static string Fingerprint(string model) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(model)).AsSpan(0, 12));
}
