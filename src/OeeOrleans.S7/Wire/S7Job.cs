using System.Diagnostics;
using System.Threading.Tasks.Sources;

namespace OeeOrleans.S7.Wire;

/// <summary>A request that waits for its answer. Used again and again; awaited once each time.</summary>
internal sealed class S7Job(Action<S7Job> release) : IValueTaskSource<S7Answer>
{
    private ManualResetValueTaskSourceCore<S7Answer> _core = new() { RunContinuationsAsynchronously = true };

    /// <summary>When it was sent, by the stopwatch.</summary>
    public long SentAt { get; private set; }

    public void Begin()
    {
        _core.Reset();
        SentAt = Stopwatch.GetTimestamp();
    }

    public ValueTask<S7Answer> AnswerAsync() => new(this, _core.Version);

    public void Complete(S7Answer answer) => _core.SetResult(answer);

    public void Fail(S7Exception error) => _core.SetException(error);

    S7Answer IValueTaskSource<S7Answer>.GetResult(short token)
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

    ValueTaskSourceStatus IValueTaskSource<S7Answer>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<S7Answer>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
