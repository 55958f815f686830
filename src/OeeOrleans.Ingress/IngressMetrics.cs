using Prometheus;

namespace OeeOrleans.Ingress;

/// <summary>Every instrument of this room.</summary>
internal static class IngressMetrics
{
    public static readonly Counter Received = Metrics.CreateCounter("mqtt_messages_received_total", "Messages received from the broker.", "partition");
    public static readonly Counter Acknowledged = Metrics.CreateCounter("mqtt_messages_acknowledged_total", "Messages acknowledged after their commit.", "partition");
    public static readonly Counter Redeliveries = Metrics.CreateCounter("mqtt_redeliveries_total", "Batches offered again after a failed delivery.", "partition");
    public static readonly Counter Dropped = Metrics.CreateCounter("dropped_messages_total", "Messages dropped; only QoS 0 messages can be.", "reason");
    public static readonly Gauge Buffered = Metrics.CreateGauge("mqtt_buffered_messages", "Messages held in memory.", "partition");
    public static readonly Gauge Connected = Metrics.CreateGauge("mqtt_connection_status", "1 while the partition is connected to the broker.", "partition");
    public static readonly Gauge BrokerClients = Metrics.CreateGauge("broker_connected_clients", "Clients connected to the broker, as the broker says.");
}
