using System.Security.Claims;
using GraphQL;
using GraphQL.Types;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Gateway.Live;
using OeeOrleans.Kpi.Plant;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>What the live push tells, of a line or of a machine.</summary>
internal sealed class SubscriptionType : ObjectGraphType
{
    public SubscriptionType()
    {
        Name = "Subscription";
        Add<MachineStatusDocument>("machineChanged", "MachineChanged", "A machine is in another state, or its figures are newer.");
        Add<KpiDocument>("kpiChanged", "KpiChanged", "Figures of the shift, or a window that was recomputed.");
        Add<FaultChangedDocument>("faultChanged", "FaultChanged", "A machine's fault is another one than before.");
    }

    private void Add<T>(string name, string method, string description)
        where T : class => Field<NonNullGraphType<DocumentType<T>>, T>(name)
        .Argument<IdGraphType>("lineId", a => a.Description = "The line and its machines; or machineId.")
        .Argument<IdGraphType>("machineId", a => a.Description = "The machine; or lineId.")
        .Description(description)
        .Resolve(c => (T)c.Source!)
        .ResolveStream(c =>
        {
            var scope = Scope.Of(
                c.GetArgument<string?>("lineId"), c.GetArgument<string?>("machineId"), c.Get<PlantDirectory>(), c.Caller(), live: true)
                ?? throw new BadParameterException("machineId", "either 'lineId' or 'machineId' is needed");
            var topic = scope.Line is null ? LiveHub.MachineTopic(scope.Id) : LiveHub.LineTopic(scope.Id);
            return new LiveStream<T>(c.Get<LiveSubscribers>(), c.User as ClaimsPrincipal, method, topic, scope.Id);
        });
}
