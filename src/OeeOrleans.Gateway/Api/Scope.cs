using Microsoft.AspNetCore.Http;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Gateway.Api;

/// <summary>What a request is about: one line or one machine, by `line_id` or `machine_id`.</summary>
internal readonly record struct Scope(Line? Line, Machine? Machine)
{
    public IReadOnlyList<string> MachineIds => Machine is not null ? [Machine.Id] : [.. Line!.Machines.Select(m => m.Id)];

    public static Scope Required(HttpRequest request, PlantDirectory plant) =>
        Optional(request, plant) ?? throw new BadParameterException("machine_id", "either 'line_id' or 'machine_id' is needed");

    public static Scope? Optional(HttpRequest request, PlantDirectory plant)
    {
        var line = Parameters.Text(request, "line_id");
        var machine = Parameters.Text(request, "machine_id");
        if (line is not null && machine is not null)
        {
            throw new BadParameterException("machine_id", "'line_id' and 'machine_id' exclude each other");
        }

        if (line is not null) return new Scope(plant.FindLine(line) ?? throw new NotFoundException($"there is no line '{line}'"), null);
        if (machine is not null)
        {
            return new Scope(null, plant.FindMachine(machine) ?? throw new NotFoundException($"there is no machine '{machine}'"));
        }

        return null;
    }
}
