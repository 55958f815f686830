using OeeOrleans.Model;

namespace OeeOrleans.Ingress.Streams;

/// <summary>How a batch travels between silos. The model knows nothing of Orleans.</summary>
[GenerateSerializer]
[Alias("oee.message-batch")]
public struct MessageBatchSurrogate
{
    [Id(0)]
    public string[] Topics;

    [Id(1)]
    public byte[][] Payloads;

    [Id(2)]
    public long[] IngestUs;

    /// <summary>Null from a silo of an earlier release, as all that follows.</summary>
    [Id(3)]
    public bool[]? Redelivered;

    [Id(4)]
    public ulong[]? Numbers;

    [Id(5)]
    public string?[]? Refusals;

    [Id(6)]
    public string? Source;
}

[RegisterConverter]
public sealed class MessageBatchConverter : IConverter<MessageBatch, MessageBatchSurrogate>
{
    public MessageBatch ConvertFromSurrogate(in MessageBatchSurrogate surrogate)
    {
        var messages = new BrokerMessage[surrogate.Topics.Length];
        for (var i = 0; i < messages.Length; i++)
        {
            messages[i] = new BrokerMessage(surrogate.Topics[i], surrogate.Payloads[i], surrogate.IngestUs[i])
            {
                Redelivered = surrogate.Redelivered?[i] ?? false,
                Number = surrogate.Numbers?[i] ?? 0,
                Refusal = surrogate.Refusals?[i],
            };
        }

        return new MessageBatch(messages) { Source = surrogate.Source ?? "" };
    }

    public MessageBatchSurrogate ConvertToSurrogate(in MessageBatch value) => new()
    {
        Topics = [.. value.Messages.Select(m => m.Topic)],
        Payloads = [.. value.Messages.Select(m => m.Payload.ToArray())],
        IngestUs = [.. value.Messages.Select(m => m.IngestUs)],
        Redelivered = [.. value.Messages.Select(m => m.Redelivered)],
        Numbers = [.. value.Messages.Select(m => m.Number)],
        Refusals = value.Messages.Any(m => m.Refusal is not null) ? [.. value.Messages.Select(m => m.Refusal)] : null,
        Source = value.Source,
    };
}
