using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Plant;

/// <summary>A state of the plant model, ready for look-ups. Does not change.</summary>
public sealed class PlantIndex
{
    private readonly Dictionary<string, Machine> _machines;
    private readonly Dictionary<string, RetiredMachine> _retired;
    private readonly Dictionary<string, Line> _lines;
    private readonly Dictionary<(string EdgeNode, string Device), Machine> _byDevice;
    private readonly Dictionary<string, MachineModel> _models;
    private readonly ILookup<string, Threshold> _thresholds;
    private readonly Dictionary<string, string> _fingerprints = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PlantWindows> _calendars = new(StringComparer.Ordinal);

    /// <param name="plant">The plant as it is now.</param>
    /// <param name="versions">What its machines' models were over time; null: as now, always.</param>
    /// <param name="revision">Its number; 0 of a plant that is not stored.</param>
    /// <param name="before">The state before it: what did not change is the same object in both.</param>
    public PlantIndex(PlantModel plant, IReadOnlyList<ModelVersion>? versions = null, long revision = 0, PlantIndex? before = null)
    {
        (Plant, Revision) = (plant, revision);
        _machines = plant.Machines.ToDictionary(m => m.Id, StringComparer.Ordinal);
        _retired = plant.Retired.ToDictionary(r => r.Machine.Id, StringComparer.Ordinal);
        _lines = plant.Lines.ToDictionary(l => l.Id, StringComparer.Ordinal);
        var edgeNodes = plant.Machines.Select(m => m.EdgeNode).OfType<string>().ToHashSet(StringComparer.Ordinal);
        EdgeNodes = before is not null && before.EdgeNodes.SetEquals(edgeNodes) ? before.EdgeNodes : edgeNodes;
        _byDevice = plant.Machines.Where(m => m.EdgeNode is not null).ToDictionary(m => (m.EdgeNode!, m.Device));
        var byPart = (versions ?? ModelHistory.Update([], plant, 0)).ToLookup(v => (v.Machine, v.Part));
        var reasons = JsonSerializer.Serialize(plant.Reasons);
        _thresholds = plant.Thresholds.ToLookup(t => t.Machine, StringComparer.Ordinal);
        _models = _machines.Values.Concat(_retired.Values.Select(r => r.Machine)).ToDictionary(
            m => m.Id,
            m => Model(
                m, [.. byPart[(m.Id, ModelHistory.OeePart)]], [.. byPart[(m.Id, ModelHistory.CalendarPart)]], reasons, before),
            StringComparer.Ordinal);
    }

    public PlantModel Plant { get; }

    /// <summary>Edge nodes (`group/node`) that machines are behind; the same object as before when they are the same.</summary>
    public IReadOnlySet<string> EdgeNodes { get; }

    public long Revision { get; }

    public Machine? FindMachine(string id) => _machines.GetValueOrDefault(id);

    /// <summary>Also a machine that was retired: what it did can be asked for.</summary>
    public Machine? FindOnceMachine(string id) => FindMachine(id) ?? _retired.GetValueOrDefault(id)?.Machine;

    /// <summary>When a machine was retired, microseconds; null: it was not.</summary>
    public long? RetiredAt(string id) => _retired.TryGetValue(id, out var retired) ? retired.AtUs : null;

    public Line? FindLine(string id) => _lines.GetValueOrDefault(id);

    /// <summary>The machine behind a Sparkplug device (empty device: the edge node itself).</summary>
    public Machine? FindDevice(string edgeNode, string device) => _byDevice.GetValueOrDefault((edgeNode, device));

    /// <summary>The machine that a device was before it was retired; null when it was none. What it says goes on under its name.</summary>
    public Machine? FindRetiredDevice(string edgeNode, string device) =>
        Plant.Retired.LastOrDefault(r => r.Machine.EdgeNode == edgeNode && r.Machine.Device == device)?.Machine;

    /// <summary>The model of a machine, also of a retired one; another object only when something of it is another one.</summary>
    public MachineModel? FindModel(string id) => _models.GetValueOrDefault(id);

    private MachineModel Model(
        Machine machine, List<ModelVersion> oee, List<ModelVersion> calendar, string reasons, PlantIndex? before)
    {
        // One that the store has no versions of, such as a retired one of an imported plant.
        if (oee.Count == 0 || calendar.Count == 0)
        {
            var alone = Plant with { Retired = [], Areas = [new Area { Id = "", Lines = [new Line { Id = "", Machines = [machine] }] }] };
            var made = ModelHistory.Update([], alone, 0).ToLookup(v => v.Part);
            (oee, calendar) = ([.. made[ModelHistory.OeePart]], [.. made[ModelHistory.CalendarPart]]);
        }

        // Machines of one calendar share it: what it works out is remembered once.
        var key = string.Join('\n', calendar.Select(v => $"{v.FromUs}:{v.Model}"));
        var parameters = string.Join('\n', oee.Select(v => $"{v.FromUs}:{v.Model}"));
        List<Threshold> thresholds = [.. _thresholds[machine.Id]];
        var fingerprint = Fingerprint(
            $"{RetiredAt(machine.Id)}{JsonSerializer.Serialize(machine)}{key}{parameters}{reasons}{JsonSerializer.Serialize(thresholds)}");
        _fingerprints[machine.Id] = fingerprint;
        if (!_calendars.TryGetValue(key, out var windows))
        {
            _calendars[key] = windows = before?._calendars.GetValueOrDefault(key)
                ?? new PlantWindows(new VersionedCalendar([.. calendar.Select(v => (v.FromUs, Calendar(v.Model)))]));
        }

        if (before?._fingerprints.GetValueOrDefault(machine.Id) == fingerprint) return before._models[machine.Id];
        return new MachineModel(
            machine, new ParameterTimeline([.. oee.Select(v => (v.FromUs, ModelHistory.Parameters(v.Model)))]), windows,
            new ReasonBook(Plant.Reasons, machine.Faults), Stamps(oee, calendar))
        {
            Thresholds = thresholds,
        };
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
