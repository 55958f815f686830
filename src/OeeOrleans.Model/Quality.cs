namespace OeeOrleans.Model;

/// <summary>
/// Quality of a sample as OPC numbers: 192..255 good, 64..191 uncertain, 0..63 bad. A bad sample has no value: "from now on unknown".
/// </summary>
public static class Quality
{
    public const short Good = 192;
    public const short Uncertain = 64;
    public const short Bad = 0;

    /// <summary>
    /// Not a quality but a correction: the sample of this signal and instant never was. Known to accounts only, never stored.
    /// </summary>
    public const short Retracted = short.MinValue;

    public static bool CarriesValue(short quality) => quality >= Uncertain;

    public static string Name(short quality) => quality switch
    {
        >= Good => "good",
        >= Uncertain => "uncertain",
        _ => "bad",
    };
}
