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
}

[RegisterConverter]
public sealed class MessageBatchConverter : IConverter<MessageBatch, MessageBatchSurrogate>
{
    public MessageBatch ConvertFromSurrogate(in MessageBatchSurrogate surrogate)
    {
        var messages = new BrokerMessage[surrogate.Topics.Length];
        for (var i = 0; i < messages.Length; i++) messages[i] = new BrokerMessage(surrogate.Topics[i], surrogate.Payloads[i], surrogate.IngestUs[i]);
        return new MessageBatch(messages);
    }

    public MessageBatchSurrogate ConvertToSurrogate(in MessageBatch value) => new()
    {
        Topics = [.. value.Messages.Select(m => m.Topic)],
        Payloads = [.. value.Messages.Select(m => m.Payload)],
        IngestUs = [.. value.Messages.Select(m => m.IngestUs)],
    };
}
