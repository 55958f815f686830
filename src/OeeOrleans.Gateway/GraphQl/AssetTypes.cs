using GraphQL;
using GraphQL.Types;
using GraphQL.Validation.Complexity;
using OeeOrleans.Access.Grants;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Gateway.Live;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>Kinds of windows.</summary>
internal enum WindowKind
{
    Shift,
    Hour,
    Day,
    Job,
}

/// <summary>How long lists of a plant are, supposedly: what a question costs must be known before it is answered.</summary>
internal static class Usual
{
    public const int Areas = 2;
    public const int Lines = 5;
    public const int Machines = 20;
    public const int ActiveFaults = 2;
}

/// <summary>The site, and of areas and lines those that may be looked at.</summary>
internal sealed class SiteType : ObjectGraphType<PlantModel>
{
    public SiteType()
    {
        Name = "Site";
        Description = "The plant: areas with lines with machines.";
        Field<NonNullGraphType<IdGraphType>>("id").Resolve(c => c.Source.Site.Id);
        Field<NonNullGraphType<StringGraphType>>("name").Resolve(c => c.Source.Site.Name);
        Field<NonNullGraphType<StringGraphType>>("timeZone").Resolve(c => c.Source.Site.TimeZone).Description("IANA name.");
        Field<NonNullGraphType<ListGraphType<NonNullGraphType<AreaType>>>>("areas").WithComplexityImpact(1, Usual.Areas).Resolve(c =>
        {
            var scope = c.Caller().Scope;
            return c.Source.Areas.Where(a => scope.IsWhole || a.Lines.Any(l => scope.Sees(l.Id)));
        });
        Field<NonNullGraphType<ListGraphType<NonNullGraphType<LineType>>>>("lines")
            .WithComplexityImpact(1, Usual.Areas * Usual.Lines).Resolve(c => c.Caller().Scope.Lines);
        Field<NonNullGraphType<ListGraphType<NonNullGraphType<DocumentType<ReasonDocument>>>>>("reasons")
            .Resolve(c => c.Source.Reasons.Select(ReasonDocument.Of)).Description("The catalogue of reasons for stops.");
    }
}

/// <summary>An area.</summary>
internal sealed class AreaType : ObjectGraphType<Area>
{
    public AreaType()
    {
        Name = "Area";
        Field<NonNullGraphType<IdGraphType>>("id").Resolve(c => c.Source.Id);
        Field<NonNullGraphType<StringGraphType>>("name").Resolve(c => c.Source.Name);
        Field<NonNullGraphType<ListGraphType<NonNullGraphType<LineType>>>>("lines").WithComplexityImpact(1, Usual.Lines)
            .Resolve(c => c.Source.Lines.Where(l => c.Caller().Scope.Sees(l.Id)));
    }
}

/// <summary>A line with its machines, in the order of the flow.</summary>
internal sealed class LineType : ObjectGraphType<Line>
{
    public LineType()
    {
        Name = "Line";
        Field<NonNullGraphType<IdGraphType>>("id").Resolve(c => c.Source.Id);
        Field<NonNullGraphType<StringGraphType>>("name").Resolve(c => c.Source.Name);
        Field<NonNullGraphType<IdGraphType>>("areaId").Resolve(c => c.Source.AreaId);
        Field<NonNullGraphType<ListGraphType<NonNullGraphType<MachineType>>>>("machines")
            .WithComplexityImpact(1, Usual.Machines).Resolve(c => c.Source.Machines);
        Field<DocumentType<KpiDocument>>("kpi").Argument<WindowKindType>("window", a => a.DefaultValue = WindowKind.Shift)
            .Description("Figures of the window that is open now: of the shift from memory, of hour and day as they were stored last.")
            .ResolveAsync(async c =>
            {
                var kind = c.GetArgument<WindowKind>("window");
                KpiEndpoints.CheckJob(new Scope(c.Source, null), MachineType.NameOf(kind));
                if (kind == WindowKind.Shift) return Document(c.Get<LiveBoard>().Line(c.Source.Id));
                var loads = c.Get<PlantLoads>();
                var recent = c.Source.Machines.Select(m => loads.Recent(MachineType.NameOf(kind)).Load(m.Id)).ToList();
                return new Following<List<OeeWindow>, KpiDocument>(recent, all => Document(loads.Open(c.Source, all)));
            });
        Field<NonNullGraphType<ListGraphType<NonNullGraphType<DocumentType<KpiDocument>>>>>("history").Span()
            .Argument<WindowKindType>("window", a => a.DefaultValue = WindowKind.Hour).WithComplexityImpact(50)
            .Description("Stored windows that begin in [from, to); default the last seven days. Needs the role analytics.")
            .ResolveAsync(async c =>
            {
                c.Caller().Must(Permission.History, c.Source.Id, $"there is no line '{c.Source.Id}'");
                var (from, to) = c.Span(7 * UnixMicros.PerDay, MachineType.MaxHistoryUs);
                var kind = MachineType.NameOf(c.GetArgument<WindowKind>("window"));
                return await KpiEndpoints.HistoryAsync(
                    new Scope(c.Source, null), kind, from, to, c.Get<IGrainFactory>(), c.Get<IStore>(), c.CancellationToken);
            });
        Field<NonNullGraphType<DocumentType<LossReportDocument>>>("losses").Span().WithComplexityImpact(1_000)
            .Description("Lost time by reason; default the last eight hours, at most 31 days.")
            .ResolveAsync(async c => await MachineType.LossesAsync(c, new Scope(c.Source, null)));
        Field<NonNullGraphType<ListGraphType<NonNullGraphType<DocumentType<StopDocument>>>>>("stops").Span().Stops()
            .WithComplexityImpact(1_000)
            .ResolveAsync(async c => await MachineType.StopsAsync(c, new Scope(c.Source, null)));
    }

