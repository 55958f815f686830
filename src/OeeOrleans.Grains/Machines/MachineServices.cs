using OeeOrleans.Kpi.Plant;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Sink;

namespace OeeOrleans.Grains.Machines;

/// <summary>What all machines of a silo share.</summary>
internal sealed record MachineServices(
    IStore Store, ICommitSink Sink, PlantDirectory Plant, MachineAdmission Admission, SiloPace Pace);
