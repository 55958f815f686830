namespace OeeOrleans.Storage.Sink;

/// <summary>Makes units durable in groups.</summary>
public interface ISampleSink
{
    /// <summary>Returns when the unit is committed. Throws <see cref="StoreUnavailableException"/> when it could not be: then nothing of it may be
    /// taken as stored, and the same unit may be written again.</summary>
    Task WriteAsync(CommitUnit unit, CancellationToken cancellationToken);
}
