using System.Text.Json;

namespace OeeOrleans.Sparkplug.Payload;

/// <summary>DataSets (Sparkplug 3.0 section 6.4.10): 1 num_of_columns, 2 columns, 3 types, 4 rows; Row: 1 elements; DataSetValue: 1 int, 2
/// long, 3 float, 4 double, 5 boolean, 6 string.</summary>
internal static class SparkplugDataSets
{
    public static void Write(Utf8JsonWriter json, ReadOnlySpan<byte> content, int offset)
    {
        var types = new List<SparkplugDataType>();
        json.WriteStartObject();
        json.WriteStartArray("columns");
        var columns = 0;
        ulong? announced = null;
        var reader = new ProtobufReader(content, offset);
        while (!reader.AtEnd)
        {
            var field = reader.ReadTag(out var wire);
            if (field == 1 && wire == ProtobufReader.Varint) announced = reader.ReadVarint();
            else if (field == 2 && wire == ProtobufReader.Length)
            {
                json.WriteStringValue(Text.Checked(reader.ReadBytes(out var at), at, "column name"));
                columns++;
            }
            else if (field == 3 && wire == ProtobufReader.Varint) types.Add(MetricView.ReadDataType(ref reader));
            else if (field == 3 && wire == ProtobufReader.Length)
            {
                // Packed, as some encoders write repeated numbers.
                var packed = new ProtobufReader(reader.ReadBytes(out var at), at);
                while (!packed.AtEnd) types.Add(MetricView.ReadDataType(ref packed));
            }
            else reader.Skip(wire);
        }

        json.WriteEndArray();
        if (types.Count != columns || (announced is { } n && n != (ulong)columns))
        {
            SparkplugFormatException.Throw($"a data set announces {announced} columns, names {columns} and types {types.Count}", offset);
        }

        json.WriteStartArray("types");
        foreach (var type in types) json.WriteStringValue(type.ToString());
        json.WriteEndArray();
        json.WriteStartArray("rows");
        reader = new ProtobufReader(content, offset);
        while (!reader.AtEnd)
        {
            var field = reader.ReadTag(out var wire);
            if (field == 4 && wire == ProtobufReader.Length) WriteRow(json, reader.ReadBytes(out var at), at, types);
            else reader.Skip(wire);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteRow(Utf8JsonWriter json, ReadOnlySpan<byte> row, int offset, List<SparkplugDataType> types)
    {
        json.WriteStartArray();
        var column = 0;
        var reader = new ProtobufReader(row, offset);
        while (!reader.AtEnd)
        {
            var field = reader.ReadTag(out var wire);
            if (field != 1 || wire != ProtobufReader.Length)
            {
                reader.Skip(wire);
                continue;
            }

            var element = reader.ReadBytes(out var at);
            if (column >= types.Count) SparkplugFormatException.Throw($"a row has more elements than the {types.Count} columns", at);
            WriteElement(json, element, at, types[column++]);
        }

        if (column != types.Count) SparkplugFormatException.Throw($"a row has {column} elements for {types.Count} columns", offset);
        json.WriteEndArray();
    }

    private static void WriteElement(Utf8JsonWriter json, ReadOnlySpan<byte> element, int offset, SparkplugDataType type)
    {
        var reader = new ProtobufReader(element, offset);
        var value = (Field: ValueField.None, Bits: 0UL);
        ReadOnlySpan<byte> content = default;
        while (!reader.AtEnd)
        {
            var field = reader.ReadTag(out var wire);
            switch (field)
            {
                case 1 or 2 or 5 when wire == ProtobufReader.Varint:
                    value = (field switch { 1 => ValueField.Int, 2 => ValueField.Long, _ => ValueField.Boolean }, reader.ReadVarint());
                    break;
                case 3 when wire == ProtobufReader.Fixed32: value = (ValueField.Float, reader.ReadFixed32()); break;
                case 4 when wire == ProtobufReader.Fixed64: value = (ValueField.Double, reader.ReadFixed64()); break;
                case 6 when wire == ProtobufReader.Length:
                    content = Text.Checked(reader.ReadBytes(out var at), at, "data set string");
                    value = (ValueField.String, 0);
                    break;
                default: reader.Skip(wire); break;
            }
        }

        SparkplugJson.WriteValue(json, type, value.Field, value.Bits, content, offset, 0);
    }
}
