using MQTTnet;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;

namespace OeeOrleans.EndToEnd;

/// <summary>DCMD to the machine, as any Sparkplug host sends it.</summary>
internal static class DeviceCommand
{
    public static async Task SendAsync(string broker, string metric, double value)
    {
        var writer = new SparkplugPayloadWriter();
        var now = (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        writer.Begin(now, null);
        writer.Double(new MetricHead(metric, null, now, SparkplugDataType.Double), value);
        using var client = new MqttClientFactory().CreateMqttClient();
        await client.ConnectAsync(new MqttClientOptionsBuilder().WithConnectionUri(new Uri(broker)).WithClientId("commander").Build());
        await client.PublishAsync(
            new MqttApplicationMessageBuilder().WithTopic("spBv1.0/e2e/DCMD/edge1/press1").WithPayload(writer.Written.ToArray()).Build());
        await client.DisconnectAsync();
    }
}
