using GraphQL;
using GraphQL.Types;
using GraphQL.Validation.Complexity;
using OeeOrleans.Access.Grants;
using OeeOrleans.Commands;
using OeeOrleans.Configuration;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Gateway.Api.Plant;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Commands;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Commands;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>Everything that can be asked.</summary>
internal sealed class QueryType : ObjectGraphType
{
    private const int MaxMachines = 1_000;
    private const int MaxPage = 1_000;

    public QueryType()
    {
        Name = "Query";
        Field<NonNullGraphType<SiteType>>("site").Resolve(c => c.Get<PlantDirectory>().Plant);
        Field<LineType>("line").Argument<NonNullGraphType<IdGraphType>>("id").Description("Null: there is none.")
            .Resolve(c => c.Caller().Scope.Lines.FirstOrDefault(l => l.Id == c.GetArgument<string>("id")));
        Field<MachineType>("machine").Argument<NonNullGraphType<IdGraphType>>("id").Description("Null: there is none.")
            .Resolve(c =>
            {
                var id = c.GetArgument<string>("id");
                return c.Caller().Scope.Sees(id) ? c.Get<PlantDirectory>().FindMachine(id) : null;
            });
        Field<NonNullGraphType<MachinePageType>>("machines").Argument<IdGraphType>("lineId").Paged()
            .WithComplexityImpact(c => new FieldComplexityResult(1, Math.Clamp(c.GetArgument<int?>("first") ?? 100, 1, MaxMachines)))
            .Description($"Machines in the order of the plant; `first` 1 to {MaxMachines}, default 100.").Resolve(Machines);
        Field<NonNullGraphType<DocumentType<Page<FaultDocument>>>>("faults")
            .Argument<IdGraphType>("lineId").Argument<IdGraphType>("machineId").Span().Paged().WithComplexityImpact(50, 1)
            .Description("Faults that overlap [from, to), newest first; default the last seven days. Needs the role analytics.")
            .ResolveAsync(async c =>
            {
                var (from, to) = c.Span(7 * UnixMicros.PerDay);
                return await FaultEndpoints.HistoryAsync(
                    Machines(c, Permission.History), from, to, c.First(100, MaxPage), c.GetArgument<string?>("after"),
                    c.Get<PlantDirectory>(), c.Get<IStore>(), c.CancellationToken);
            });
        Field<NonNullGraphType<DocumentType<Page<CommandDocument>>>>("commands")
            .Argument<IdGraphType>("lineId").Argument<IdGraphType>("machineId")
            .Argument<ListGraphType<NonNullGraphType<StringGraphType>>>(
                "states", a => a.Description = string.Join(", ", CommandStateNames.All))
            .Paged().WithComplexityImpact(50, 1).Description("Writes to PLCs that were asked for, newest first. Needs the role scada.")
            .ResolveAsync(async c => await CommandsAsync(c));
        Field<NonNullGraphType<ListGraphType<NonNullGraphType<DocumentType<EdgeNodeDocument>>>>>("edgeNodes").WithComplexityImpact(100)
            .ResolveAsync(async c => await TelemetryEndpoints.EdgeNodesAsync(
                c.Caller(), c.Get<PlantDirectory>(), c.Get<PlantConfiguration>(), c.Get<IGrainFactory>()));
        Field<NonNullGraphType<ConfigurationType>>("configuration")
            .Description("The plant as data. Needs the role admin at the site.").Resolve(c =>
            {
                c.Caller().MustEverywhere(Permission.Administer);
                return new object();
            });
    }

    private static MachinePage Machines(IResolveFieldContext c)
    {
        var caller = c.Caller();
        var plant = c.Get<PlantDirectory>();
        var machines = Scope.Of(c.GetArgument<string?>("lineId"), null, plant, caller, live: true)?.MachineIds ?? caller.Scope.MachineIds;
        var first = c.First(100, MaxMachines);
        var after = c.GetArgument<string?>("after") is { } id ? machines.ToList().IndexOf(id) : -1;
        if (after < 0 && c.GetArgument<string?>("after") is not null)
        {
            throw new BadParameterException("after", "'after' is none that a page before gave as 'next', or that machine is no more");
        }

        List<string> ids = [.. machines.Skip(after + 1).Take(first)];
        return new MachinePage(
            [.. ids.Select(plant.FindMachine).OfType<Model.Plant.Machine>()], after + 1 + ids.Count < machines.Count ? ids[^1] : null);
    }

    private static IReadOnlyList<string> Machines(IResolveFieldContext c, Permission permission) => Scope.Of(
        c.GetArgument<string?>("lineId"), c.GetArgument<string?>("machineId"), c.Get<PlantDirectory>(), c.Caller(), permission)?.MachineIds
        ?? Scope.AllMachines(c.Caller(), permission);

