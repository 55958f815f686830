namespace OeeOrleans.Storage.Sink;

/// <summary>Makes units durable in groups.</summary>
public interface ICommitSink
{
    /// <summary>
    /// Why the last attempt to write came to nothing; null while groups are committed. A store that is busy is not away: then there is
    /// nothing to do but wait.
    /// </summary>
    string? Trouble { get; }

    /// <summary>Queues a unit and answers with the ticket that says what becomes of it. Waits while there is no room.</summary>
    /// <exception cref="StoreUnavailableException">There was no room in time, or the process ends: the unit is not queued.</exception>
    Task<CommitTicket> WriteAsync(CommitUnit unit, CancellationToken cancellationToken);
}

/// <summary>For owners that have nothing to do until their unit is durable.</summary>
public static class CommitSinkExtensions
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Returns when the unit is committed.</summary>
    /// <exception cref="StoreUnavailableException">
    /// It was not in time, and was taken back: nobody writes it any more. Only an attempt whose answer was lost may have stored it.
    /// </exception>
    /// <exception cref="CommitRefusedException">The database refuses it.</exception>
    public static async Task CommitAsync(this ICommitSink sink, CommitUnit unit, CancellationToken cancellationToken)
    {
        var ticket = await sink.WriteAsync(unit, cancellationToken);
        try
        {
            await ticket.Settled.WaitAsync(Patience, cancellationToken);
        }
        catch (Exception error) when (error is TimeoutException or OperationCanceledException)
        {
            while (!ticket.TryWithdraw() && !ticket.IsSettled) await ticket.AttemptAsync();
        }

        switch (ticket.State)
        {
            case CommitState.Committed: return;
            case CommitState.Refused: throw new CommitRefusedException(ticket.Reason ?? "no reason was given", ticket.Error);
            default: throw new StoreUnavailableException(ticket.Reason ?? $"the store did not commit within {Patience.TotalSeconds:0} s");
        }
    }
}

/// <summary>The database is there and will not take a unit; giving it again does not help.</summary>
public sealed class CommitRefusedException(
    string reason, Exception? inner = null) : Exception($"the store refuses a commit: {reason}", inner);
