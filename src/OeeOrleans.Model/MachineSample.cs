namespace OeeOrleans.Model;

/// <summary>
/// One value of one canonical signal of a machine. <see cref="Text"/> is set for strings; a bad sample has neither value nor text.
/// </summary>
/// <param name="Kind">Which signal.</param>
/// <param name="TimeUs">Source time, microseconds since 1970 UTC.</param>
/// <param name="Value">Number, or 0/1 for a boolean.</param>
/// <param name="Text">String value, else null.</param>
/// <param name="Quality">OPC quality number, see <see cref="Model.Quality"/>.</param>
public readonly record struct MachineSample(SignalKind Kind, long TimeUs, double Value, string? Text, short Quality)
{
    public bool HasValue => Model.Quality.CarriesValue(Quality);
}