    private static async Task<Page<CommandDocument>> CommandsAsync(IResolveFieldContext c)
    {
        if (!c.Caller().Scope.Allows(Permission.Operate)) throw new ForbiddenException("this needs the role scada somewhere");
        var (line, machine, first) = (c.GetArgument<string?>("lineId"), c.GetArgument<string?>("machineId"), c.First(100, MaxPage));
        var query = new CommandQuery(first)
        {
            States = c.GetArgument<List<string>?>("states") is { } states ? [.. states.Select(CommandEndpoints.StateOf)] : null,
            Machines = Scope.Of(line, machine, c.Get<PlantDirectory>(), c.Caller(), Permission.Operate)?.MachineIds,
            After = PageCursor.Read(c.GetArgument<string?>("after")),
        };
        return await CommandEndpoints.ListAsync(
            query, CommandEndpoints.ActorOf(c.Caller(), c.Http()), c.Get<CommandDesk>(), c.CancellationToken);
    }
}

/// <summary>Machines, and where they go on.</summary>
internal sealed record MachinePage(IReadOnlyList<Model.Plant.Machine> Items, string? Next);

internal sealed class MachinePageType : ObjectGraphType<MachinePage>
{
    public MachinePageType()
    {
        Name = "MachinePage";
        // As many as the page was asked for.
        Field<NonNullGraphType<ListGraphType<NonNullGraphType<MachineType>>>>("items").WithComplexityImpact(1, 1)
            .Resolve(c => c.Source.Items);
        Field<IdGraphType>("next").Resolve(c => c.Source.Next).Description("`after` of the next page; null: there is none.");
    }
}

/// <summary>The plant as data.</summary>
internal sealed class ConfigurationType : ObjectGraphType<object>
{
    private const int MaxRevisions = 1_000;

    public ConfigurationType()
    {
        Name = "Configuration";
        Field<NonNullGraphType<PartType>>("part").Argument<NonNullGraphType<PlantPartType>>("part")
            .Argument<NonNullGraphType<IdGraphType>>("id")
            .Description("One asset, calendar, reason, threshold or source, or a machine's tags.")
            .ResolveAsync(async c =>
            {
                var state = await c.Get<PlantConfiguration>().AtHandAsync(c.CancellationToken);
                return Part.Of(state, c.GetArgument<PlantPart>("part"), c.GetArgument<string>("id"));
            });
        Field<NonNullGraphType<JsonScalar>>("document").WithComplexityImpact(1_000)
            .Description("The whole plant, with the history of its machines' models: what `oee config import` takes.")
            .ResolveAsync(async c => PlantExport.Of(await c.Get<PlantConfiguration>().ReadAsync(c.CancellationToken)));
        Field<NonNullGraphType<ListGraphType<NonNullGraphType<DocumentType<RevisionDocument>>>>>("revisions")
            .Argument<IntGraphType>("first").Argument<IntGraphType>("before", a => a.Description = "Only those before this one.")
            .WithComplexityImpact(50, 20).Description($"Newest first; `first` 1 to {MaxRevisions}, default 100.")
            .ResolveAsync(async c =>
            {
                var found = await c.Get<IStore>().Plant.ReadRevisionsAsync(
                    c.GetArgument<int?>("before"), c.First(100, MaxRevisions), c.CancellationToken);
                return found.Select(r => RevisionDocument.Of(r, null));
            });
    }
}

/// <summary>A part of the plant, with the keys of `plant.yaml`; `tag` is to be given with a change of it.</summary>
internal sealed record Part(string Id, System.Text.Json.Nodes.JsonNode? Value, string? Tag, long Revision)
{
    public static Part Of(PlantState state, PlantPart part, string id)
    {
        var editor = new PlantEditor(state.Document);
        var shown = editor.Show(part, id) ?? throw new NotFoundException($"there is no {part.ToString().ToLowerInvariant()} '{id}'");
        return new Part(id, shown, editor.TagOf(part, id), state.Revision.Revision);
    }
}

internal sealed class PartType : ObjectGraphType<Part>
{
    public PartType()
    {
        Name = "PlantPart";
        Field<NonNullGraphType<IdGraphType>>("id").Resolve(c => c.Source.Id);
        Field<JsonScalar>("value").Resolve(c => c.Source.Value).Description("Null: it was taken away.");
        Field<StringGraphType>("tag").Resolve(c => c.Source.Tag).Description("What a change of it must show, as an ETag.");
        Field<NonNullGraphType<LongGraphType>>("revision").Resolve(c => c.Source.Revision);
    }
}

/// <summary>Kinds of parts.</summary>
internal sealed class PlantPartType : EnumerationGraphType<PlantPart>
{
    public PlantPartType() => Name = "PlantPartKind";
}
