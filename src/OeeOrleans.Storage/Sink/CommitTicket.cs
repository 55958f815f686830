namespace OeeOrleans.Storage.Sink;

/// <summary>Where a unit stands.</summary>
public enum CommitState
{
    /// <summary>It waits for its group, or for the next attempt; it may be withdrawn.</summary>
    Queued,

    /// <summary>It is being written; nobody can say yet whether it is stored.</summary>
    Committing,

    /// <summary>It is durable.</summary>
    Committed,

    /// <summary>The store refuses it; nobody writes it any more.</summary>
    Refused,

    /// <summary>Its owner took it back; nobody writes it any more.</summary>
    Withdrawn,
}

/// <summary>
/// The fate of one unit. Safe for concurrent use.
/// <code>
/// Queued --(attempt)--> Committing --> Committed
///    ^                      |-------> Refused
///    '---(store away)-------'
/// Queued --(owner)--> Withdrawn
/// </code>
/// Who was told Withdrawn or Refused may rely on it: no attempt begins after that. When the answer to an earlier attempt was lost, the
/// unit may be stored all the same; so its owner gives it again, or reads what is there, and a unit that is stored twice changes nothing.
/// </summary>
public sealed class CommitTicket(CommitUnit unit, Action<CommitTicket>? settled = null)
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource<CommitState> _settled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _attempt = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public CommitUnit Unit => unit;

    public CommitState State { get; private set; }

    /// <summary>Why it was refused, or why the last attempt came to nothing; null when there is nothing to say.</summary>
    public string? Reason { get; private set; }

    /// <summary>The error behind a refusal that was a bug of ours; null otherwise.</summary>
    public Exception? Error { get; private set; }

    /// <summary>Completes with the last state: Committed, Refused or Withdrawn.</summary>
    public Task<CommitState> Settled => _settled.Task;

    /// <summary>It is committed without some of its rows: the database refuses them, and they are in `dead_letter`.</summary>
    public bool LacksRows { get; private set; }

    public bool IsSettled => State is CommitState.Committed or CommitState.Refused or CommitState.Withdrawn;

    /// <summary>Takes the unit back; false when it is being written or settled already.</summary>
    public bool TryWithdraw() => Move(CommitState.Queued, CommitState.Withdrawn);

    /// <summary>Until the attempt that is under way has ended, whatever its end.</summary>
    public Task AttemptAsync()
    {
        lock (_lock) return State == CommitState.Committing ? _attempt.Task : Task.CompletedTask;
    }

    /// <summary>An attempt begins; false when there is nothing to attempt any more.</summary>
    internal bool TryBegin() => Move(CommitState.Queued, CommitState.Committing);

    /// <summary>The attempt failed of the store, and another one follows.</summary>
    internal void Again(string reason) => Move(CommitState.Committing, CommitState.Queued, reason);

    internal void Commit() => Move(CommitState.Committing, CommitState.Committed);

    /// <summary>To be said before <see cref="Commit"/>.</summary>
    internal void WithoutRows() => LacksRows = true;

    internal void Refuse(string reason, Exception? error) => Move(CommitState.Committing, CommitState.Refused, reason, error);

    private bool Move(CommitState from, CommitState to, string? reason = null, Exception? error = null)
    {
        TaskCompletionSource? ended = null;
        lock (_lock)
        {
            if (State != from) return false;
            (State, Reason, Error) = (to, reason ?? (to == CommitState.Committed ? null : Reason), error);
            if (from == CommitState.Committing) ended = _attempt;
            if (to == CommitState.Committing) _attempt = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        // Of this move: another one may have followed.
        if (to is CommitState.Committed or CommitState.Refused or CommitState.Withdrawn)
        {
            settled?.Invoke(this);
            _settled.TrySetResult(to);
        }

        ended?.TrySetResult();
        return true;
    }
}
