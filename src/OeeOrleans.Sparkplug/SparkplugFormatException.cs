using System.Diagnostics.CodeAnalysis;

namespace OeeOrleans.Sparkplug;

/// <summary>
/// The one exception of this library for bytes that are not what Sparkplug B says; <see cref="Offset"/> is where in the payload.
/// </summary>
public sealed class SparkplugFormatException : Exception
{
    public SparkplugFormatException(string message, int offset)
        : base($"{message} (at byte {offset})") => Offset = offset;

    /// <summary>Offset of the offending byte from the start of the payload.</summary>
    public int Offset { get; }

    [DoesNotReturn]
    internal static void Throw(string message, int offset) => throw new SparkplugFormatException(message, offset);
}
