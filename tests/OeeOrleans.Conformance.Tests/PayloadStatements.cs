using System.Text;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;

namespace OeeOrleans.Conformance.Tests;

/// <summary>A property set, a data set, and a template as definition and as instance, as our writer puts them on the wire.</summary>
internal sealed class Written
{
    private static readonly string[] Units = ["unit", "low", "nothing", "inner"];

    public Written()
    {
        PropertySet properties = new(
        [
            new(Units[0], new(SparkplugDataType.String, "°C")), new(Units[1], new(SparkplugDataType.Double, -40.5)),
            new(Units[2], new(SparkplugDataType.Int32, null)), new(Units[3], new(SparkplugDataType.PropertySet, PropertySet.Quality(192))),
        ]);
        Properties = Sub(Metric(new MetricHead("m", null, 0, SparkplugDataType.Double) { Properties = properties }, 1.0), 9);
        Set = Sub(Metric(new MetricHead("m", null, 0, SparkplugDataType.DataSet), Table), 17);
        Definition = Sub(Metric(new MetricHead("Motor", null, 0, SparkplugDataType.Template), Motor), 18);
        var instance = Motor with
        {
            IsDefinition = false,
            Reference = "Motor",
            Version = null,
            Metrics = [new Metric(new MetricHead("rpm", null, 0, SparkplugDataType.Int32), 1500L)],
        };
        Instance = Sub(Metric(new MetricHead("m1", 5, 0, SparkplugDataType.Template), instance), 18);
    }

    public static DataSet Table { get; } = new(
        ["id", "name"], [SparkplugDataType.Int32, SparkplugDataType.String], [[1L, "a"], [-2L, "b"]]);

    public static Template Motor { get; } = new()
    {
        Version = "1", IsDefinition = true, Metrics = [new Metric(new MetricHead("rpm", null, 0, SparkplugDataType.Int32), null)],
        Parameters = [new TemplateParameter("poles", SparkplugDataType.UInt32, 4L)],
    };

    /// <summary>1 keys, 2 values.</summary>
    public IReadOnlyList<ProtobufField> Properties { get; }

    /// <summary>1 number of columns, 2 columns, 3 types, 4 rows.</summary>
    public IReadOnlyList<ProtobufField> Set { get; }

    /// <summary>1 version, 2 metrics, 3 parameters, 4 reference, 5 is definition.</summary>
    public IReadOnlyList<ProtobufField> Definition { get; }

    public IReadOnlyList<ProtobufField> Instance { get; }

    /// <summary>1 name, 2 type, 3 and up the value.</summary>
    public IReadOnlyList<ProtobufField> Parameter => Sub(Definition, 3);

    public static IReadOnlyList<ProtobufField> Metric(in MetricHead head, object? value)
    {
        var writer = new SparkplugPayloadWriter().Begin(1, 0);
        writer.Value(head, value);
        return Sub(ProtobufField.All(writer.Written.Span), 2);
    }

    public static IReadOnlyList<ProtobufField> Sub(IReadOnlyList<ProtobufField> fields, int number) =>
        ProtobufField.All(One(fields, number).Bytes);

    public static ProtobufField One(IReadOnlyList<ProtobufField> fields, int number) => Assert.Single(fields, f => f.Number == number);
}

