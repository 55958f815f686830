using OeeOrleans.Model.Commands;
using OeeOrleans.Storage.Commands;

namespace OeeOrleans.Storage.Tests;

/// <summary>Writes to PLCs.</summary>
public abstract partial class StoreConformance
{
    private static readonly PlcCommand Asked = new()
    {
        Id = "c1", Machine = "m1", EdgeNode = "g/n", Device = "d", Metric = "Speed", Signal = "speed", Unit = "m/min", Scale = 2,
        Offset = 1, Value = "12.5", Reason = "thicker\0film", AskedBy = "key:k", AskedPerson = "anna", AskedUs = T0,
        ExpiresUs = T0 + 600, Shown = "10",
    };

    [Fact]
    public async Task A_command_comes_back_as_it_was_asked_for()
    {
        Assert.True(await Store.Commands.AddCommandAsync(Asked, Deed("command.ask"), default));
        Assert.Equal(Asked with { Reason = "thicker\uFFFDfilm" }, await Store.Commands.FindCommandAsync("c1", default));
        Assert.Null(await Store.Commands.FindCommandAsync("other", default));
        Assert.Single(await AuditAsync(null));
    }

    [Fact]
    public async Task Of_a_signal_one_command_is_open_at_a_time()
    {
        Assert.True(await Store.Commands.AddCommandAsync(Asked, Deed("a"), default));
        Assert.False(await Store.Commands.AddCommandAsync(Asked with { Id = "c2" }, Deed("b"), default));
        Assert.True(await Store.Commands.AddCommandAsync(Asked with { Id = "c3", Signal = "other" }, Deed("c"), default));
        await MoveAsync(Asked with { State = CommandState.Refused }, CommandState.Requested);
        Assert.True(await Store.Commands.AddCommandAsync(Asked with { Id = "c2" }, Deed("d"), default));
        // What was not done is not said.
        Assert.Equal(4, (await AuditAsync(null)).Count);
    }

    [Fact]
    public async Task Of_two_that_move_it_one_is_told_that_it_was_not_the_first()
    {
        await Store.Commands.AddCommandAsync(Asked, Deed("a"), default);
        var both = await Task.WhenAll(
            MoveAsync(Asked with { State = CommandState.Approved, DecidedBy = "bert", DecidedUs = T0 + 1 }, CommandState.Requested),
            MoveAsync(Asked with { State = CommandState.Refused, DecidedBy = "carl", DecidedUs = T0 + 1 }, CommandState.Requested));
        var won = Assert.Single(both, c => c is not null);
        Assert.Equal(won!.State, (await Store.Commands.FindCommandAsync("c1", default))!.State);
        Assert.Equal(2, (await AuditAsync(null)).Count);
    }

    [Fact]
    public async Task Numbers_of_an_edge_node_grow_whatever_the_clock_does_and_are_not_below_the_time()
    {
        var numbers = new List<long>();
        foreach (var (id, sentUs) in new[] { ("c1", T0), ("c2", T0), ("c3", T0 - 5_000_000), ("c4", T0 + 9_000_000) })
        {
            var command = Asked with { Id = id, Signal = id };
            await Store.Commands.AddCommandAsync(command, Deed("a"), default);
            await MoveAsync(command with { State = CommandState.Approved }, CommandState.Requested);
            var sent = command with { State = CommandState.Sent, SentUs = sentUs, AnswerByUs = sentUs + 1 };
            numbers.Add((await MoveAsync(sent, CommandState.Approved))!.Number!.Value);
        }

        Assert.Equal([T0, T0 + 1, T0 + 2, T0 + 9_000_000], numbers);
    }

    [Fact]
    public async Task The_first_answer_of_its_own_edge_node_counts_also_when_it_comes_late()
    {
        await SendAsync(Asked);
        await AnswerAsync(new CommandAnswer("c1", "g/other", "d", "Speed", true, "1", "2", null, T0 + 7));
        await AnswerAsync(new CommandAnswer("c1", "g/n", "other", "Speed", true, "1", "2", null, T0 + 7));
        await AnswerAsync(new CommandAnswer("c1", "g/n", "d", "Other", true, "1", "2", null, T0 + 7));
        Assert.Equal(CommandState.Sent, (await Store.Commands.FindCommandAsync("c1", default))!.State);
        var given = Asked with { State = CommandState.Failed, Detail = "no answer", Number = T0 };
        await MoveAsync(given, CommandState.Sent);
        await AnswerAsync(new CommandAnswer("c1", "g/n", "d", "Speed", true, "4.5", "5.75", null, T0 + 8));
        await AnswerAsync(new CommandAnswer("c1", "g/n", "d", "Speed", false, "1", "2", "a copy", T0 + 9));
        var answered = (await Store.Commands.FindCommandAsync("c1", default))!;
        Assert.Equal((CommandState.Confirmed, T0 + 8, null), (answered.State, answered.AnsweredUs, answered.Detail));
        // The edge node speaks in the metric's units: x 2 + 1.
        Assert.Equal(("10", "12.5"), (answered.Old, answered.New));
        // Nobody ends what was answered.
        Assert.Null(await MoveAsync(given, CommandState.Confirmed));
    }

