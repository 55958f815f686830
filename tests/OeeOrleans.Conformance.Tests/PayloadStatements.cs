using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;

namespace OeeOrleans.Conformance.Tests;

/// <summary>Property sets, data sets and templates, as they are written and as they are read.</summary>
public sealed class PayloadStatements
{
    private static readonly DataSet Table = new(["id", "name"], [SparkplugDataType.Int32, SparkplugDataType.String], [[1L, "a"], [-2L, "b"]]);

    private static readonly Template Definition = new()
    {
        Version = "1", IsDefinition = true, Metrics = [new Metric(new MetricHead("rpm", null, 0, SparkplugDataType.Int32), null)], Parameters = [new TemplateParameter("poles", SparkplugDataType.UInt32, 4L)],
    };

    private static readonly Template Instance = Definition with { IsDefinition = false, Reference = "Motor", Metrics = [new Metric(new MetricHead("rpm", null, 0, SparkplugDataType.Int32), 1500L)] };

    [Theory]
    [Tck("payloads-propertyset-keys-array-size", "payloads-propertyset-values-array-size", "payloads-metric-propertyvalue-type-type", "payloads-metric-propertyvalue-type-value", "payloads-metric-propertyvalue-type-req")]
    public void A_property_set_has_as_many_typed_values_as_keys(string id)
    {
        Assert.NotEmpty(id);
        var set = new PropertySet([new("unit", new(SparkplugDataType.String, "°C")), new("low", new(SparkplugDataType.Double, -40.5)), new("nothing", new(SparkplugDataType.Int32, null)), new("inner", new(SparkplugDataType.PropertySet, PropertySet.Quality(192)))]);
        var metric = Write(new MetricHead("m", null, 0, SparkplugDataType.Double) { Properties = set }, 1.0).GetProperty("properties");
        Assert.Equal(["unit", "low", "nothing", "inner"], metric.EnumerateObject().Select(p => p.Name));
        Assert.Equal(192, metric.GetProperty("inner").GetProperty("Quality").GetInt32());
        // A key without its value is refused.
        Assert.Throws<SparkplugFormatException>(() => Decoded.Json(Convert.FromHexString("120a4a080a0161" + "0a0162" + "12" + "00")));
    }

    [Theory]
    [Tck("payloads-dataset-column-size", "payloads-dataset-column-num-headers", "payloads-dataset-types-def", "payloads-dataset-types-num", "payloads-dataset-types-type", "payloads-dataset-types-value", "payloads-dataset-parameter-type-req", "payloads-template-dataset-value")]
    public void A_data_set_has_a_name_a_type_and_a_value_of_that_type_for_every_column(string id)
    {
        Assert.NotEmpty(id);
        var value = Write(new MetricHead("m", null, 0, SparkplugDataType.DataSet), Table).GetProperty("value");
        Assert.Equal((2, 2), (value.GetProperty("columns").GetArrayLength(), value.GetProperty("types").GetArrayLength()));
        Assert.All(value.GetProperty("rows").EnumerateArray(), r => Assert.Equal(2, r.GetArrayLength()));
        Assert.Throws<ArgumentException>(() => Write(new MetricHead("m", null, 0, SparkplugDataType.DataSet), Table with { Columns = ["id"] }));
        Assert.Throws<ArgumentException>(() => Write(new MetricHead("m", null, 0, SparkplugDataType.DataSet), Table with { Rows = [[1L]] }));
    }

    [Theory]
    [Tck("payloads-template-definition-is-definition", "payloads-template-definition-ref", "payloads-template-definition-members", "payloads-template-definition-parameters", "payloads-template-definition-parameters-default", "payloads-template-ref-definition",
        "payloads-template-is-definition", "payloads-template-is-definition-definition", "payloads-template-version")]
    public void A_template_definition_says_so_has_no_reference_and_lists_members_and_parameters(string id)
    {
        Assert.NotEmpty(id);
        var value = Write(new MetricHead("Motor", null, 0, SparkplugDataType.Template), Definition).GetProperty("value");
        Assert.Equal((true, System.Text.Json.JsonValueKind.Null, "1"), (value.GetProperty("is_definition").GetBoolean(), value.GetProperty("template_ref").ValueKind, value.GetProperty("version").GetString()));
        Assert.Equal("rpm", value.GetProperty("metrics")[0].GetProperty("name").GetString());
        Assert.Equal(4, value.GetProperty("parameters").GetProperty("poles").GetInt32());
    }

    [Theory]
    [Tck("payloads-template-instance-is-definition", "payloads-template-instance-ref", "payloads-template-instance-members", "payloads-template-instance-members-birth", "payloads-template-instance-members-data", "payloads-template-instance-parameters",
        "payloads-template-ref-instance", "payloads-template-is-definition-instance", "payloads-template-parameter-name-required", "payloads-template-parameter-name-type", "payloads-template-parameter-value-type", "payloads-template-parameter-type-value", "payloads-template-parameter-type-req", "payloads-template-parameter-value")]
    public void A_template_instance_names_its_definition_and_gives_values(string id)
    {
        Assert.NotEmpty(id);
        var value = Write(new MetricHead("m1", 5, 0, SparkplugDataType.Template), Instance).GetProperty("value");
        Assert.Equal((false, "Motor"), (value.GetProperty("is_definition").GetBoolean(), value.GetProperty("template_ref").GetString()));
        Assert.Equal(1500, value.GetProperty("metrics")[0].GetProperty("value").GetInt32());
        Assert.Equal(4, value.GetProperty("parameters").GetProperty("poles").GetInt32());
    }

    private static System.Text.Json.JsonElement Write(in MetricHead head, object? value)
    {
        var writer = new SparkplugPayloadWriter().Begin(1, 0);
        writer.Value(head, value);
        return Decoded.Json(writer.Written.Span).GetProperty("metrics")[0];
    }
}
