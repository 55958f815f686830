using CsCheck;
using OeeOrleans.Storage.Sink;

namespace OeeOrleans.Grains.Tests.Fate;

/// <summary>
/// The fate of a delivery under arbitrary interleavings of arrivals, deliveries, commits, failures and restarts (decisions D2 and D9).
/// </summary>
public sealed class DeliveryFateTests
{
    private static readonly Gen<Kind> Kinds = Gen.Frequency(
        (12, Gen.Const(Kind.Fine)), (1, Gen.Const(Kind.Refused)), (1, Gen.Const(Kind.DecodeBug)), (1, Gen.Const(Kind.CommitBug)),
        (1, Gen.Const(Kind.ApplyBug)));

    private static readonly Gen<StoreDoes> Script = Gen.Frequency(
        (4, Gen.Const(StoreDoes.Commits)), (3, Gen.Const(StoreDoes.IsAway)), (1, Gen.Const(StoreDoes.CommitsAndIsAway)));

    private enum Step
    {
        Arrive,
        Deliver,
        SiloDies,
        GrainDies,
    }

    private static readonly Gen<Step> Steps = Gen.Frequency(
        (6, Gen.Const(Step.Arrive)), (5, Gen.Const(Step.Deliver)), (1, Gen.Const(Step.SiloDies)), (1, Gen.Const(Step.GrainDies)));

    private static readonly Gen<bool[]> Fails = Gen.Bool.Array[0, 10];

    private static readonly Gen<StoreDoes[]> OnlyAway = Gen.Frequency(
        (4, Gen.Const(StoreDoes.Commits)), (3, Gen.Const(StoreDoes.IsAway))).Array[0, 40];

    private static readonly Gen<Step[]> OnlyLife = Gen.Frequency(
        (6, Gen.Const(Step.Arrive)), (5, Gen.Const(Step.Deliver))).Array[10, 60];

    [Fact]
    public async Task Every_message_is_stored_or_a_dead_letter_room_is_given_back_and_nobody_was_told_otherwise() =>
        await Gen.Select(Kinds.Array[1, 40], Script.Array[0, 40], Fails, Fails, Steps.Array[10, 60]).SampleAsync(
            async (kinds, script, applyFails, decodeFails, steps) =>
            {
                await using var model = new FateModel(kinds, script, applyFails, decodeFails);
                await LiveAsync(model, kinds, steps);
                await AssertSettledAsync(model, kinds);
            },
            iter: 250, threads: 2);

    /// <summary>
    /// Where no answer is lost, nobody dies and nothing is wrong, nothing has a reason to be written twice, and nothing is.
    /// </summary>
    [Fact]
    public async Task What_is_fine_is_committed_once() =>
        await Gen.Select(Gen.Int[1, 40], OnlyAway, OnlyLife).SampleAsync(
            async (count, script, steps) =>
            {
                var kinds = Enumerable.Repeat(Kind.Fine, count).ToArray();
                await using var model = new FateModel(kinds, script, []);
                await LiveAsync(model, kinds, steps);
                await AssertSettledAsync(model, kinds);
                Assert.All(model.Stored, s => Assert.Equal((s.Key, 1), (s.Key, s.Value)));
            },
            iter: 150, threads: 2);

    [Fact]
    public async Task What_cannot_be_stored_is_one_dead_letter() =>
        await Gen.Select(Kinds.Array[1, 40], OnlyAway, OnlyLife).SampleAsync(
            async (kinds, script, steps) =>
            {
                await using var model = new FateModel(kinds, script, []);
                await LiveAsync(model, kinds, steps);
                await AssertSettledAsync(model, kinds);
                Assert.All(model.DeadLetters, l => Assert.Equal((l.Key, 1), (l.Key, l.Value)));
            },
            iter: 150, threads: 2);

    [Fact]
    public async Task A_delivery_that_comes_again_joins_its_ticket_instead_of_queueing_its_rows_twice()
    {
        await using var model = new FateModel([Kind.Fine, Kind.Fine], Enumerable.Repeat(StoreDoes.IsAway, 400), []);
        model.Arrive(0, redelivered: false);
        for (var i = 0; i < 5; i++) await model.DeliverAsync();
        Assert.Single(model.Sink.Tickets);
        // What came meanwhile is queued, once.
        model.Arrive(1, redelivered: false);
        for (var i = 0; i < 5; i++) await model.DeliverAsync();
        Assert.Equal(2, model.Sink.Tickets.Count);
        Assert.Equal(2, model.ShownAhead.Count);
    }

    [Fact]
    public async Task What_was_shown_ahead_of_the_store_is_taken_back_when_it_comes_to_nothing()
    {
        await using var model = new FateModel([Kind.Refused], Enumerable.Repeat(StoreDoes.IsAway, 30), []);
        model.Arrive(0, redelivered: false);
        await model.DeliverAsync();
        Assert.Single(model.ShownAhead);
        for (var i = 0; i < 1_000 && !model.IsDone; i++) await model.DeliverAsync();
        Assert.Empty(model.ShownAhead);
        Assert.Equal([KeyValuePair.Create(0, 1)], model.DeadLetters);
    }

    private static async Task LiveAsync(FateModel model, Kind[] kinds, Step[] steps)
    {
        var arrived = 0;
        foreach (var step in steps)
        {
            if (step == Step.SiloDies) model.Restart(arrived);
            else if (step == Step.GrainDies) model.Reactivate();
            else if (step == Step.Deliver) await model.DeliverAsync();
            else if (arrived < kinds.Length) model.Arrive(arrived++, redelivered: false);
        }

        while (arrived < kinds.Length) model.Arrive(arrived++, redelivered: false);
        for (var i = 0; i < 3_000 && !model.IsDone; i++) await model.DeliverAsync();
    }

    private static async Task AssertSettledAsync(FateModel model, Kind[] kinds)
    {
        // Room is given back a moment after the state says so, and before whoever awaits it hears of it.
        await Task.WhenAll(model.Sink.Tickets.Select(t => t.Settled)).WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(Enumerable.Range(0, kinds.Length), model.Acknowledged.Order());
        for (var id = 0; id < kinds.Length; id++)
        {
            var stored = model.Stored.ContainsKey(id) && model.Applied.Contains(id);
            Assert.True(
                stored || model.DeadLetters.ContainsKey(id), $"message {id} ({kinds[id]}) is neither stored and applied nor a dead letter");
            // Innocent neighbours of an offender are found to be so.
            var putAside = model.DeadLetters.ContainsKey(id);
            if (kinds[id] == Kind.Fine) Assert.True(stored && !putAside, $"message {id} is fine and was put aside");
            else Assert.Contains(id, model.DeadLetters.Keys);
        }

        Assert.Empty(model.Violations);
        // What a failed delivery taught the session is forgotten with it. It knows what is stored, and what was refused before a delivery
        // that was committed.
        Assert.Empty(model.Stored.Keys.Except(model.Session));
        Assert.All(model.Session.Except(model.Stored.Keys), id => Assert.True(kinds[id] is Kind.Refused or Kind.CommitBug));
        Assert.Empty(model.ShownAhead);
        Assert.Equal((0, 0), (model.PendingRows, model.InMemory));
        // What a ticket became first it is still: no unit is written after its owner was told that it is not.
        foreach (var ticket in model.Sink.Tickets) Assert.Equal(await ticket.Settled, ticket.State);
    }
}
