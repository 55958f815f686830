using OeeOrleans.Cip.Logix;

namespace OeeOrleans.Cip;

/// <summary>A value read, or why there is none.</summary>
/// <param name="Address">Of what.</param>
/// <param name="Value">As <see cref="CipCodec.Decode"/> gives it; null when it is not good.</param>
/// <param name="Type">Of one element, as the controller tells it; null when it is not known.</param>
/// <param name="Status">The controller's word.</param>
/// <param name="Error">A sentence; null when it is good.</param>
public sealed record CipResult(CipAddress Address, object? Value, CipType? Type, CipStatus Status, string? Error);

/// <summary>
/// Addresses that are read together again and again, packed into as few requests as fit. Made once by <see cref="CipClient.Plan"/>;
/// <see cref="CipClient.ReadAsync(CipReadPlan, CancellationToken)"/> then allocates nothing per address. How large the answers are is
/// learnt by the first reading. It belongs to the client that made it, and to one reading at a time.
/// </summary>
public sealed class CipReadPlan
{
    /// <summary>Readings of a guarded plan, until its guard is the same before and after.</summary>
    private const int GuardedReadings = 3;

    private readonly CipAddress[] _addresses;
    private readonly CipReading _reading;
    private readonly CipReadPlan? _guard;
    private byte[] _before = [];

    /// <summary>Why nothing of the last reading holds; null when it does.</summary>
    private CipStatus? _torn;
    private int _isRead;

    internal CipReadPlan(CipClient owner, IReadOnlyList<CipAddress> addresses, CipReading reading, CipReadPlan? guard) =>
        (Owner, _addresses, _reading, _guard) = (owner, [.. addresses], reading, guard);

    public IReadOnlyList<CipAddress> Addresses => _addresses;

    /// <summary>Requests of the next reading, as far as is known now.</summary>
    public int RequestCount => _reading.RequestCount;

    /// <summary>Whether tags are read by their numbers now.</summary>
    public bool IsByNumber => _reading is LogixReading { IsByNumber: true };

    internal CipClient Owner { get; }

    /// <summary>Of a plan of one tag.</summary>
    internal LogixItem? LogixItem => (_reading as LogixReading)?.Only;

    /// <summary>What the last reading said of an address; None before the first one, and after one that failed as a whole.</summary>
    public CipStatus StatusOf(int index) => _torn ?? _reading.StatusOf(index);

    /// <summary>The type of an address as the last good reading told it; null before.</summary>
    public CipType? TypeOf(int index) => _reading.TypeOf(index);

    /// <summary>The bytes that hold an address, of the last reading that was good: with what shares a word or element with it.</summary>
    public ReadOnlySpan<byte> BytesOf(int index) => _reading.BytesOf(index);

    /// <summary>The value as <see cref="CipCodec.Decode"/> gives it.</summary>
    /// <exception cref="FormatException">The bytes are no value of the address's type.</exception>
    /// <exception cref="InvalidOperationException">It is not good.</exception>
    public object ValueOf(int index) => StatusOf(index).IsGood
        ? _reading.Decode(index)
        : throw new InvalidOperationException($"{_addresses[index]}: {StatusOf(index).Sentence}");

    /// <summary>What the last reading brought of an address: its value, or why there is none.</summary>
    public CipResult ResultOf(int index)
    {
        var (address, status) = (_addresses[index], StatusOf(index));
        if (!status.IsGood) return new CipResult(address, null, TypeOf(index), status, status.Sentence);
        try
        {
            return new CipResult(address, ValueOf(index), TypeOf(index), status, null);
        }
        catch (FormatException error)
        {
            return new CipResult(address, null, TypeOf(index), CipStatus.NoValue, error.Message);
        }
    }

    internal async ValueTask ReadAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _isRead, 1) == 1) throw new InvalidOperationException("this plan is being read already");
        var isDone = false;
        try
        {
            if (_guard is null) await _reading.ReadAsync(cancellationToken).ConfigureAwait(false);
            else _torn = await ReadGuardedAsync(_guard, cancellationToken).ConfigureAwait(false);
            isDone = true;
        }
        finally
        {
            // What is not known is not good.
            if (!isDone)
            {
                _reading.Forget();
                _torn = null;
            }

            Volatile.Write(ref _isRead, 0);
        }
    }

    /// <summary>Null when the guard is after the reading what it was before it: the program changed nothing meanwhile.</summary>
    private async ValueTask<CipStatus?> ReadGuardedAsync(CipReadPlan guard, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < GuardedReadings; attempt++)
        {
            await guard.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (!guard.StatusOf(0).IsGood) return guard.StatusOf(0);
            Remember(guard);
            await _reading.ReadAsync(cancellationToken).ConfigureAwait(false);
            await guard.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (!guard.StatusOf(0).IsGood) return guard.StatusOf(0);
            if (guard.BytesOf(0).SequenceEqual(_before)) return null;
        }

        return CipStatus.Torn;
    }

    private void Remember(CipReadPlan guard)
    {
        var bytes = guard.BytesOf(0);
        if (_before.Length != bytes.Length) _before = new byte[bytes.Length];
        bytes.CopyTo(_before);
    }
}

/// <summary>How a plan is read in one protocol.</summary>
internal abstract class CipReading
{
    public abstract int RequestCount { get; }

    public abstract CipStatus StatusOf(int index);

    public abstract CipType? TypeOf(int index);

    public abstract ReadOnlySpan<byte> BytesOf(int index);

    public abstract object Decode(int index);

    public abstract ValueTask ReadAsync(CancellationToken cancellationToken);

    public abstract void Forget();
}
