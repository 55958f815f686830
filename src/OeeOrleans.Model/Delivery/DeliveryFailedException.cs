namespace OeeOrleans.Model.Delivery;

/// <summary>
/// A delivery that failed, with its class. The class is in <see cref="Exception.Data"/>, which travels between silos whatever becomes of
/// the type.
/// </summary>
public sealed class DeliveryFailedException : Exception
{
    private const string Key = "oee.failure";

    public DeliveryFailedException(FailureClass failure, string message, Exception? inner = null)
        : base(message, inner) => Mark(this, failure);

    public FailureClass Failure => ClassOf(this);

    /// <summary>Gives another room's error its class.</summary>
    public static void Mark(Exception error, FailureClass failure) => error.Data[Key] = failure.ToString();

    /// <summary>
    /// The class of any error that came back from a delivery: one without a class is a bug of ours, unless it says that nobody was reached.
    /// </summary>
    public static FailureClass ClassOf(Exception? error)
    {
        if (error is null) return FailureClass.NotReached;
        return error.Data[Key] is string name && Enum.TryParse<FailureClass>(name, out var known) ? known : FailureClass.Bug;
    }
}
