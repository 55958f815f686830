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

    /// <summary>Devices of one edge node in one of its births; more are refused.</summary>
    public const int MaxDevicesPerNode = 4_096;

    /// <summary>Metrics of one edge node and its devices under one of its births; more are refused.</summary>
    public const int MaxMetricsPerNode = 200_000;

    /// <summary>The highest datatype number of Sparkplug 3.0.</summary>
    public const uint MaxDataType = 34;
}