/// <summary>Property sets, data sets and templates on the wire.</summary>
public sealed class PayloadStatements
{
    internal static readonly Statements<Written> Statements = new()
    {

        {
            "payloads-propertyset-keys-array-size",
            "as many keys as values",
            w => Assert.Equal(Values(w).Count(), w.Properties.Count(f => f.Number == 1))
        },
        { "payloads-propertyset-values-array-size", "as many values as keys: a payload that has fewer is refused",
            _ => Assert.Throws<SparkplugFormatException>(() => Decoded.Json(Convert.FromHexString("120a4a080a01610a01621200"))) },
        { "payloads-metric-propertyvalue-type-type", "the type of a value is an unsigned number of 32 bits",
            w => Facts.Each(Types(w), t => Assert.Equal((0, true), (t.WireType, t.Value <= uint.MaxValue))) },
        { "payloads-metric-propertyvalue-type-value", "one of the basic types, or of those of properties",
            w => Assert.Equal([12UL, 10, 3, 20], Types(w).Select(t => t.Value)) },
        { "payloads-metric-propertyvalue-type-req", "every value says its type", w => Assert.Equal(Values(w).Count(), Types(w).Count()) },


        {
            "payloads-dataset-column-size",
            "the number of columns is an unsigned number of 64 bits",
            w => Assert.Equal((0, 2UL), Kind(Written.One(w.Set, 1)))
        },
        { "payloads-dataset-column-num-headers", "as many columns as types: others are not written",
            _ => Assert.Throws<ArgumentException>(() => WriteSet(Written.Table with { Columns = ["id"] })) },
        { "payloads-dataset-types-num", "as many types as columns: others are not written",
            _ => Assert.Throws<ArgumentException>(() => WriteSet(Written.Table with { Types = [SparkplugDataType.Int32] })) },
        { "payloads-dataset-types-def", "the types are an array of numbers", w => Assert.Equal(2, TypesOf(w).Count) },

        {
            "payloads-dataset-types-type",
            "each an unsigned number of 32 bits",
            w => Facts.Each(TypesOf(w), t => Assert.True(t <= uint.MaxValue))
        },
        { "payloads-dataset-types-value", "each one of the basic types", w => Assert.Equal([3UL, 12], TypesOf(w)) },
        { "payloads-dataset-parameter-type-req", "the types are there", w => Assert.Contains(w.Set, f => f.Number == 3) },
        { "payloads-template-dataset-value", "a value is one of the six kinds a data set may hold",
            w => Facts.Each(
                w.Set.Where(f => f.Number == 4).SelectMany(r => ProtobufField.All(r.Bytes)), e => Assert.InRange(Element(e), 1, 6)) },


        {
            "payloads-template-definition-is-definition", "a definition says so", w => Assert.Equal(1UL, Written.One(w.Definition, 5).Value)
        },

        {
            "payloads-template-is-definition-definition", "a definition says so", w => Assert.Equal(1UL, Written.One(w.Definition, 5).Value)
        },
        { "payloads-template-definition-ref", "it has no reference", w => Assert.DoesNotContain(w.Definition, f => f.Number == 4) },
        { "payloads-template-ref-definition", "it has no reference", w => Assert.DoesNotContain(w.Definition, f => f.Number == 4) },

        {
            "payloads-template-definition-parameters-default",
            "it may give values to its parameters",
            w => Assert.Equal(4UL, Assert.Single(w.Parameter, f => f.Number > 2).Value)
        },
        { "payloads-template-version", "its version is a text", w => Assert.Equal("1", Text(Written.One(w.Definition, 1))) },
        { "payloads-template-is-definition", "definitions and instances say which they are",
            w => Assert.Equal((1, 1), (w.Definition.Count(f => f.Number == 5), w.Instance.Count(f => f.Number == 5))) },

        {
            "payloads-template-instance-is-definition",
            "an instance says that it is none",
            w => Assert.Equal(0UL, Written.One(w.Instance, 5).Value)
        },

        {
            "payloads-template-is-definition-instance",
            "an instance says that it is none",
            w => Assert.Equal(0UL, Written.One(w.Instance, 5).Value)
        },
        { "payloads-template-instance-ref", "it names its definition", w => Assert.Equal("Motor", Text(Written.One(w.Instance, 4))) },

        {
            "payloads-template-ref-instance",
            "as a text",
            w => Assert.Equal((2, "Motor"), (Written.One(w.Instance, 4).WireType, Text(Written.One(w.Instance, 4))))
        },
        { "payloads-template-parameter-name-required", "a parameter has a name", w => Assert.Contains(w.Parameter, f => f.Number == 1) },
        { "payloads-template-parameter-name-type", "which is a text", w => Assert.Equal("poles", Text(Written.One(w.Parameter, 1))) },
        { "payloads-template-parameter-type-req", "it has a type", w => Assert.Contains(w.Parameter, f => f.Number == 2) },

        {
            "payloads-template-parameter-value-type",
            "which is an unsigned number of 32 bits",
            w => Assert.Equal(0, Written.One(w.Parameter, 2).WireType)
        },

        {
            "payloads-template-parameter-type-value",
            "and one of the basic types",
            w => Assert.Equal(7UL, Written.One(w.Parameter, 2).Value)
        },
        { "payloads-template-parameter-value", "its value is one of the six kinds a parameter may hold",
            w => Facts.Each(w.Parameter.Where(f => f.Number > 2), f => Assert.InRange(f.Number, 3, 8)) },
    };

    public static TheoryData<string> Ids() => Statements.Data;

    [Theory]
    [MemberData(nameof(Ids))]
    public void Holds(string id) => Statements.Check(id, new Written());

    private static IEnumerable<IReadOnlyList<ProtobufField>> Values(Written w) =>
        w.Properties.Where(f => f.Number == 2).Select(f => ProtobufField.All(f.Bytes));

    private static IEnumerable<ProtobufField> Types(Written w) => Values(w).SelectMany(v => v.Where(f => f.Number == 1));

    private static IReadOnlyList<ulong> TypesOf(Written w) => ProtobufField.Numbers(w.Set.Where(f => f.Number == 3));

    private static (int, ulong) Kind(ProtobufField field) => (field.WireType, field.Value);

    private static string Text(ProtobufField field) => Encoding.UTF8.GetString(field.Bytes);

    /// <summary>Which kind of value an element of a row holds.</summary>
    private static int Element(ProtobufField element) => Assert.Single(ProtobufField.All(element.Bytes)).Number;

    private static void WriteSet(DataSet set) => Written.Metric(new MetricHead("m", null, 0, SparkplugDataType.DataSet), set);
}
