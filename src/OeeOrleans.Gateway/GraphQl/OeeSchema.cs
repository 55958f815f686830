using System.Text.Json;
using System.Text.Json.Nodes;
using GraphQL;
using GraphQL.Types;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Gateway.Api.Plant;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>
/// The schema. What the REST API answers with is what there is here: types are made of the same records, and nothing is described twice.
/// </summary>
internal sealed class OeeSchema : Schema
{
    private static readonly Type[] Documents =
    [
        typeof(WindowDocument), typeof(KpiDocument), typeof(MachineStatusDocument), typeof(FaultDocument), typeof(FaultChangedDocument),
        typeof(PassedLimitDocument),
        typeof(StopDocument), typeof(SegmentReasonDocument), typeof(ReasonDocument), typeof(LossItemDocument), typeof(LossReportDocument),
        typeof(LossDocument), typeof(ExplanationDocument), typeof(IntervalDocument), typeof(IdealDocument), typeof(DeltaDocument),
        typeof(TrendDocument), typeof(TrendItem), typeof(TagDocument), typeof(WriteLimitsDocument), typeof(EdgeNodeDocument),
        typeof(EdgeSourcesDocument),
        typeof(CommandDocument), typeof(RevisionDocument), typeof(DifferenceDocument),
    ];

    public OeeSchema(IServiceProvider services, QueryType query, MutationType mutation, SubscriptionType subscription)
        : base(services)
    {
        (Query, Mutation, Subscription) = (query, mutation, subscription);
        foreach (var document in Documents) RegisterTypeMapping(document, typeof(DocumentType<>).MakeGenericType(document));
        RegisterTypeMapping(typeof(DateTimeOffset), typeof(TimeType));
        foreach (var json in new[] { typeof(JsonElement), typeof(JsonNode) }) RegisterTypeMapping(json, typeof(JsonScalar));
        // The whole schema costs what a large plant does. Last, because it makes the types.
        this.WithIntrospectionComplexityImpact(0.02);
    }
}
