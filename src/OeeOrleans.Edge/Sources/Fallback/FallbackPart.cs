namespace OeeOrleans.Edge.Sources.Fallback;

/// <summary>
/// One of two sources of the same tags. Its readings go on beside whoever asks, so that one that is slow holds up nobody; while the other
/// one speaks it is looked after all the same. Used by one caller at a time.
/// </summary>
/// <param name="source">The source.</param>
/// <param name="settings">What the file says of it.</param>
/// <param name="late">A reading that takes longer is none.</param>
/// <param name="clock">Time.</param>
internal sealed class FallbackPart(ISource source, EdgeSource settings, TimeSpan late, TimeProvider clock) : IAsyncDisposable
{
    private const int Usable = 64;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>For reading everything now: shorter, because all wait for it.</summary>
    private static readonly TimeSpan NowLimit = TimeSpan.FromSeconds(3);

    /// <summary>How often one that does not speak is read.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly long _created = clock.GetTimestamp();
    private readonly List<SourceValue> _values = [];
    private CancellationTokenSource? _ended;
    private Task? _reading;
    private bool _failed;
    private TimeSpan? _began;
    private TimeSpan? _probed;
    private long _last;
    private bool _isAllDue = true;
    private bool _isTaken;

    /// <summary>By tag: it was bad when it was read last.</summary>
    private bool[] _bad = [];

    public ISource Source => source;

    public Health Health { get; private set; }

    /// <summary>Why it was not well last; empty when it always was.</summary>
    public string Why { get; private set; } = "";

    /// <summary>By the stopwatch, since it was made.</summary>
    public TimeSpan Now => clock.GetElapsedTime(_created);

    public string Id => source.Id;

    /// <summary>Begins a reading, unless one is under way or nothing is due.</summary>
    /// <param name="tick">The instant the reading is for, milliseconds.</param>
    /// <param name="isSpeaking">Its values are told: what is due is read, otherwise everything now and then.</param>
    public void Begin(long tick, bool isSpeaking)
    {
        // What was taken and did not become durable is told again.
        if (_isTaken) _isAllDue = true;
        _isTaken = false;
        if (_reading is not null || (!isSpeaking && _began is { } began && Now - began < LookEvery)) return;
        var isAll = _isAllDue || !isSpeaking;
        List<int> due = [.. Enumerable.Range(0, source.Tags.Count).Where(i => isAll || IsDue(source.Tags[i].Tag, tick))];
        (_last, _isAllDue, _began) = (tick, false, Now);
        _reading = ReadAsync(limit => AskAsync(due, tick, limit), Limit);
    }

    /// <summary>Waits for the reading under way, but not for long.</summary>
    public async Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken)
    {
        if (_reading is not { } reading) return;
        await reading.WaitAsync(atMost, clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>What came, once.</summary>
    public IReadOnlyList<SourceValue> Take()
    {
        if (_reading is not { IsCompleted: true }) return [];
        _reading = null;
        if (_failed)
        {
            _isAllDue = true;
            return [];
        }

        _isTaken = true;
        return [.. _values];
    }

    /// <summary>Everything it shows now; null when it does not answer as it should.</summary>
    public async Task<IReadOnlyList<SourceValue>?> ReadNowAsync(CancellationToken cancellationToken)
    {
        var askedMs = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var reading = ReadAsync(limit => source.ReadNowAsync(askedMs, _values, limit), NowLimit);
        _reading = reading;
        try
        {
            await reading.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await RestAsync();
            throw;
        }

        _reading = null;
        return _failed || !Health.IsAnswering ? null : [.. _values];
    }

    /// <summary>What was taken is durable. What a reading that is under way offers is not: it was not taken.</summary>
    public void Stored(long timeMs)
    {
        if (!_isTaken) return;
        _isTaken = false;
        source.Stored(timeMs);
    }

    /// <summary>The next reading is of everything.</summary>
    public void TellAll() => _isAllDue = true;

    /// <summary>Ends the reading under way; what it brought can be taken.</summary>
    public async Task RestAsync()
    {
        if (_reading is not { } reading) return;
        await _ended!.CancelAsync();
        await reading;
        if (!_failed) return;
        (_reading, _isAllDue) = (null, true);
    }

    public async ValueTask DisposeAsync()
    {
        await RestAsync();
        _ended?.Dispose();
        await source.DisposeAsync();
    }

    private bool IsDue(EdgeTag tag, long tick) => tick / settings.IntervalOf(tag) != _last / settings.IntervalOf(tag);

    /// <summary>One that is told by subscription answers from memory: whether it is there, and its clock, is asked beside.</summary>
    private async Task AskAsync(List<int> due, long tick, CancellationToken cancellationToken)
    {
        if (_probed is not { } probed || Now - probed >= LookEvery)
        {
            _probed = Now;
            await source.ProbeAsync(cancellationToken);
        }

        await source.ReadAsync(due, tick, _values, cancellationToken);
    }

    /// <summary>Never fails: what became of it stands in <see cref="Health"/>.</summary>
    private async Task ReadAsync(Func<CancellationToken, Task> read, TimeSpan atMost)
    {
        _values.Clear();
        _failed = true;
        var began = Now;
        _ended?.Dispose();
        _ended = new CancellationTokenSource();
        using var limit = new CancellationTokenSource(atMost, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _ended.Token);
        try
        {
            await read(either.Token);
            _failed = false;
            var took = Now - began;
            if (took > late) Note($"it takes {took.TotalSeconds:F1} s to answer");
            else if (!source.IsHere) Note("there is no connection");
            else if (IsAllBad()) Note("all its tags are bad");
            else Health = Health with { Well = Now };
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            // Nobody wants to know any more: that is not its fault.
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            Note($"it did not answer within {atMost.TotalSeconds} s");
        }
        catch (Exception error)
        {
            // A boundary: a source may fail in any way; the other one speaks.
            Note(error.Message);
        }
    }

    private void Note(string why) => (Why, Health) = (why, Health with { Unwell = Now });

    /// <summary>A server that answers and has lost its PLC is no source.</summary>
    private bool IsAllBad()
    {
        if (_bad.Length != source.Tags.Count) _bad = new bool[source.Tags.Count];
        foreach (var value in _values.Where(v => !v.Historical)) _bad[value.Tag] = value.Quality < Usable;
        return _bad.Length > 0 && Array.TrueForAll(_bad, b => b);
    }
}
