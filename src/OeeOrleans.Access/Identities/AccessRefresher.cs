using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OeeOrleans.Access.Keys;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access.Identities;

/// <summary>
/// Keeps the <see cref="AccessDirectory"/> as the store has it: once a second a question with a number for an answer. What is revoked is
/// refused by every process within two seconds. While the store is away those of before hold: the plant's pictures must not go dark with
/// it, and nobody could be revoked then.
/// </summary>
public sealed class AccessRefresher(
    IAccessStore store, AccessDirectory directory, PlantKey plantKey, AccessOptions options, TimeProvider clock,
    ILogger<AccessRefresher> log) : BackgroundService
{
    private const string ProbeKind = "probe";
    private const string ProbeId = "plant-key";

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Forget = TimeSpan.FromHours(1);
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Sessions are forgotten so long after their end: a clock that is ahead must not make one forget that one was ended.
    /// </summary>
    private static readonly TimeSpan KeptAfter = TimeSpan.FromDays(7);

    private readonly SigningKeys _signing = new(store, plantKey, options, clock, log);
    private readonly SemaphoreSlim _reading = new(1, 1);
    private long _readUs;
    private long _forgottenUs;
    private bool _isWarned;

    internal SigningKeys Signing => _signing;

    /// <summary>The keys that tokens are checked with, as a JWK set.</summary>
    public string PublicKeys => _signing.PublicSet();

    /// <summary>Before anybody is let in.</summary>
    /// <exception cref="PlantKeyException">The store belongs to another plant key.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await CheckKeyAsync(store, plantKey, clock, cancellationToken);
        await RefreshAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <summary>Reads again when something changed; to be called after a change of our own, so that it holds at once.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken);
        try
        {
            var nowUs = UnixMicros.Now(clock);
            var version = await store.ReadAccessVersionAsync(cancellationToken);
            // Once in a while in any case: what expired is not told.
            if (version == directory.Version && nowUs - _readUs < (long)Forget.TotalMicroseconds) return;
            var data = await store.ReadAccessAsync(nowUs, cancellationToken);
            // First of all who may not come in any more.
            directory.Take(data);
            // A key that was added now is read at once, so that the first token can be signed.
            if (await _signing.TakeAsync(data.Secrets, cancellationToken))
            {
                data = await store.ReadAccessAsync(nowUs, cancellationToken);
                await _signing.TakeAsync(data.Secrets, cancellationToken);
                directory.Take(data);
            }

            _readUs = nowUs;
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>The first process leaves a sealed word in the store; one with another key cannot open it.</summary>
    /// <exception cref="PlantKeyException">It cannot.</exception>
    public static async Task CheckKeyAsync(
        IAccessStore store, PlantKey plantKey, TimeProvider clock, CancellationToken cancellationToken, bool readsOnly = false)
    {
        var nowUs = UnixMicros.Now(clock);
        if (!readsOnly)
        {
            await store.AddSecretAsync(
                new StoredSecret(ProbeId, ProbeKind, nowUs, null, null, plantKey.Seal(ProbeKind, "plant"u8)), cancellationToken);
        }

        var data = await store.ReadAccessAsync(nowUs, cancellationToken);
        if (data.Secrets.FirstOrDefault(s => s.Id == ProbeId) is { } probe) plantKey.Open(ProbeKind, probe.Sealed);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, clock);
        var asOf = clock.GetTimestamp();
        var lookedAgain = asOf;
        while (await NextAsync(timer, stoppingToken))
        {
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
                limit.CancelAfter(Limit);
                await RefreshAsync(limit.Token);
                await ForgetAsync(limit.Token);
                asOf = clock.GetTimestamp();
                _isWarned = false;
                if (clock.GetElapsedTime(lookedAgain) >= LookAgain)
                {
                    // What has expired is no change that anybody tells.
                    lookedAgain = clock.GetTimestamp();
                    directory.TellChanged();
                }
            }
            catch (Exception error) when (error is StoreUnavailableException or OperationCanceledException)
            {
                if (stoppingToken.IsCancellationRequested) return;
                if (!_isWarned) Log.NotRefreshed(log, error.Message);
                _isWarned = true;
            }
            catch (Exception error)
            {
                // A boundary: without it nothing that is revoked would ever be refused.
                if (!_isWarned) Log.RefreshFailed(log, error);
                _isWarned = true;
            }

            AccessMetrics.DirectoryAge.Set(clock.GetElapsedTime(asOf).TotalSeconds);
        }
    }

    private async Task ForgetAsync(CancellationToken cancellationToken)
    {
        var nowUs = UnixMicros.Now(clock);
        if (nowUs - _forgottenUs < (long)Forget.TotalMicroseconds) return;
        await store.ForgetExpiredAsync(nowUs - (long)KeptAfter.TotalMicroseconds, cancellationToken);
        _forgottenUs = nowUs;
    }

    private static async Task<bool> NextAsync(PeriodicTimer timer, CancellationToken cancellationToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
