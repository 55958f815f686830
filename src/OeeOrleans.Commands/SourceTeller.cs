using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OeeOrleans.Access.Keys;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Configuration;
using OeeOrleans.Grains;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Commands;

/// <summary>
/// Sees to it that every edge node reads what the plant gives it: whoever says in its birth that it reads something else is told, signed,
/// until it says that it does, or why not. Several processes may: an edge node takes the same word twice without minding.
/// </summary>
internal sealed class SourceTeller(
    PlantConfiguration plant, CommandKey key, IGrainFactory grains, TimeProvider clock, ILogger<SourceTeller> log) : BackgroundService
{
    private const int AtOnce = 32;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>From one telling to the next, while there is no answer.</summary>
    private static readonly TimeSpan First = TimeSpan.FromSeconds(5);

    /// <summary>One whose disk was lost is found by then, and one that was repaired is told again.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <summary>One that is not there is told soon when it is.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    /// <summary>The year 2200, microseconds.</summary>
    private const long LastUs = 7_258_118_400_000_000;

    /// <summary>The plant gives it none, and it reads none: only one that has been away since it was given some is found so.</summary>
    private static readonly TimeSpan Seldom = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, Look> _looks = new(StringComparer.Ordinal);
    private IReadOnlyDictionary<string, string> _wanted = new Dictionary<string, string>();
    private PlantState? _state;
    private bool _isWarned;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await timer.WaitForNextTickAsync(stoppingToken);
                await LookAsync(stoppingToken);
                _isWarned = false;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // A boundary: a look that failed must not be the last one. Once per absence: the store may be away for hours.
                if (!_isWarned) Log.SourcesNotLookedAt(log, error.Message, error is StoreUnavailableException ? null : error);
                _isWarned = true;
            }
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var state = await plant.AtHandAsync(cancellationToken);
        if (!ReferenceEquals(state, _state)) Take(state);
        var now = clock.GetUtcNow();
        foreach (var due in _looks.Where(l => l.Value.At <= now).Select(l => l.Key).ToList().Chunk(AtOnce))
        {
            await Task.WhenAll(due.Select(n => TellAsync(n, state, cancellationToken)));
        }
    }

    /// <summary>Nodes of the plant that never had any are looked at too: what they read by an earlier word is to end.</summary>
    private void Take(PlantState state)
    {
        var wanted = PlantSources.ByNode(state);
        var now = clock.GetUtcNow();
        foreach (var node in wanted.Keys.Concat(_wanted.Keys))
        {
            if (wanted.GetValueOrDefault(node) != _wanted.GetValueOrDefault(node)) _looks[node] = new Look(now, First);
        }

        // Not all at once, and not while everything begins.
        foreach (var node in state.Plant.Machines.Select(m => m.EdgeNode).OfType<string>().Distinct())
        {
            _looks.TryAdd(node, new Look(now + (Seldom * Random.Shared.NextDouble()), First));
        }

        (_state, _wanted) = (state, wanted);
    }

    private async Task TellAsync(string node, PlantState state, CancellationToken cancellationToken)
    {
        var (wanted, look) = (_wanted.GetValueOrDefault(node, PlantSources.None), _looks[node]);
        try
        {
            var grain = grains.GetGrain<IEdgeNodeGrain>(node);
            var status = await grain.GetStatus().WaitAsync(Patience, clock, cancellationToken);
            // What another plant gave it is that one's to take away.
            var isTheirs = wanted == PlantSources.None && status.Sources?.Host != state.Plant.Site.Id;
            var name = isTheirs ? SourceState.Read : SourceState.Of(status, wanted).Name;
            var now = clock.GetUtcNow();
            switch (name)
            {
                case SourceState.Read:
                    _looks[node] = new Look(now + (_wanted.ContainsKey(node) ? Longest : Seldom), First);
                    return;
                case SourceState.Refused when !look.IsRefused:
                    // What was in its way may be gone by then.
                    _looks[node] = new Look(now + Longest, Longest, IsRefused: true);
                    return;
                case SourceState.Offline or SourceState.Deaf:
                    // One whose first birth is still on its way to us is as deaf as one that takes none.
                    _looks[node] = new Look(now + Soon, First);
                    return;
                default:
                    _looks[node] = look.Next(now, Longest);
                    await TellAsync(grain, node, wanted, NumberAfter(status.Sources!.Number, state), state, cancellationToken);
                    return;
            }
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            // A boundary: one node must not keep others from being told.
            _looks[node] = look.Next(clock.GetUtcNow(), Longest);
            Log.SourcesNotTold(log, node, error.Message);
        }
    }

    private async Task TellAsync(
        IEdgeNodeGrain grain, string node, string wanted, long number, PlantState state, CancellationToken cancellationToken)
    {
        using var signing = await key.OpenAsync(cancellationToken);
        var told = new SignedSources { Number = number, EdgeNode = node, Host = state.Plant.Site.Id, Sources = wanted };
        var signed = told.Seal(signing);
        if (signed.Length > SignedSources.MaxLength)
        {
            Log.SourcesNotTold(log, node, $"they have {signed.Length} characters, and may have {SignedSources.MaxLength}");
            return;
        }

        var telling = grain.TellSources(number, SignedSources.DigestOf(wanted), signed);
        if (await telling.WaitAsync(Patience, clock, cancellationToken) is { } why)
        {
            Log.SourcesNotTold(log, node, why);
        }
        else
        {
            Log.SourcesTold(log, node, number, signed.Length);
        }
    }

    /// <summary>
    /// The time of the revision, unless the node heard a later word: what was refused and is taken back, a store that was set up anew, or
    /// a clock that went back. What is beyond all clocks is not believed: then nothing later could be said.
    /// </summary>
    private static long NumberAfter(long last, PlantState state) =>
        last >= state.Revision.AtUs && last < LastUs ? last + 1 : state.Revision.AtUs;

    /// <summary>When a node is looked at again, and how long after that, if it does not answer.</summary>
    /// <param name="IsRefused">It was seen that it refuses them.</param>
    private sealed record Look(DateTimeOffset At, TimeSpan Pause, bool IsRefused = false)
    {
        public Look Next(DateTimeOffset now, TimeSpan longest) =>
            this with { At = now + Pause, Pause = Pause * 2 < longest ? Pause * 2 : longest };
    }
}
