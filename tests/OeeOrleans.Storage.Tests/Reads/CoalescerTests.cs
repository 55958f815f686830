using OeeOrleans.Model;
using OeeOrleans.Storage.Sql.Reads;

namespace OeeOrleans.Storage.Tests.Reads;

/// <summary>Questions that come together are asked together, and nobody hears another one's answer.</summary>
public sealed class CoalescerTests
{
    private readonly List<int[]> _asked = [];

    [Fact]
    public async Task Who_asks_while_a_statement_is_under_way_shares_the_next_one()
    {
        var gate = new TaskCompletionSource();
        var coalescer = new Coalescer<int, int>("test", async keys =>
        {
            Note(keys);
            if (_asked.Count == 1) await gate.Task;
            return [.. keys.Select(k => k * 10)];
        });
        var first = coalescer.AskAsync(1, CancellationToken.None);
        while (Statements == 0) await Task.Yield();
        var others = Enumerable.Range(2, 99).Select(k => coalescer.AskAsync(k, CancellationToken.None)).ToList();
        gate.SetResult();
        Assert.Equal(10, await first);
        Assert.Equal(Enumerable.Range(2, 99).Select(k => k * 10), await Task.WhenAll(others));
        Assert.Equal([1, 99], _asked.Select(a => a.Length));
    }

    [Fact]
    public async Task A_statement_asks_for_no_more_than_it_may()
    {
        var coalescer = new Coalescer<int, int>("test", async keys =>
        {
            Note(keys);
            await Task.Yield();
            return keys;
        })
        {
            MaxKeys = 10,
        };
        await Task.WhenAll(Enumerable.Range(0, 100).Select(k => coalescer.AskAsync(k, CancellationToken.None)));
        Assert.All(_asked, a => Assert.InRange(a.Length, 1, 10));
        Assert.Equal(Enumerable.Range(0, 100), _asked.SelectMany(a => a).Order());
    }

    [Fact]
    public async Task An_error_is_told_to_who_provokes_it_and_the_others_are_answered()
    {
        var coalescer = new Coalescer<int, int>("test", async keys =>
        {
            await Task.Yield();
            return keys.Contains(13) ? throw new InvalidOperationException("13") : keys;
        });
        var all = Enumerable.Range(0, 30).Select(k => (Key: k, Answer: coalescer.AskAsync(k, CancellationToken.None))).ToList();
        foreach (var (key, answer) in all)
        {
            if (key == 13) await Assert.ThrowsAsync<InvalidOperationException>(() => answer);
            else Assert.Equal(key, await answer);
        }
    }

    [Fact]
    public async Task A_store_that_is_away_is_told_to_all_who_asked_and_asked_once()
    {
        var gate = new TaskCompletionSource();
        var coalescer = new Coalescer<int, int>("test", async keys =>
        {
            Note(keys);
            await gate.Task;
            throw new StoreUnavailableException("away");
        });
        var all = Enumerable.Range(0, 30).Select(k => coalescer.AskAsync(k, CancellationToken.None)).ToList();
        gate.SetResult();
        foreach (var answer in all) await Assert.ThrowsAsync<StoreUnavailableException>(() => answer);
        Assert.InRange(Statements, 1, 2);
    }

    [Fact]
    public async Task Heavy_answers_make_the_next_statement_ask_for_less_and_light_ones_for_more()
    {
        var size = 10;
        var coalescer = new Coalescer<int, int>("test", async keys =>
        {
            Note(keys);
            await Task.Yield();
            return keys;
        })
        {
            WeightOf = _ => 1, SizeOf = _ => size, ManyObjects = 1_000,
        };
        async Task<int> LargestAsync()
        {
            lock (_asked) _asked.Clear();
            await Task.WhenAll(Enumerable.Range(0, 2_000).Select(k => coalescer.AskAsync(k, CancellationToken.None)));
            return _asked.Max(a => a.Length);
        }

        size = 0;
        Assert.True(await LargestAsync() > 16);
        size = 100;
        await LargestAsync();
        Assert.InRange(await LargestAsync(), 1, 20);
    }

    [Fact]
    public async Task After_a_statement_that_failed_the_next_ones_ask_for_less_until_they_succeed()
    {
        var fails = true;
        var coalescer = new Coalescer<int, int>("test", async keys =>
        {
            await Task.Yield();
            if (fails && keys.Count > 10) throw new StoreUnavailableException("too much at once");
            Note(keys);
            return keys;
        });
        async Task<int> AnsweredAsync()
        {
            var answers = Enumerable.Range(0, 400).Select(k => coalescer.AskAsync(k, CancellationToken.None)).ToList();
            await ((Task)Task.WhenAll(answers)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return answers.Count(a => a.IsCompletedSuccessfully);
        }

        // 400, 200, 100 and so on: each round asks for half.
        var rounds = 0;
        while (await AnsweredAsync() < 11) Assert.InRange(++rounds, 1, 10);
        fails = false;
        await AnsweredAsync();
        lock (_asked) _asked.Clear();
        Assert.Equal(400, await AnsweredAsync());
        Assert.True(_asked.Max(a => a.Length) > 10);
    }

    [Fact]
    public async Task Who_gives_up_waiting_does_not_keep_the_others()
    {
        var gate = new TaskCompletionSource();
        var coalescer = new Coalescer<int, int>("test", async keys =>
        {
            await gate.Task;
            return keys;
        });
        using var stop = new CancellationTokenSource();
        var (given, kept) = (coalescer.AskAsync(1, stop.Token), coalescer.AskAsync(2, CancellationToken.None));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        gate.SetResult();
        Assert.Equal(2, await kept);
    }

    private int Statements
    {
        get
        {
            lock (_asked) return _asked.Count;
        }
    }

    private void Note(IReadOnlyList<int> keys)
    {
        lock (_asked) _asked.Add([.. keys]);
    }
}