    private static KpiDocument? Document(OeeWindow? window) => window is null ? null : KpiDocument.Of("line", window);
}

/// <summary>A machine.</summary>
internal sealed class MachineType : ObjectGraphType<Machine>
{
    public MachineType()
    {
        Name = "Machine";
        Field<NonNullGraphType<IdGraphType>>("id").Resolve(c => c.Source.Id);
        Field<NonNullGraphType<StringGraphType>>("name").Resolve(c => c.Source.Name);
        Field<NonNullGraphType<IdGraphType>>("lineId").Resolve(c => c.Source.LineId);
        Field<IdGraphType>("cellId").Resolve(c => c.Source.CellId);
        Field<StringGraphType>("edgeNode").Resolve(c => c.Source.EdgeNode);
        Field<StringGraphType>("device").Resolve(c => c.Source.Device);
        Field<FloatGraphType>("idealCycleS").Resolve(c => (double?)c.Source.Oee.IdealCycleS);
        Field<NonNullGraphType<ListGraphType<NonNullGraphType<DocumentType<TagDocument>>>>>("tags")
            .Resolve(c => c.Source.Tags.Select(TagDocument.Of));
        Field<NonNullGraphType<DocumentType<MachineStatusDocument>>>("status")
            .Description("As it was told of last, from memory.")
            .Resolve(c => MachineStatusDocument.Of(c.Source, c.Get<LiveBoard>().StatusOf(c.Source.Id)));
        Field<DocumentType<KpiDocument>>("kpi").Argument<WindowKindType>("window", a => a.DefaultValue = WindowKind.Shift)
            .Description("Figures of the window that is open now: of the shift from memory, of the others as they were stored last.")
            .Resolve(c =>
            {
                var kind = c.GetArgument<WindowKind>("window");
                if (kind == WindowKind.Shift) return Document(c.Get<LiveBoard>().Machine(c.Source.Id)?.Shift);
                var loads = c.Get<PlantLoads>();
                var recent = loads.Recent(NameOf(kind)).Load(c.Source.Id);
                return new Following<List<OeeWindow>, KpiDocument>([recent], all => Document(loads.Open(all[0])));
            });
        Field<NonNullGraphType<ListGraphType<NonNullGraphType<DocumentType<KpiDocument>>>>>("history").Span()
            .Argument<WindowKindType>("window", a => a.DefaultValue = WindowKind.Hour).WithComplexityImpact(10)
            .Description("Stored windows that begin in [from, to); default the last seven days. Needs the role analytics.")
            .Resolve(c =>
            {
                c.Caller().Must(Permission.History, c.Source.Id, $"there is no machine '{c.Source.Id}'");
                var (from, to) = c.Span(7 * UnixMicros.PerDay, MachineType.MaxHistoryUs);
                var windows = c.Get<PlantLoads>().Windows(NameOf(c.GetArgument<WindowKind>("window")), from, to).Load(c.Source.Id);
                return new Following<List<OeeWindow>, IEnumerable<KpiDocument>>(
                    [windows], all => (all[0] ?? []).Select(w => KpiDocument.Of("machine", w)));
            });
        Field<NonNullGraphType<ListGraphType<NonNullGraphType<DocumentType<FaultDocument>>>>>("activeFaults")
            .WithComplexityImpact(1, Usual.ActiveFaults).Resolve(c =>
            {
                var faults = c.Get<PlantLoads>().ActiveFaults.Load(c.Source.Id);
                return new Following<List<FaultDocument>, IEnumerable<FaultDocument>>([faults], all => all[0] ?? []);
            });
        Field<NonNullGraphType<DocumentType<TrendDocument>>>("trend").Argument<NonNullGraphType<StringGraphType>>("name").Span()
            .Argument<IntGraphType>("points", a => a.DefaultValue = 1_000)
            .WithComplexityImpact(c => new FieldComplexityResult(
                200 + (Math.Clamp(c.GetArgument<int?>("points") ?? 1_000, 1, TelemetryEndpoints.MaxPoints) / 5.0), 1))
            .Description("One signal over time; default the last day. Needs the role analytics.")
            .ResolveAsync(async c =>
            {
                var (from, to) = c.Span(UnixMicros.PerDay);
                var points = c.GetArgument<int>("points");
                if (points is < 1 or > TelemetryEndpoints.MaxPoints)
                {
                    throw new BadParameterException("points", $"'points' is {points}; 1 to {TelemetryEndpoints.MaxPoints} is possible");
                }

                return await TelemetryEndpoints.TrendAsync(
                    c.Source.Id, c.GetArgument<string>("name"), from, to, points, c.Caller(), c.Get<PlantDirectory>(), c.Get<IStore>(),
                    c.CancellationToken);
            });
        Field<NonNullGraphType<DocumentType<LossReportDocument>>>("losses").Span().WithComplexityImpact(1_000)
            .Description("Lost time by reason; default the last eight hours, at most 31 days.")
            .ResolveAsync(async c => await LossesAsync(c, new Scope(null, c.Source)));
        Field<NonNullGraphType<ListGraphType<NonNullGraphType<DocumentType<StopDocument>>>>>("stops").Span().Stops()
            .WithComplexityImpact(1_000)
            .ResolveAsync(async c => await StopsAsync(c, new Scope(null, c.Source)));
        Field<NonNullGraphType<DocumentType<ExplanationDocument>>>("explain").Span().WithComplexityImpact(1_000)
            .Description("Everything behind the figures of [from, to); default the last hour, at most 31 days.")
            .ResolveAsync(async c =>
            {
                var (from, to) = c.Span(UnixMicros.PerHour);
                return await KpiEndpoints.ExplainAsync(
                    c.Source, from, to, c.Caller(), c.Get<PlantDirectory>(), c.Get<IGrainFactory>(), c.Get<IStore>(),
                    c.Get<TimeProvider>(), c.CancellationToken);
            });
    }

