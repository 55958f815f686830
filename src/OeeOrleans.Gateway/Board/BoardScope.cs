using OeeOrleans.Gateway.Access;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Gateway.Board;

/// <summary>What a page is about: a machine, a line, or all that its viewer may look at. It goes from page to page in the address.</summary>
internal sealed record BoardScope(string Id, string Name, Line? Line, Machine? Machine, IReadOnlyList<Machine> Machines)
{
    /// <summary>Up to so many machines are all offered.</summary>
    private const int MostMachines = 200;

    /// <summary>The part of the plant of an id; the first line where none is given or it is not there for this viewer.</summary>
    public static BoardScope? Of(Caller? caller, PlantDirectory plant, string? at)
    {
        if (caller is null || caller.Scope.Lines.Count == 0) return null;
        var site = plant.Plant.Site;
        if (at == site.Id && caller.Scope.IsWhole) return new BoardScope(site.Id, site.Name, null, null, [.. plant.Plant.Machines]);
        if (at is not null && caller.Scope.Sees(at) && plant.FindMachine(at) is { } machine)
        {
            return new BoardScope(machine.Id, NameOf(machine), null, machine, [machine]);
        }

        var line = caller.Scope.Lines.FirstOrDefault(l => l.Id == at) ?? caller.Scope.Lines[0];
        return new BoardScope(line.Id, line.Name, line, null, line.Machines);
    }

    /// <summary>What may be chosen: the site, lines, and machines below them; of a large plant the machines of the chosen line.</summary>
    /// <param name="at">What is chosen.</param>
    public static IEnumerable<(string Id, string Name, int Depth)> Choices(Caller caller, PlantDirectory plant, string? at)
    {
        var isSmall = caller.Scope.MachineIds.Count <= MostMachines;
        var chosen = at is null ? null : plant.FindMachine(at)?.LineId ?? at;
        if (caller.Scope.IsWhole) yield return (plant.Plant.Site.Id, plant.Plant.Site.Name, 0);
        foreach (var line in caller.Scope.Lines)
        {
            yield return (line.Id, line.Name, 1);
            if (!isSmall && line.Id != chosen) continue;
            foreach (var machine in line.Machines) yield return (machine.Id, NameOf(machine), 2);
        }
    }

    public static string NameOf(Machine machine) => machine.Name.Length > 0 ? machine.Name : machine.Id;

    /// <summary>Figures of sums, by the rules of the machines they are of.</summary>
    public OeeKpis Figures(in OeeSums sums, bool idealKnown) =>
        Ratios.Of(sums, Basis.All(m => m.Oee.PerformanceFromGood), UnknownIsStop, idealKnown);

    /// <summary>Unknown time counts as a stop, for all machines that its figures are of.</summary>
    public bool UnknownIsStop => Basis.All(m => m.Oee.UnknownIsStop);

    /// <summary>Machines whose rules its figures keep: the bottleneck's, where there is one.</summary>
    private IReadOnlyList<Machine> Basis => Line is { Policy: not LinePolicy.Weighted, BottleneckMachine: { } id }
        ? [.. Machines.Where(m => m.Id == id)]
        : Machines;
}
