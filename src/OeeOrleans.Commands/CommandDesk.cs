using System.Text.Json;
using Microsoft.Extensions.Logging;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Commands;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Commands;

namespace OeeOrleans.Commands;

/// <summary>
/// Writes to PLCs with four eyes: one person asks, another approves within a time, and only then an edge node is told. Each step is one
/// transaction with its audit entry, and is made once, whoever else makes it at the same moment. Safe for concurrent use.
/// </summary>
public sealed class CommandDesk(
    IStore store, PlantDirectory plant, AccessDirectory directory, CommandSender sender, MachineFacts facts, CommandOptions options,
    TimeProvider clock, ILogger<CommandDesk> log)
{
    /// <summary>Characters of a reason or a comment.</summary>
    public const int MaxWords = 500;

    private const string System = "system";
    private const int Together = 100;

    /// <summary>From the approval on; then whoever was to send it is dead.</summary>
    private static readonly TimeSpan SendWithin = TimeSpan.FromSeconds(60);

    /// <summary>Asks for a write; another person decides about it.</summary>
    /// <exception cref="CommandException">It is none that could be made, now or ever.</exception>
    public async Task<PlcCommand> AskAsync(CommandRequest request, CommandActor actor, CancellationToken cancellationToken)
    {
        var missing = $"there is no machine '{request.Machine}'";
        var machine = plant.FindMachine(request.Machine) ?? throw new CommandException(CommandRefusal.Missing, missing);
        actor.Must(Permission.Operate, machine.Id, missing);
        var reason = Words(request.Reason, "reason");
        if (reason.Length == 0) throw Wrong("reason", "'reason' is missing: whoever approves wants to know why");
        var tag = TagOf(machine, request.Metric);
        var now = await facts.ReadAsync(machine.Id, tag.Signal, cancellationToken)
            ?? throw new CommandException(
                CommandRefusal.Conflict, $"'{tag.Signal}' of {machine.Id} was never heard, so nobody knows what it is");
        if (WriteCheck.WrongValue(tag, request.Value, now.DataType) is { } wrong) throw Wrong("value", wrong);
        if (WriteCheck.WhyNotNow(tag, request.Value, now, await facts.CategoryAsync(machine.Id, tag)) is { } not)
        {
            throw new CommandException(CommandRefusal.Conflict, not);
        }

        var nowUs = UnixMicros.Now(clock);
        var command = new PlcCommand
        {
            Id = Guid.NewGuid().ToString("N"), Machine = machine.Id, EdgeNode = machine.EdgeNode!, Device = machine.Device,
            Metric = tag.Metric, Signal = tag.Signal, Unit = tag.Unit, Scale = tag.Scale, Offset = tag.Offset,
            Value = request.Value.GetRawText(), Reason = reason, AskedBy = actor.Identity.Label,
            AskedPerson = directory.PersonOf(actor.Identity) ?? "", AskedUs = nowUs, ExpiresUs = nowUs + Micros(options.ApproveWithin),
            Shown = WriteCheck.Shown(now),
        };
        if (!await store.Commands.AddCommandAsync(command, Entry("ask", command, actor), cancellationToken))
        {
            throw new CommandException(CommandRefusal.Conflict, $"a write to '{tag.Signal}' of {machine.Id} is under way already");
        }

        CommandMetrics.Moved(command.State);
        return command;
    }

    /// <summary>Says yes, and sends it: as far as it came when this returns.</summary>
    /// <exception cref="CommandException">It is not for this one to say, or there is nothing to say any more.</exception>
    public async Task<PlcCommand> ApproveAsync(string id, string? comment, CommandActor actor, CancellationToken cancellationToken)
    {
        var command = await FindAsync(id, actor, cancellationToken);
        actor.Must(Permission.Administer, command.Machine, Missing(id));
        if (directory.PersonOf(actor.Identity) is null)
        {
            throw new CommandException(
                CommandRefusal.NotAllowed,
                $"nobody knows who stands behind {actor.Identity.Label}, so it cannot be the second person: sign in, or use "
                    + "a key that a user made");
        }

        if (IsOf(command, actor))
        {
            throw new CommandException(
                CommandRefusal.NotAllowed, $"{command.AskedBy} asked for it, and that is you: another person must approve it");
        }

        // Once it is decided what follows is done, also when whoever decided is gone.
        var approved = await DecideAsync(command, CommandState.Approved, "approve", comment, actor, CancellationToken.None);
        return await SendAsync(approved, actor, CancellationToken.None);
    }

    /// <summary>Says no; whoever asked for it may take it back so.</summary>
    /// <exception cref="CommandException">It is not for this one to say, or there is nothing to say any more.</exception>
    public async Task<PlcCommand> RejectAsync(string id, string? comment, CommandActor actor, CancellationToken cancellationToken)
    {
        var command = await FindAsync(id, actor, cancellationToken);
        var isOwn = IsOf(command, actor);
        if (!isOwn) actor.Must(Permission.Administer, command.Machine, Missing(id));
        var detail = isOwn ? "taken back by whoever asked for it" : $"refused by {actor.Identity.Label}";
        var refused = command with { FinishedUs = UnixMicros.Now(clock), Detail = detail };
        return await DecideAsync(refused, CommandState.Refused, "reject", comment, actor, cancellationToken);
    }

    /// <summary>A command of a machine at which the actor may ask for some.</summary>
    /// <exception cref="CommandException">There is none, for this one.</exception>
    public async Task<PlcCommand> FindAsync(string id, CommandActor actor, CancellationToken cancellationToken)
    {
        var command = await store.Commands.FindCommandAsync(id, cancellationToken)
            ?? throw new CommandException(CommandRefusal.Missing, Missing(id));
        actor.Must(Permission.Operate, command.Machine, Missing(id));
        return command;
    }

    /// <summary>Commands of machines at which the actor may ask for some, newest first.</summary>
    public Task<List<PlcCommand>> ListAsync(CommandQuery query, CommandActor actor, CancellationToken cancellationToken)
    {
        // Also those of machines that are no more, for who may look everywhere.
        if (actor.Scope.AllowsEverywhere(Permission.Operate)) return store.Commands.ReadCommandsAsync(query, cancellationToken);
        var visible = actor.Scope.MachineIds.Where(m => actor.Scope.Allows(Permission.Operate, m));
        return store.Commands.ReadCommandsAsync(
            query with { Machines = [.. query.Machines?.Intersect(visible) ?? visible] }, cancellationToken);
    }

    /// <summary>Ends what nobody approved or answered in time.</summary>
    /// <returns>How many.</returns>
    public async Task<int> EndOverdueAsync(CancellationToken cancellationToken)
    {
        var nowUs = UnixMicros.Now(clock);
        var overdue = await store.Commands.ReadOverdueCommandsAsync(nowUs, nowUs - Micros(SendWithin), Together, cancellationToken);
        foreach (var command in overdue)
        {
            var (state, detail) = command.State switch
            {
                CommandState.Requested => (CommandState.Expired, "nobody approved it in time"),
                CommandState.Approved => (
                    CommandState.Expired, "it was approved, and not sent: whoever was to send it ended, or could not reach the store"),
                _ => (
                    CommandState.Failed,
                    "the edge node did not answer in time: it may have been carried out, and cannot be any more; an answer that comes late "
                        + "is taken"),
            };
            var ended = command with { State = state, FinishedUs = nowUs, Detail = detail };
            await MoveAsync(ended, command.State, state.Name(), null, cancellationToken);
        }

        return overdue.Count;
    }

    private async Task<PlcCommand> DecideAsync(
        PlcCommand command, CommandState to, string action, string? comment, CommandActor actor, CancellationToken cancellationToken)
    {
        if (command.State != CommandState.Requested) throw Decided(command);
        var nowUs = UnixMicros.Now(clock);
        if (nowUs > command.ExpiresUs)
        {
            throw new CommandException(
                CommandRefusal.Conflict, $"its time was over at {UnixMicros.ToIso(command.ExpiresUs)}; it must be asked for anew");
        }

        var words = Words(comment, "comment");
        var decided = command with
        {
            State = to,
            DecidedBy = actor.Identity.Label,
            DecidedUs = nowUs,
            Comment = words.Length > 0 ? words : null,
        };
        return await MoveAsync(decided, CommandState.Requested, action, actor, cancellationToken)
            ?? throw Decided(await FindAsync(command.Id, actor, cancellationToken));
    }

    /// <summary>Looks at everything again, as it is now, and hands the command to the edge node, once.</summary>
    private async Task<PlcCommand> SendAsync(PlcCommand command, CommandActor actor, CancellationToken cancellationToken)
    {
        var (not, value) = await AgainAsync(command, cancellationToken);
        if (not is not null)
        {
            var refused = command with { State = CommandState.Refused, FinishedUs = UnixMicros.Now(clock), Detail = not };
            return await MoveAsync(refused, CommandState.Approved, "refuse", null, cancellationToken) ?? await NowAsync(command);
        }

        var nowUs = UnixMicros.Now(clock);
        var sent = command with { State = CommandState.Sent, SentUs = nowUs, AnswerByUs = nowUs + Micros(options.AnswerWithin) };
        // Before it is sent: whoever dies in between has sent nothing twice.
        var numbered = await MoveAsync(sent, CommandState.Approved, "send", null, cancellationToken);
        if (numbered is null) return await NowAsync(command);
        if (await sender.SendAsync(numbered, value, actor.Identity.Label) is not { } problem) return await NowAsync(numbered);
        var failed = numbered with { State = CommandState.Failed, FinishedUs = UnixMicros.Now(clock), Detail = problem };
        return await MoveAsync(failed, CommandState.Sent, "fail", null, cancellationToken) ?? await NowAsync(command);
    }

    /// <summary>
    /// The plant, the tag and the machine may be others than when it was asked for: why not, or the value in the metric's units.
    /// </summary>
    private async Task<(string? Not, string Value)> AgainAsync(PlcCommand command, CancellationToken cancellationToken)
    {
        try
        {
            var machine = plant.FindMachine(command.Machine);
            if (machine is null) return ($"the machine {command.Machine} is no more", "");
            if (!MayAsk(command)) return ($"{command.AskedBy} may not ask for it any more", "");
            var tag = TagOf(machine, command.Signal);
            var isSame = (machine.EdgeNode, machine.Device, tag.Metric, tag.Scale, tag.Offset)
                == (command.EdgeNode, command.Device, command.Metric, command.Scale, command.Offset);
            if (!isSame) return ($"'{command.Signal}' means another tag now than when it was asked for", "");
            using var json = JsonDocument.Parse(command.Value);
            var now = await facts.ReadAsync(machine.Id, tag.Signal, cancellationToken);
            var not = WriteCheck.WrongValue(tag, json.RootElement, now?.DataType ?? "")
                ?? WriteCheck.WhyNotNow(tag, json.RootElement, now, await facts.CategoryAsync(machine.Id, tag));
            return (not, WriteCheck.Raw(tag, json.RootElement, now?.DataType ?? "") ?? "");
        }
        catch (CommandException error)
        {
            return (error.Message, "");
        }
        catch (Exception error)
        {
            // A boundary: what cannot be looked at again is not sent.
            Log.NotChecked(log, command.Id, error);
            return ($"whether it may be written could not be looked at again: {error.Message}", "");
        }
    }

    private TagMapping TagOf(Machine machine, string metric)
    {
        var tag = machine.Tags.FirstOrDefault(t => t.Signal == metric) ?? machine.Tags.FirstOrDefault(t => t.Metric == metric);
        if (tag?.Write is null)
        {
            var writable = machine.Tags.Where(t => t.Write is not null).Select(t => $"'{t.Signal}'").ToList();
            var which = writable.Count == 0 ? "none of its tags has `write`" : $"{string.Join(", ", writable)} may";
            throw Wrong("metric", $"'{metric}' of {machine.Id} may not be written; {which}");
        }

        return machine.EdgeNode is not null
            ? tag
            : throw new CommandException(CommandRefusal.Conflict, $"{machine.Id} has no edge node that could write");
    }

    /// <summary>Who asked may have been sent away meanwhile. Whom another authority signs in is asked about there, and not here.</summary>
    private bool MayAsk(PlcCommand command) => AccessDirectory.IsExternal(command.AskedBy)
        || (directory.FindLabel(command.AskedBy) is { } asker && directory.ScopeOf(asker).Allows(Permission.Operate, command.Machine));

    /// <summary>Whether the person behind an actor asked for it.</summary>
    public bool IsOf(PlcCommand command, CommandActor actor) =>
        command.AskedBy == actor.Identity.Label
        || (command.AskedPerson.Length > 0 && command.AskedPerson == directory.PersonOf(actor.Identity));

    private async Task<PlcCommand> NowAsync(PlcCommand command) =>
        await store.Commands.FindCommandAsync(command.Id, CancellationToken.None) ?? command;

    private async Task<PlcCommand?> MoveAsync(
        PlcCommand to, CommandState from, string action, CommandActor? actor, CancellationToken cancellationToken)
    {
        var moved = await store.Commands.MoveCommandAsync(to, from, Entry(action, to, actor), cancellationToken);
        if (moved is not null) CommandMetrics.Moved(moved.State);
        return moved;
    }

    private AuditEntry Entry(string action, PlcCommand command, CommandActor? actor) => new(
        UnixMicros.Now(clock), actor?.Identity.Label ?? System, $"command.{action}", command.Id,
        JsonSerializer.Serialize(new
        {
            machine = command.Machine, signal = command.Signal, metric = command.Metric, value = command.Value, shown = command.Shown,
            reason = command.Reason, asked_by = command.AskedBy, comment = command.Comment, detail = command.Detail,
        }))
    {
        Asset = command.Machine, Origin = actor?.Origin,
    };

    private static string Words(string? text, string name)
    {
        var words = text?.Trim() ?? "";
        return words.Length <= MaxWords ? words : throw Wrong(name, $"'{name}' has {words.Length} characters; {MaxWords} are possible");
    }

    private static CommandException Wrong(string input, string message) => new(CommandRefusal.Input, message, input);

    private static CommandException Decided(PlcCommand command) => new(
        CommandRefusal.Conflict, $"it is {command.State.Name()} already{(command.DecidedBy is { } by ? $", by {by}" : "")}");

    private static string Missing(string id) => $"there is no command '{id}'";

    private static long Micros(TimeSpan time) => (long)time.TotalMicroseconds;
}
