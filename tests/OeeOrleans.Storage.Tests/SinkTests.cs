using System.Reflection;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Storage.Sink;
using OeeOrleans.TestServers;

namespace OeeOrleans.Storage.Tests;

public sealed class SinkTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_transient_failure_is_over_before_anybody_hears_of_it()
    {
        var store = ScriptedStore.Create(
            (units, call) => call <= 2 ? throw new StoreUnavailableException("gone") : Task.CompletedTask, out var calls);
        await using var sink = Sink(store);
        await sink.CommitAsync(new TelemetryUnit(), CancellationToken.None);
        Assert.Equal(3, calls.Count);
    }

    [Fact]
    public async Task While_the_store_is_away_a_ticket_waits_says_why_and_may_be_withdrawn()
    {
        var store = ScriptedStore.Create((_, _) => throw new StoreUnavailableException("gone fishing"), out _);
        await using var sink = Sink(store);
        var ticket = await sink.WriteAsync(new TelemetryUnit(), CancellationToken.None);
        await Eventually.TrueAsync("an attempt to fail", Soon, () => Task.FromResult(ticket.Reason == "gone fishing"));
        Assert.False(ticket.Settled.IsCompleted);
        await Eventually.TrueAsync("it to be taken back between two attempts", Soon, () => Task.FromResult(ticket.TryWithdraw()));
        Assert.Equal((CommitState.Withdrawn, 0), (await ticket.Settled, sink.PendingRows));
    }

    [Fact]
    public async Task What_is_being_written_cannot_be_withdrawn()
    {
        var (begun, end) = (new TaskCompletionSource(), new TaskCompletionSource());
        var store = ScriptedStore.Create((_, _) =>
        {
            begun.TrySetResult();
            return end.Task;
        }, out _);
        await using var sink = Sink(store);
        var ticket = await sink.WriteAsync(new TelemetryUnit(), CancellationToken.None);
        await begun.Task.WaitAsync(Soon);
        Assert.False(ticket.TryWithdraw());
        end.SetResult();
        Assert.Equal(CommitState.Committed, await ticket.Settled.WaitAsync(Soon));
    }

    [Fact]
    public async Task An_error_of_ours_refuses_the_unit_that_provokes_it_and_no_other()
    {
        var store = ScriptedStore.Create(
            (units, _) => units.Any(u => u.Owner == "bad") ? throw new FormatException("bug") : Task.CompletedTask, out _);
        await using var sink = Sink(store);
        var tickets = new List<CommitTicket>();
        foreach (var owner in new[] { "a", "b", "bad", "c", "d" })
        {
            tickets.Add(await sink.WriteAsync(new TelemetryUnit { Owner = owner }, CancellationToken.None));
        }

        var fates = await Task.WhenAll(tickets.Select(t => t.Settled)).WaitAsync(Soon);
        Assert.Equal(
            [CommitState.Committed, CommitState.Committed, CommitState.Refused, CommitState.Committed, CommitState.Committed], fates);
        Assert.IsType<FormatException>(tickets[2].Error);
        Assert.Equal(0, sink.PendingRows);
    }

    [Fact]
    public async Task Room_that_somebody_gave_up_waiting_for_keeps_nobody_behind_him_waiting()
    {
        var end = new TaskCompletionSource();
        var store = ScriptedStore.Create((_, _) => end.Task, out _);
        await using var sink = new GroupCommitSink(
            store, new SinkOptions
            {
                FlushMs = 0, FlushRows = 1, MaxPendingRows = 10,
            }, TimeProvider.System, NullLogger<GroupCommitSink>.Instance);
        var first = await sink.WriteAsync(Rows(9), CancellationToken.None);
        using var impatient = new CancellationTokenSource();
        var givenUp = sink.WriteAsync(Rows(500), impatient.Token);
        var patient = sink.WriteAsync(Rows(3), CancellationToken.None);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => givenUp);
        end.SetResult();
        await first.Settled.WaitAsync(Soon);
        Assert.Equal(CommitState.Committed, await (await patient.WaitAsync(Soon)).Settled.WaitAsync(Soon));
        Assert.Equal(0, sink.PendingRows);
    }

    [Fact]
    public async Task An_owner_is_committed_in_its_order_though_several_writers_are_at_it()
    {
        var seen = new List<(string Owner, string State)>();
        var store = ScriptedStore.Create(async (units, _) =>
        {
            // Writers overtake each other.
            await Task.Delay(Random.Shared.Next(4));
            lock (seen) seen.AddRange(units.Cast<TelemetryUnit>().Select(u => (u.Owner, u.EdgeNode!.Value.State)));
        }, out _);
        await using var sink = Sink(store, writers: 4);
        string[] owners = ["a", "b", "c", "d", "e", "f"];
        await Task.WhenAll(
            owners.SelectMany(
                o => Enumerable.Range(0, 50).Select(
                    i => sink.CommitAsync(new TelemetryUnit { Owner = o, EdgeNode = (o, $"{i:00}") }, CancellationToken.None))));
        foreach (var owner in owners)
        {
            var states = seen.Where(s => s.Owner == owner).Select(s => s.State).ToList();
            Assert.Equal(50, states.Count);
            Assert.Equal(states.Order(StringComparer.Ordinal), states);
        }
    }

    private static TelemetryUnit Rows(int count) => new() { Rows = new OeeOrleans.Model.SampleRow[count] };

    private static GroupCommitSink Sink(IStore store, int writers = 1) => new(
        store, new SinkOptions
        {
            FlushMs = 1, FlushRows = 7, Writers = writers, RetryPause = TimeSpan.FromMilliseconds(1),
        }, TimeProvider.System, NullLogger<GroupCommitSink>.Instance);
}

/// <summary>A store of which only commits are of interest.</summary>
public class ScriptedStore : DispatchProxy
{
    private readonly List<int> _calls = [];
    private Func<IReadOnlyList<CommitUnit>, int, Task>? _commit;

    public static IStore Create(Func<IReadOnlyList<CommitUnit>, int, Task> commit, out IReadOnlyCollection<int> calls)
    {
        var proxy = Create<IStore, ScriptedStore>();
        var script = (ScriptedStore)(object)proxy;
        script._commit = commit;
        calls = script._calls;
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod?.Name != nameof(IStore.CommitAsync)) throw new NotSupportedException(targetMethod?.Name);
        int call;
        lock (_calls)
        {
            call = _calls.Count + 1;
            _calls.Add(call);
        }

        return CommitAsync((IReadOnlyList<CommitUnit>)args![0]!, call);
    }

    private async Task<IReadOnlyList<RefusedUnit>> CommitAsync(IReadOnlyList<CommitUnit> units, int call)
    {
        await _commit!(units, call);
        return [];
    }
}
