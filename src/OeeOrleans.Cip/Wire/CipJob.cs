using System.Diagnostics;
using System.Threading.Tasks.Sources;

namespace OeeOrleans.Cip.Wire;

/// <summary>A request that waits for its answer. Used again and again; awaited once each time.</summary>
internal sealed class CipJob(Action<CipJob> release) : IValueTaskSource<CipAnswer>
{
    private ManualResetValueTaskSourceCore<CipAnswer> _core = new() { RunContinuationsAsynchronously = true };

    public ulong Context { get; private set; }

    /// <summary>Of a connected message; null of an unconnected one.</summary>
    public ushort? Sequence { get; private set; }

    public byte Service { get; private set; }

    /// <summary>When it was sent, by the stopwatch.</summary>
    public long SentAt { get; private set; }

    public void Begin(byte service, ulong context, ushort? sequence)
    {
        _core.Reset();
        (Service, Context, Sequence, SentAt) = (service, context, sequence, Stopwatch.GetTimestamp());
    }

    public ValueTask<CipAnswer> AnswerAsync() => new(this, _core.Version);

    public void Complete(CipAnswer answer) => _core.SetResult(answer);

    public void Fail(CipException error) => _core.SetException(error);

    CipAnswer IValueTaskSource<CipAnswer>.GetResult(short token)
    {
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            release(this);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<CipAnswer>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<CipAnswer>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
