using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Plant;

/// <summary>The plant model as it is now, ready for look-ups. One per process; safe for concurrent use. Whoever looks twice and needs both
/// answers to be of one state takes <see cref="Now"/> once.</summary>
public sealed class PlantDirectory
{
    private volatile PlantIndex _now;

    /// <param name="plant">The plant as it is now.</param>
    /// <param name="versions">What its machines' models were over time; null: as now, always.</param>
    /// <param name="revision">Its number; 0 of a plant that is not stored.</param>
    public PlantDirectory(PlantModel plant, IReadOnlyList<ModelVersion>? versions = null, long revision = 0) =>
        _now = new PlantIndex(plant, versions, revision);

    public PlantIndex Now => _now;

    public PlantModel Plant => _now.Plant;

    /// <summary>The plant is another one: told of the state before, and after <see cref="Now"/> is the new one.</summary>
    public event Action<PlantIndex>? Changed;

    public Machine? FindMachine(string id) => _now.FindMachine(id);

    public Line? FindLine(string id) => _now.FindLine(id);

    public Machine? FindDevice(string edgeNode, string device) => _now.FindDevice(edgeNode, device);

    /// <summary>The model of a machine of the plant, or of one that was in it when it was found.</summary>
    public MachineModel ModelOf(Machine machine) => _now.FindModel(machine.Id)
        ?? new PlantIndex(new PlantModel
        {
            Site = Plant.Site, Calendars = Plant.Calendars, Reasons = Plant.Reasons,
            Areas = [new Area { Id = "", Lines = [new Line { Id = machine.LineId, Machines = [machine] }] }],
        }).FindModel(machine.Id)!;

    /// <summary>Makes another state the present one. One call at a time.</summary>
    public void Take(PlantModel plant, IReadOnlyList<ModelVersion> versions, long revision)
    {
        var before = _now;
        _now = new PlantIndex(plant, versions, revision, before);
        Changed?.Invoke(before);
    }
}
