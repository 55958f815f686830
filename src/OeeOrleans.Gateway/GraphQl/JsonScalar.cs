using System.Text.Json;
using System.Text.Json.Nodes;
using GraphQL.Types;
using GraphQLParser.AST;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>Any JSON: for what has no shape of its own here, such as a part of the plant with the keys of `plant.yaml`.</summary>
internal sealed class JsonScalar : ScalarGraphType
{
    public JsonScalar()
    {
        Name = "JSON";
        Description = "Any JSON value.";
    }

    public override object? ParseLiteral(GraphQLValue value) => Literal(value);

    public override bool CanParseLiteral(GraphQLValue value) => true;

    public override object? ParseValue(object? value) => value;

    public override bool CanParseValue(object? value) => true;

    public override object? Serialize(object? value) => value;

    /// <summary>What a client gave, as a node.</summary>
    public static JsonNode? Node(object? value) => value switch
    {
        null => null,
        JsonNode node => node,
        IDictionary<string, object?> members => new JsonObject(members.Select(m => KeyValuePair.Create(m.Key, Node(m.Value)))),
        System.Numerics.BigInteger number => JsonNode.Parse(number.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        IEnumerable<object?> items => new JsonArray([.. items.Select(Node)]),
        _ => JsonSerializer.SerializeToNode(value),
    };

    private static object? Literal(GraphQLValue value) => value switch
    {
        GraphQLNullValue => null,
        GraphQLBooleanValue flag => flag.BoolValue,
        GraphQLStringValue text => text.Value.ToString(),
        GraphQLEnumValue name => name.Name.StringValue,
        GraphQLIntValue number => JsonDocument.Parse(number.Value.ToString()).RootElement,
        GraphQLFloatValue number => JsonDocument.Parse(number.Value.ToString()).RootElement,
        GraphQLListValue list => list.Values?.Select(Literal).ToList() ?? [],
        GraphQLObjectValue members => members.Fields?.ToDictionary(f => f.Name.StringValue, f => Literal(f.Value)) ?? [],
        _ => throw new FormatException("a variable within JSON is not possible; make all of it one variable"),
    };
}
