using Microsoft.AspNetCore.Http;
using OeeOrleans.Access.Grants;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Gateway.Api;

/// <summary>
/// What a request is about: one line or one machine, by `line_id` or `machine_id`. Of what the caller may not look at there is none.
/// </summary>
internal readonly record struct Scope(Line? Line, Machine? Machine)
{
    public string Id => Line?.Id ?? Machine!.Id;

    /// <summary>line or machine.</summary>
    public string Kind => Line is null ? "machine" : "line";

    public IReadOnlyList<string> MachineIds => Machine is not null ? [Machine.Id] : [.. Line!.Machines.Select(m => m.Id)];

    /// <param name="live">About the present, of which machines that were retired have none.</param>
    public static Scope Required(
        HttpRequest request, PlantDirectory plant, Caller caller, Permission permission = Permission.Look, bool live = false) =>
        Optional(request, plant, caller, permission, live)
        ?? throw new BadParameterException("machine_id", "either 'line_id' or 'machine_id' is needed");

    public static Scope? Optional(
        HttpRequest request, PlantDirectory plant, Caller caller, Permission permission = Permission.Look, bool live = false) =>
        Of(Parameters.Text(request, "line_id"), Parameters.Text(request, "machine_id"), plant, caller, permission, live);

    /// <summary>A line, a machine, or null: neither was named.</summary>
    public static Scope? Of(
        string? line, string? machine, PlantDirectory plant, Caller caller, Permission permission = Permission.Look, bool live = false)
    {
        if (line is not null && machine is not null)
        {
            throw new BadParameterException("machine_id", "'line_id' and 'machine_id' exclude each other");
        }

        if (line is not null)
        {
            var missing = $"there is no line '{line}'";
            var found = plant.FindLine(line) ?? throw new NotFoundException(missing);
            caller.Must(permission, line, missing);
            return new Scope(found, null);
        }

        return machine is null ? null : new Scope(null, MachineOf(machine, plant, caller, permission, live));
    }

    public static Machine MachineOf(
        string id, PlantDirectory plant, Caller caller, Permission permission = Permission.Look, bool live = false)
    {
        var missing = $"there is no machine '{id}'";
        var machine = (live ? plant.FindMachine(id) : plant.Now.FindOnceMachine(id)) ?? throw new NotFoundException(missing);
        caller.Must(permission, id, missing);
        return machine;
    }

    /// <summary>Machines of which something may be seen, when a request names none: those at which the permission is.</summary>
    public static IReadOnlyList<string> AllMachines(Caller caller, Permission permission = Permission.Look) => permission == Permission.Look
        ? caller.Scope.MachineIds
        : [.. caller.Scope.MachineIds.Where(m => caller.Scope.Allows(permission, m))];
}
