using System.Text.Json;
using GraphQL;
using GraphQL.Types;
using OeeOrleans.Access.Grants;
using OeeOrleans.Commands;
using OeeOrleans.Configuration;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Gateway.Api.Plant;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>What can be done: the same as through the REST API, by the same rules.</summary>
internal sealed class MutationType : ObjectGraphType
{
    public MutationType()
    {
        Name = "Mutation";
        Faults();
        Commands();
        Plant();
    }

    private void Faults()
    {
        Field<NonNullGraphType<DocumentType<FaultDocument>>>("acknowledgeFault").Argument<NonNullGraphType<IdGraphType>>("id")
            .Argument<StringGraphType>("comment")
            .Argument<StringGraphType>("by", a => a.Description = "Who, where several share a sign-in.")
            .ResolveAsync(async c => await FaultEndpoints.AckAsync(
                c.GetArgument<string>("id"), new AckRequest(c.GetArgument<string?>("comment"), c.GetArgument<string?>("by")), c.Caller(),
                c.Http(), c.Get<PlantDirectory>(), c.Get<IStore>(), c.Get<TimeProvider>()));
        Field<NonNullGraphType<DocumentType<FaultDocument>>>("shelveFault").Argument<NonNullGraphType<IdGraphType>>("id")
            .Argument<TimeType>("until", a => a.Description = "Null shows it again.").Argument<StringGraphType>("comment")
            .Argument<StringGraphType>("by")
            .ResolveAsync(async c => await FaultEndpoints.ShelveAsync(
                c.GetArgument<string>("id"),
                new ShelveRequest(
                    c.GetArgument<DateTimeOffset?>("until"), c.GetArgument<string?>("comment"), c.GetArgument<string?>("by")),
                c.Caller(), c.Http(), c.Get<PlantDirectory>(), c.Get<IStore>(), c.Get<TimeProvider>()));
        Field<NonNullGraphType<DocumentType<StopDocument>>>("giveReason").Argument<NonNullGraphType<IdGraphType>>("stopId")
            .Argument<StringGraphType>("reason", a => a.Description = "Null takes it back.").Argument<StringGraphType>("comment")
            .Argument<TimeType>("at", a => a.Description = "Splits the stop there.").Argument<StringGraphType>("by")
            .ResolveAsync(async c => await LossEndpoints.GiveReasonAsync(
                c.GetArgument<string>("stopId"),
                new ReasonRequest(
                    c.GetArgument<string?>("reason"), c.GetArgument<string?>("comment"), c.GetArgument<DateTimeOffset?>("at"),
                    c.GetArgument<string?>("by")),
                c.Caller(), c.Get<PlantDirectory>(), c.Get<IGrainFactory>()));
    }

    private void Commands()
    {
        Field<NonNullGraphType<DocumentType<CommandDocument>>>("askCommand").Argument<NonNullGraphType<IdGraphType>>("machineId")
            .Argument<NonNullGraphType<StringGraphType>>("metric").Argument<NonNullGraphType<JsonScalar>>("value")
            .Argument<NonNullGraphType<StringGraphType>>("reason").Description("Asks for a write to a PLC; another person must approve it.")
            .ResolveAsync(async c =>
            {
                var request = new CommandRequest(
                    c.GetArgument<string>("machineId"), c.GetArgument<string>("metric"),
                    JsonSerializer.SerializeToElement(JsonScalar.Node(c.Arguments!["value"].Value)), c.GetArgument<string>("reason"));
                return CommandDocument.Of(await c.Get<CommandDesk>().AskAsync(request, Actor(c), c.CancellationToken));
            });
        Field<NonNullGraphType<DocumentType<CommandDocument>>>("approveCommand").Argument<NonNullGraphType<IdGraphType>>("id")
            .Argument<StringGraphType>("comment").ResolveAsync(async c => CommandDocument.Of(await c.Get<CommandDesk>().ApproveAsync(
                c.GetArgument<string>("id"), c.GetArgument<string?>("comment"), Actor(c), c.CancellationToken)));
        Field<NonNullGraphType<DocumentType<CommandDocument>>>("rejectCommand").Argument<NonNullGraphType<IdGraphType>>("id")
            .Argument<StringGraphType>("comment").ResolveAsync(async c => CommandDocument.Of(await c.Get<CommandDesk>().RejectAsync(
                c.GetArgument<string>("id"), c.GetArgument<string?>("comment"), Actor(c), c.CancellationToken)));
    }

    private void Plant()
    {
        Edit(
            "addPart", PlantDeed.Add,
            "Adds an asset, calendar, reason, threshold or source, with the keys of plant.yaml; `id` stands in it too.");
        Edit("replacePart", PlantDeed.Replace, "Makes a part what is given; what is below it stays.");
        Edit("mergePart", PlantDeed.Merge, "Changes the given keys of a part; null takes one away (RFC 7396).");
        Edit("removePart", PlantDeed.Remove, "Takes a part away; a machine is retired, its history stays.");
        Field<NonNullGraphType<DocumentType<RevisionDocument>>>("rollBack").Argument<NonNullGraphType<LongGraphType>>("revision")
            .Argument<StringGraphType>("comment").Argument<TimeType>("validFrom")
            .Description("Makes the plant what it was in an earlier revision; that is a new revision.").ResolveAsync(async c =>
            {
                c.Caller().MustEverywhere(Permission.Administer);
                var state = await c.Get<PlantConfiguration>().RollBackAsync(
                    c.GetArgument<long>("revision"), Author(c), PlantEdits.ValidFrom(c.GetArgument<DateTimeOffset?>("validFrom")),
                    c.CancellationToken);
                return RevisionDocument.Of(state.Revision, null);
            });
    }

    private void Edit(string name, PlantDeed deed, string description)
    {
        var field = Field<NonNullGraphType<PartType>>(name).Description(description)
            .Argument<NonNullGraphType<PlantPartType>>("part").Argument<NonNullGraphType<IdGraphType>>("id")
            .Argument<StringGraphType>("comment").Argument<TimeType>("validFrom");
        if (deed != PlantDeed.Remove) field.Argument<NonNullGraphType<JsonScalar>>("value");
        if (deed != PlantDeed.Add) field.Argument<NonNullGraphType<StringGraphType>>("tag", a => a.Description = "Of what was read.");
        field.ResolveAsync(async c =>
        {
            if (!c.Caller().Scope.Allows(Permission.Administer)) throw new ForbiddenException("this needs the role admin somewhere");
            var (part, id) = (c.GetArgument<PlantPart>("part"), c.GetArgument<string>("id"));
            var value = deed == PlantDeed.Remove ? null : JsonScalar.Node(c.Arguments!["value"].Value);
            var state = await PlantEdits.EditAsync(
                new PlantEdit(deed, part, id, value), deed == PlantDeed.Add ? null : c.GetArgument<string>("tag"), c.Caller(),
                c.Get<PlantConfiguration>(), Author(c), PlantEdits.ValidFrom(c.GetArgument<DateTimeOffset?>("validFrom")),
                c.CancellationToken);
            return deed == PlantDeed.Remove ? new Part(id, null, null, state.Revision.Revision) : Part.Of(state, part, id);
        });
    }

    private static PlantAuthor Author(IResolveFieldContext c) =>
        new(c.Caller().Identity.Label, Origin.Of(c.Http()), PlantEdits.Comment(c.GetArgument<string?>("comment")));

    private static CommandActor Actor(IResolveFieldContext c) => CommandEndpoints.ActorOf(c.Caller(), c.Http());
}
