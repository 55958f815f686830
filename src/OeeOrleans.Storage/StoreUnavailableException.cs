namespace OeeOrleans.Storage;

/// <summary>The database cannot be reached or did not answer in time; the same call may succeed later.</summary>
public sealed class StoreUnavailableException : Exception
{
    public StoreUnavailableException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