    [Fact]
    public async Task An_answer_to_what_was_never_sent_changes_nothing()
    {
        await Store.Commands.AddCommandAsync(Asked, Deed("a"), default);
        await AnswerAsync(new CommandAnswer("c1", "g/n", "d", "Speed", true, "1", "2", null, T0));
        await AnswerAsync(new CommandAnswer("nobody's", "g/n", "d", "Speed", true, "1", "2", null, T0));
        Assert.Equal(Asked.State, (await Store.Commands.FindCommandAsync("c1", default))!.State);
    }

    [Fact]
    public async Task What_is_over_is_found_by_its_own_time()
    {
        await Store.Commands.AddCommandAsync(Asked with { Id = "asked", Signal = "a", ExpiresUs = T0 + 10 }, Deed("a"), default);
        await SendAsync(Asked with { Id = "sent", Signal = "b", AskedUs = T0 + 1 });
        await Store.Commands.AddCommandAsync(Asked with { Id = "done", Signal = "c" }, Deed("a"), default);
        await MoveAsync(Asked with { Id = "done", Signal = "c", State = CommandState.Expired }, CommandState.Requested);
        async Task<IEnumerable<string>> OverdueAsync(long us) =>
            (await Store.Commands.ReadOverdueCommandsAsync(us, us - 100, 10, default)).Select(c => c.Id);
        // One that was approved has its own time, whatever it had to be approved.
        var approved = Asked with { Id = "approved", Signal = "d", AskedUs = T0 + 2, ExpiresUs = T0 + 1, State = CommandState.Approved };
        await Store.Commands.AddCommandAsync(approved with { State = CommandState.Requested }, Deed("a"), default);
        await MoveAsync(approved with { DecidedUs = T0 }, CommandState.Requested);
        Assert.Equal([], await OverdueAsync(T0 + 10));
        Assert.Equal(["asked"], await OverdueAsync(T0 + 11));
        Assert.Equal(["asked"], await OverdueAsync(T0 + 100));
        Assert.Equal(["asked", "approved"], await OverdueAsync(T0 + 101));
        Assert.Equal(["asked", "sent", "approved"], await OverdueAsync(T0 + 1_001));
    }

    [Fact]
    public async Task Commands_are_listed_newest_first_by_state_and_machine_and_page_by_page()
    {
        for (var i = 0; i < 5; i++)
        {
            var command = Asked with { Id = $"c{i}", Signal = $"s{i}", Machine = i == 4 ? "m2" : "m1", AskedUs = T0 + (i / 2) };
            await Store.Commands.AddCommandAsync(command, Deed("a"), default);
        }

        async Task<IEnumerable<string>> ListAsync(CommandQuery query) =>
            (await Store.Commands.ReadCommandsAsync(query, default)).Select(c => c.Id);
        Assert.Equal(["c4", "c3", "c2", "c1", "c0"], await ListAsync(new CommandQuery(9)));
        Assert.Equal(["c3", "c2"], await ListAsync(new CommandQuery(2) { Machines = ["m1"] }));
        Assert.Equal(["c1", "c0"], await ListAsync(new CommandQuery(9) { Machines = ["m1"], After = (T0 + 1, "c2") }));
        Assert.Equal([], await ListAsync(new CommandQuery(9) { Machines = [] }));
        await MoveAsync(Asked with { Id = "c0", Signal = "s0", State = CommandState.Refused }, CommandState.Requested);
        Assert.Equal(["c0"], await ListAsync(new CommandQuery(9) { States = [CommandState.Refused, CommandState.Failed] }));
    }

    private async Task SendAsync(PlcCommand command)
    {
        await Store.Commands.AddCommandAsync(command, Deed("a"), default);
        await MoveAsync(command with { State = CommandState.Approved }, CommandState.Requested);
        await MoveAsync(
            command with { State = CommandState.Sent, SentUs = T0, AnswerByUs = T0 + 1_000 }, CommandState.Approved);
    }

    private Task AnswerAsync(CommandAnswer answer) =>
        Store.CommitAsync([new TelemetryUnit { Owner = "g/n", Answers = [answer] }], default);

    private Task<PlcCommand?> MoveAsync(PlcCommand to, CommandState from) =>
        Store.Commands.MoveCommandAsync(to, from, Deed("command.move"), default);
}
