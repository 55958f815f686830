namespace OeeOrleans.Sparkplug;

/// <summary>Limits that bound what one payload may cost.</summary>
public static class SparkplugLimits
{
    /// <summary>Templates in templates, property sets in property sets: deeper is an attack, not a plant.</summary>
    public const int MaxNesting = 16;

    /// <summary>Metrics in one payload; the largest births seen in the field have some ten thousand.</summary>
    public const int MaxMetrics = 65_536;

    /// <summary>A payload larger than this is no message of a plant; MQTT itself ends at 256 MiB.</summary>
    public const int MaxPayloadBytes = 64 << 20;

    /// <summary>The highest datatype number of Sparkplug 3.0.</summary>
    public const uint MaxDataType = 34;
}
