namespace OeeOrleans.Sparkplug.Payload;

/// <summary>Which member of the protobuf `oneof value` carries a value (field number in Metric).</summary>
public enum ValueField : byte
{
    None = 0,
    Int = 10,
    Long = 11,
    Float = 12,
    Double = 13,
    Boolean = 14,
    String = 15,
    Bytes = 16,
    DataSet = 17,
    Template = 18,
    Extension = 19,
}
