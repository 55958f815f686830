using System.Text.Json;

namespace OeeOrleans.Sparkplug.Payload;

/// <summary>Templates (Sparkplug 3.0 section 6.4.13): 1 version, 2 metrics, 3 parameters, 4 template_ref, 5 is_definition. Parameter: 1
/// name, 2 type, 3 int, 4 long, 5 float, 6 double, 7 boolean, 8 string.</summary>
internal static class SparkplugTemplates
{
    public static void Write(Utf8JsonWriter json, ReadOnlySpan<byte> content, int offset, int depth)
    {
        SparkplugJson.CheckDepth(depth, offset);
        ReadOnlySpan<byte> version = default, reference = default;
        bool hasVersion = false, hasReference = false, definition = false;
        var reader = new ProtobufReader(content, offset);
        while (!reader.AtEnd)
        {
            var field = reader.ReadTag(out var wire);
            switch (field)
            {
                case 1 when wire == ProtobufReader.Length:
                    version = Text.Checked(reader.ReadBytes(out var v), v, "template version");
                    hasVersion = true;
                    break;
                case 4 when wire == ProtobufReader.Length:
                    reference = Text.Checked(reader.ReadBytes(out var r), r, "template reference");
                    hasReference = true;
                    break;
                case 5 when wire == ProtobufReader.Varint: definition = reader.ReadVarint() != 0; break;
                default: reader.Skip(wire); break;
            }
        }

        json.WriteStartObject();
        if (hasVersion) json.WriteString("version", version);
        else json.WriteNull("version");
        if (hasReference) json.WriteString("template_ref", reference);
        else json.WriteNull("template_ref");
        json.WriteBoolean("is_definition", definition);
        json.WriteStartArray("metrics");
        reader = new ProtobufReader(content, offset);
        while (!reader.AtEnd)
        {
            var field = reader.ReadTag(out var wire);
            if (field == 2
                && wire == ProtobufReader.Length) SparkplugJson.Write(json, MetricView.Read(reader.ReadBytes(out var at), at), depth);
            else reader.Skip(wire);
        }

        json.WriteEndArray();
        json.WriteStartObject("parameters");
        reader = new ProtobufReader(content, offset);
        while (!reader.AtEnd)
        {
            var field = reader.ReadTag(out var wire);
            if (field == 3 && wire == ProtobufReader.Length) WriteParameter(json, reader.ReadBytes(out var at), at);
            else reader.Skip(wire);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteParameter(Utf8JsonWriter json, ReadOnlySpan<byte> parameter, int offset)
    {
        var reader = new ProtobufReader(parameter, offset);
        ReadOnlySpan<byte> name = default, content = default;
        var type = SparkplugDataType.Unknown;
        var value = (Field: ValueField.None, Bits: 0UL);
        while (!reader.AtEnd)
        {
            var field = reader.ReadTag(out var wire);
            switch (field)
            {
                case 1 when wire == ProtobufReader.Length: name = Text.Checked(reader.ReadBytes(out var n), n, "parameter name"); break;
                case 2 when wire == ProtobufReader.Varint: type = MetricView.ReadDataType(ref reader); break;
                case 3 or 4 or 7 when wire == ProtobufReader.Varint:
                    value = (field switch { 3 => ValueField.Int, 4 => ValueField.Long, _ => ValueField.Boolean }, reader.ReadVarint());
                    break;
                case 5 when wire == ProtobufReader.Fixed32: value = (ValueField.Float, reader.ReadFixed32()); break;
                case 6 when wire == ProtobufReader.Fixed64: value = (ValueField.Double, reader.ReadFixed64()); break;
                case 8 when wire == ProtobufReader.Length:
                    content = Text.Checked(reader.ReadBytes(out var c), c, "string parameter");
                    value = (ValueField.String, 0);
                    break;
                default: reader.Skip(wire); break;
            }
        }

        json.WritePropertyName(name);
        SparkplugJson.WriteValue(json, type, value.Field, value.Bits, content, offset, 0);
    }
}
