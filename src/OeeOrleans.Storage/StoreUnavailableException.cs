using OeeOrleans.Model.Delivery;

namespace OeeOrleans.Storage;

/// <summary>The database cannot be reached, did not answer in time, or takes nothing at all; the same call may succeed later.</summary>
public sealed class StoreUnavailableException : Exception
{
    /// <param name="message">What was attempted, on what, and what came back.</param>
    /// <param name="inner">The engine's error.</param>
    /// <param name="needsOperator">Waiting alone does not help: a damaged file, a disk without a right to write.</param>
    public StoreUnavailableException(string message, Exception? inner = null, bool needsOperator = false)
        : base(message, inner)
    {
        NeedsOperator = needsOperator;
        DeliveryFailedException.Mark(this, FailureClass.StoreAway);
    }

    public bool NeedsOperator { get; }
}
