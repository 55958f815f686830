using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Sparkplug.Session;

/// <summary>Payloads of the commands a host sends.</summary>
public static class NodeCommands
{
    /// <summary>
    /// The metric of an edge node that asks for all its births again; false in births (tck-id-payloads-nbirth-rebirth-req).
    /// </summary>
    public const string RebirthName = "Node Control/Rebirth";

    /// <summary>The request to publish all births again (tck-id-payloads-ncmd..., metric `Node Control/Rebirth`).</summary>
    public static (SparkplugTopic Topic, ReadOnlyMemory<byte> Payload) Rebirth(string group, string node, ulong nowMs)
    {
        var writer = new SparkplugPayloadWriter().Begin(nowMs, null);
        writer.Boolean(new MetricHead(RebirthName, null, nowMs, SparkplugDataType.Boolean), true);
        return (new SparkplugTopic(SparkplugMessageType.NCommand, group, node, null), writer.Written);
    }
}
