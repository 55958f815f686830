using Prometheus;

namespace OeeOrleans.Ingress;

/// <summary>Every instrument of this room.</summary>
internal static class IngressMetrics
{
    public static readonly Counter Received = Metrics.CreateCounter(
        "mqtt_messages_received_total", "Messages received from the broker.", "partition");

    public static readonly Counter Acknowledged = Metrics.CreateCounter(
        "mqtt_messages_acknowledged_total", "Messages acknowledged after their commit.", "partition");

    public static readonly Counter Redeliveries = Metrics.CreateCounter(
        "mqtt_redeliveries_total", "Batches offered again after a failed delivery, by what they failed of.", "partition", "failure");

    public static readonly Counter PutAside = Metrics.CreateCounter(
        "mqtt_messages_put_aside_total", "Messages that failed alone and are kept as dead letters, by what they failed of.", "partition",
        "failure");

    public static readonly Counter Dropped = Metrics.CreateCounter(
        "dropped_messages_total", "Messages dropped: QoS 0 beyond the limits, and what not even dead_letter takes.", "reason");

    public static readonly Gauge Buffered = Metrics.CreateGauge("mqtt_buffered_messages", "Messages held in memory.", "partition");

    public static readonly Gauge BufferedBytes = Metrics.CreateGauge(
        "mqtt_buffered_bytes", "Bytes of payloads held in memory.", "partition");

    public static readonly Gauge Connected = Metrics.CreateGauge(
        "mqtt_connection_status", "1 while the partition is connected to the broker.", "partition");

    public static readonly Gauge CommandsConnected = Metrics.CreateGauge(
        "mqtt_command_connection_status", "1 while the connection for commands and STATE is up.");

    public static readonly Counter CommandFailures = Metrics.CreateCounter(
        "mqtt_command_failures_total", "Attempts to connect for commands and STATE, or to send a command, that failed.");

    public static readonly Gauge BrokerClients = Metrics.CreateGauge(
        "broker_connected_clients", "Clients connected to the broker, as the broker says.");
}
