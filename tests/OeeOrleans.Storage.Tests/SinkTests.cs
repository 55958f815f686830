using System.Reflection;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Storage.Sink;

namespace OeeOrleans.Storage.Tests;

public sealed class SinkTests
{
    [Fact]
    public async Task A_transient_failure_is_over_before_anybody_hears_of_it()
    {
        var store = ScriptedStore.Create((units, call) => call <= 2 ? throw new StoreUnavailableException("gone") : Task.CompletedTask, out var calls);
        await using var sink = Sink(store);
        await sink.WriteAsync(new CommitUnit(), CancellationToken.None);
        Assert.Equal(3, calls.Count);
    }

    [Fact]
    public async Task A_store_that_stays_away_fails_the_unit_after_a_few_attempts()
    {
        var store = ScriptedStore.Create((_, _) => throw new StoreUnavailableException("gone"), out var calls);
        await using var sink = Sink(store);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => sink.WriteAsync(new CommitUnit(), CancellationToken.None));
        Assert.Equal(new SinkOptions().Attempts, calls.Count);
    }

    [Fact]
    public async Task An_owner_is_committed_in_its_order_though_several_writers_are_at_it()
    {
        var seen = new List<(string Owner, string State)>();
        var store = ScriptedStore.Create(async (units, _) =>
        {
            // Writers overtake each other.
            await Task.Delay(Random.Shared.Next(4));
            lock (seen) seen.AddRange(units.Select(u => (u.Owner, u.EdgeNode!.Value.State)));
        }, out _);
        await using var sink = Sink(store, writers: 4);
        string[] owners = ["a", "b", "c", "d", "e", "f"];
        await Task.WhenAll(owners.SelectMany(o => Enumerable.Range(0, 50).Select(i => sink.WriteAsync(new CommitUnit { Owner = o, EdgeNode = (o, $"{i:00}") }, CancellationToken.None))));
        foreach (var owner in owners)
        {
            var states = seen.Where(s => s.Owner == owner).Select(s => s.State).ToList();
            Assert.Equal(50, states.Count);
            Assert.Equal(states.Order(StringComparer.Ordinal), states);
        }
    }

    private static GroupCommitSink Sink(IStore store, int writers = 1) => new(
        store, new SinkOptions { FlushMs = 1, FlushRows = 7, Writers = writers, RetryPause = TimeSpan.FromMilliseconds(1) }, TimeProvider.System, NullLogger<GroupCommitSink>.Instance);
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

        return _commit!((IReadOnlyList<CommitUnit>)args![0]!, call);
    }
}
