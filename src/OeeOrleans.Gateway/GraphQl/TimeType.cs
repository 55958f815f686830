using GraphQL.Types;
using OeeOrleans.Model;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>An instant: ISO 8601 in, ISO 8601 UTC with its microseconds out, as the REST API has it.</summary>
internal sealed class TimeType : DateTimeOffsetGraphType
{
    public TimeType()
    {
        Name = "Time";
        Description = "An instant, ISO 8601.";
    }

    public override object? Serialize(object? value) =>
        value is DateTimeOffset time ? UnixMicros.ToIso(UnixMicros.From(time)) : base.Serialize(value);
}
