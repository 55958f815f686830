namespace OeeOrleans.Gateway.Api.Export;

/// <summary>
/// Takes what writers of formats write, in whatever way, and gives it to a response that takes it asynchronously: a batch at a time is in
/// memory. Forward only.
/// </summary>
internal sealed class ForwardStream(Stream target) : Stream
{
    private readonly MemoryStream _waiting = new();
    private long _sent;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _sent + _waiting.Length;

    public override long Position
    {
        get => Length;
        set => throw new NotSupportedException();
    }

    /// <summary>Sends what waits.</summary>
    public async Task SendAsync(CancellationToken cancellationToken)
    {
        await target.WriteAsync(_waiting.GetBuffer().AsMemory(0, (int)_waiting.Length), cancellationToken);
        await target.FlushAsync(cancellationToken);
        _sent += _waiting.Length;
        _waiting.SetLength(0);
    }

    public override void Flush()
    {
        // Sent by whoever writes, when a batch is whole.
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Write(byte[] buffer, int offset, int count) => _waiting.Write(buffer, offset, count);

    public override void Write(ReadOnlySpan<byte> buffer) => _waiting.Write(buffer);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _waiting.Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
