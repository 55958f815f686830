using System.Buffers;

namespace OeeOrleans.OpcUa.Transport;

/// <summary>The body of an answer: type id, header, fields. Rented; return it by <see cref="Dispose"/>.</summary>
internal readonly struct ReceivedMessage(byte[] buffer, int offset, int length) : IDisposable
{
    public ReadOnlySpan<byte> Body => buffer.AsSpan(offset, length);

    public void Dispose() => ArrayPool<byte>.Shared.Return(buffer);
}

/// <summary>Where an answer goes. Called on the loop that reads the socket: whoever is told must not keep it.</summary>
internal interface IAnswerTarget
{
    /// <summary>The answer, which now is the target's to return.</summary>
    void Answer(ReceivedMessage message);

    void Fail(OpcUaException error);
}

/// <summary>A call that is awaited.</summary>
internal sealed class AwaitedAnswer : IAnswerTarget
{
    private readonly TaskCompletionSource<ReceivedMessage> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<ReceivedMessage> Task => _source.Task;

    public void Answer(ReceivedMessage message)
    {
        if (!_source.TrySetResult(message)) message.Dispose();
    }

    public void Fail(OpcUaException error)
    {
        // Whoever waited may have gone; then nobody observes it, and it must not be an unobserved exception.
        if (_source.TrySetException(error)) _ = _source.Task.Exception;
    }

    /// <summary>Nobody waits any more: an answer on its way is returned.</summary>
    public bool GiveUp() => _source.TrySetCanceled(CancellationToken.None);
}