    /// <summary>Windows of so long at most are read at once.</summary>
    public const long MaxHistoryUs = 400 * UnixMicros.PerDay;

    public static string NameOf(WindowKind kind) => kind.ToString().ToLowerInvariant();

    public static Task<LossReportDocument> LossesAsync(IResolveFieldContext c, Scope scope)
    {
        var (from, to) = c.Span(8 * UnixMicros.PerHour);
        return LossEndpoints.LossesAsync(scope, from, to, c.Caller(), c.Get<IGrainFactory>(), c.Get<TimeProvider>());
    }

    public static Task<List<StopDocument>> StopsAsync(IResolveFieldContext c, Scope scope)
    {
        var (from, to) = c.Span(8 * UnixMicros.PerHour);
        return LossEndpoints.StopsAsync(
            scope, from, to, c.GetArgument<bool>("small"), c.GetArgument<bool?>("given"), c.Caller(), c.Get<PlantDirectory>(),
            c.Get<IGrainFactory>(), c.Get<TimeProvider>());
    }

    private static KpiDocument? Document(OeeWindow? window) => window is null ? null : KpiDocument.Of("machine", window);
}

/// <summary>`SHIFT`, `HOUR`, `DAY`, `JOB`.</summary>
internal sealed class WindowKindType : EnumerationGraphType<WindowKind>
{
    public WindowKindType() => Name = "WindowKind";
}
