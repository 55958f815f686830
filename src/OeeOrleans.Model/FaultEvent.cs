using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace OeeOrleans.Model;

/// <summary>A fault of a machine from its first appearance to its end. <see cref="EndUs"/> is null while it is active.</summary>
public sealed record FaultEvent
{
    public const string FaultType = "fault";
    public const string ThresholdType = "threshold";

    public required string Machine { get; init; }
    /// <summary>Of a limit that was passed its id.</summary>
    public required string Code { get; init; }
    /// <summary>`fault`: the machine reported it; `threshold`: a limit of the plant model was passed.</summary>
    public string Type { get; init; } = FaultType;
    public required long StartUs { get; init; }
    public long? EndUs { get; init; }
    /// <summary>1, plus one for every return within the dedupe time.</summary>
    public int Occurrences { get; init; } = 1;
    /// <summary>0..1000, from the machine's fault map; 0 when it says nothing.</summary>
    public short Severity { get; init; }
    /// <summary>Who acknowledged it, and when; an acknowledged active fault stays active.</summary>
    public string? AckBy { get; init; }
    public long? AckUs { get; init; }
    /// <summary>Hidden from the list of active faults until then.</summary>
    public long? ShelvedUntilUs { get; init; }

    /// <summary>Whether the engine says the same of both; what people said of them is not compared.</summary>
    public bool SameAs(FaultEvent other) =>
        Id == other.Id && EndUs == other.EndUs && Occurrences == other.Occurrences && Severity == other.Severity;

    /// <summary>A function of (machine, code, start), so that replays change nothing.</summary>
    public string Id => IdOf(Machine, Type == FaultType ? Code : $"{Type}:{Code}", StartUs);

    public static string IdOf(string machine, string code, long startUs)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{machine}\n{code}\n{startUs}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 12));
    }
}
