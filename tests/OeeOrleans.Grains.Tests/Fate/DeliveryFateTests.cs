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
        Restart,
    }

    private static readonly Gen<Step> Steps = Gen.Frequency(
        (6, Gen.Const(Step.Arrive)), (5, Gen.Const(Step.Deliver)), (1, Gen.Const(Step.Restart)));

    [Fact]
    public async Task Every_message_is_stored_or_a_dead_letter_room_is_given_back_and_nobody_was_told_otherwise() =>
        await Gen.Select(Kinds.Array[1, 40], Script.Array[0, 40], Gen.Bool.Array[0, 10], Steps.Array[10, 60]).SampleAsync(
            async (kinds, script, applyFails, steps) =>
            {
                await using var model = new FateModel(kinds, script, applyFails);
                var arrived = 0;
                foreach (var step in steps)
                {
                    if (step == Step.Restart) model.Restart(arrived);
                    else if (step == Step.Deliver) await model.DeliverAsync();
                    else if (arrived < kinds.Length) model.Arrive(arrived++, redelivered: false);
                }

                while (arrived < kinds.Length) model.Arrive(arrived++, redelivered: false);
                for (var i = 0; i < 3_000 && !model.IsDone; i++) await model.DeliverAsync();
                AssertSettled(model, kinds);
            },
            iter: 250, threads: 2);

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
        Assert.Equal([0], model.DeadLetters);
    }

    private static void AssertSettled(FateModel model, Kind[] kinds)
    {
        Assert.Equal(Enumerable.Range(0, kinds.Length), model.Acknowledged.Order());
        for (var id = 0; id < kinds.Length; id++)
        {
            var stored = model.Stored.Contains(id) && model.Applied.Contains(id);
            Assert.True(
                stored || model.DeadLetters.Contains(id), $"message {id} ({kinds[id]}) is neither stored and applied nor a dead letter");
            // Innocent neighbours of an offender are found to be so.
            if (kinds[id] == Kind.Fine) Assert.True(stored && !model.DeadLetters.Contains(id), $"message {id} is fine and was put aside");
            else Assert.Contains(id, model.DeadLetters);
        }

        Assert.Equal((0, 0), (model.PendingRows, model.InMemory));
        Assert.All(model.Sink.Tickets, t => Assert.True(t.IsSettled, $"a ticket is {t.State}"));
    }
}
