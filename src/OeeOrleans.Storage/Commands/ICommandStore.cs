using OeeOrleans.Model;
using OeeOrleans.Model.Commands;

namespace OeeOrleans.Storage.Commands;

/// <summary>Writes to PLCs that were asked for. A change and its audit entry are one transaction. Times are microseconds since 1970 UTC.
/// Throws <see cref="StoreUnavailableException"/> while the database cannot be reached.</summary>
public interface ICommandStore
{
    /// <summary>False: one for the same signal is open.</summary>
    Task<bool> AddCommandAsync(PlcCommand command, AuditEntry audit, CancellationToken cancellationToken);

    Task<PlcCommand?> FindCommandAsync(string id, CancellationToken cancellationToken);

    /// <summary>Newest first.</summary>
    Task<List<PlcCommand>> ReadCommandsAsync(CommandQuery query, CancellationToken cancellationToken);

    /// <summary>
    /// Open ones whose time is over: to be approved, to be answered, or, of those that were approved before
    /// <paramref name="approvedBeforeUs"/>, to be sent. Oldest first, at most <paramref name="limit"/>.
    /// </summary>
    Task<List<PlcCommand>> ReadOverdueCommandsAsync(long nowUs, long approvedBeforeUs, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Moves a command on, unless it was moved meanwhile. One that becomes <see cref="CommandState.Sent"/> gets its number: greater than
    /// any of its edge node, and not below the time, so that a store from a backup repeats none.
    /// </summary>
    /// <param name="to">As it is to be.</param>
    /// <param name="from">In which state it must be, and not answered.</param>
    /// <returns>As it is now; null: somebody else moved it, and nothing was written.</returns>
    Task<PlcCommand?> MoveCommandAsync(PlcCommand to, CommandState from, AuditEntry audit, CancellationToken cancellationToken);
}

/// <summary>What is asked of commands; null: everything.</summary>
/// <param name="Limit">Commands at most.</param>
public sealed record CommandQuery(int Limit)
{
    public IReadOnlyList<CommandState>? States { get; init; }

    /// <summary>Only of these machines.</summary>
    public IReadOnlyList<string>? Machines { get; init; }

    /// <summary>Only those after this one in the order: when it was asked for, and its id.</summary>
    public (long AskedUs, string Id)? After { get; init; }
}
