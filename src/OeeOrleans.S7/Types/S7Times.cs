using System.Globalization;

namespace OeeOrleans.S7;

/// <summary>A DTL: a date and time without a zone, nanoseconds. .NET's own has 100.</summary>
/// <param name="Time">Without a zone.</param>
/// <param name="Nanoseconds">Of the last 100, 0..99.</param>
public readonly record struct S7Timestamp(DateTime Time, int Nanoseconds)
{
    /// <summary>ISO 8601 with as many digits as there are.</summary>
    public override string ToString()
    {
        var text = Time.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff", CultureInfo.InvariantCulture)
            + Nanoseconds.ToString("00", CultureInfo.InvariantCulture);
        return text.TrimEnd('0').TrimEnd('.');
    }
}

/// <summary>An LTIME: a duration in nanoseconds.</summary>
public readonly record struct S7Duration(long Nanoseconds)
{
    private const int PerTick = 100;
    private const decimal PerSecond = 1_000_000_000;

    /// <summary>Exact.</summary>
    public decimal Seconds => Nanoseconds / PerSecond;

    /// <summary>Cut to 100 ns.</summary>
    public TimeSpan ToTimeSpan() => new(Nanoseconds / PerTick);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Seconds} s");
}
