using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access.Audit;

/// <summary>
/// What was refused, for the audit log: ten thousand refusals of one kind in a minute are one entry with a number, and there are so many
/// kinds a minute and no more; what is beyond stands there as "others". Bounded, also while the store is away; safe for concurrent use.
/// </summary>
public sealed class RefusalLog(IAccessStore store, TimeProvider clock, ILogger<RefusalLog> log) : BackgroundService
{
    /// <summary>Kinds of refusals within one period; more are counted together.</summary>
    private const int MaxKinds = 100;

    /// <summary>As many as there are edge nodes of a large plant.</summary>
    private const int MaxSignIns = 10_000;

    private const int MaxText = 200;
    private const string Others = "others";

    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    private readonly Lock _noting = new();
    private readonly Dictionary<string, int> _kinds = new(StringComparer.Ordinal);
    private Dictionary<Kind, Counted> _now = [];

    /// <param name="actor">Who, as far as it is known.</param>
    /// <param name="action">What was refused: `sign_in.refused`, `request.refused`.</param>
    /// <param name="target">The user or door.</param>
    /// <param name="origin">From where.</param>
    /// <param name="why">Why.</param>
    public void Note(string actor, string action, string target, string origin, string why)
    {
        AccessMetrics.Refusals.WithLabels(why).Inc();
        lock (_noting) Add(new Kind(actor, action, Short(target), origin, why), UnixMicros.Now(clock), 1);
    }

    /// <summary>Sign-ins that may be very many, such as of all edge nodes after a restart of the broker: counted in the same way.</summary>
    /// <returns>False: there were so many that it is counted among others.</returns>
    public bool NoteSignIn(string actor, string action, string target, string origin)
    {
        lock (_noting) return Add(new Kind(actor, action, Short(target), origin, null), UnixMicros.Now(clock), 1);
    }

    /// <summary>Writes what is there now.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        Dictionary<Kind, Counted> taken;
        lock (_noting)
        {
            (taken, _now) = (_now, []);
            _kinds.Clear();
        }

        if (taken.Count == 0) return;
        try
        {
            await store.AppendAuditAsync(
                [.. taken.OrderBy(t => t.Value.FirstUs).Select(t => Entry(t.Key, t.Value))], cancellationToken);
        }
        catch
        {
            // They are tried again, together with what has come meanwhile, and no more of them than before.
            lock (_noting)
            {
                foreach (var (kind, counted) in taken) Add(kind, counted.FirstUs, counted.Count);
            }

            throw;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(Period, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await TryFlushAsync();
        }
    }

    private async Task TryFlushAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(Limit, clock);
            await FlushAsync(limit.Token);
        }
        catch (Exception error) when (error is StoreUnavailableException or OperationCanceledException)
        {
            Log.AuditWaits(log, error.Message);
        }
        catch (Exception error)
        {
            // A boundary: a log that cannot be written to must not end the plant.
            Log.AuditFailed(log, error);
        }
    }

    /// <summary>Of each action so many kinds: whoever floods one does not hide another.</summary>
    private bool Add(Kind kind, long firstUs, long count)
    {
        var most = kind.Why is null ? MaxSignIns : MaxKinds;
        var isNew = !_now.ContainsKey(kind);
        var isOther = isNew && _kinds.GetValueOrDefault(kind.Action) >= most;
        if (isOther)
        {
            AccessMetrics.AuditMerged.Inc(count);
            kind = new Kind("unknown", kind.Action, Others, Others, kind.Why);
        }
        else if (isNew)
        {
            _kinds[kind.Action] = _kinds.GetValueOrDefault(kind.Action) + 1;
        }

        _now[kind] = _now.TryGetValue(kind, out var known)
            ? new Counted(Math.Min(firstUs, known.FirstUs), known.Count + count)
            : new Counted(firstUs, count);
        return !isOther;
    }

    private static AuditEntry Entry(Kind kind, Counted counted) => new(
        counted.FirstUs, kind.Actor, kind.Action, kind.Target,
        kind.Why is null
            ? JsonSerializer.Serialize(new { count = counted.Count })
            : JsonSerializer.Serialize(new { why = kind.Why, count = counted.Count }))
    {
        Origin = kind.Origin,
    };

    private static string Short(string text) => text.Length > MaxText ? text[..MaxText] : text;

    private sealed record Kind(string Actor, string Action, string Target, string Origin, string? Why);

    private readonly record struct Counted(long FirstUs, long Count);
}
