using Orleans.Runtime;

namespace OeeOrleans.Ingress.Streams;

/// <summary>Brings the error of a failed delivery to the queue. Orleans tells a queue's cursor that a delivery failed, and keeps the reason
/// to itself; but it sends the delivery through the outgoing call filters of the silo.</summary>
internal sealed class FailureWitness : IOutgoingGrainCallFilter
{
    /// <summary>Method of Orleans' consumer extension that takes a batch.</summary>
    private const string Delivery = "DeliverBatch";

    public Task Invoke(IOutgoingGrainCallContext context) => context.MethodName == Delivery && BatchOf(context) is { } batch
        ? WitnessAsync(context, batch)
        : context.Invoke();

    private static async Task WitnessAsync(IOutgoingGrainCallContext context, MqttBatchContainer batch)
    {
        try
        {
            await context.Invoke();
        }
        catch (Exception error)
        {
            batch.Failure = error;
            throw;
        }
    }

    private static MqttBatchContainer? BatchOf(IOutgoingGrainCallContext context)
    {
        for (var i = 0; i < context.Request.GetArgumentCount(); i++)
        {
            if (context.Request.GetArgument(i) is MqttBatchContainer batch) return batch;
        }

        return null;
    }
}
