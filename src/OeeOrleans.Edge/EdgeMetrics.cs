using Prometheus;

namespace OeeOrleans.Edge;

/// <summary>Every instrument of this room. Two have the names that ingress uses too, with the same labels: they mean the same.</summary>
internal static class EdgeMetrics
{
    public static readonly Gauge Connected = Metrics.CreateGauge(
        "mqtt_connection_status", "1 while connected to the broker (an edge node: and born).", "partition");
    public static readonly Gauge InFlight = Metrics.CreateGauge("inflight_messages", "Publishes the broker has not acknowledged.");
    public static readonly Counter Dropped = Metrics.CreateCounter(
        "dropped_messages_total", "Messages dropped: QoS 0 ones by ingress, the oldest ones by an edge node whose buffer is full.",
        "reason");
    public static readonly Gauge BufferRecords = Metrics.CreateGauge("edge_buffer_records", "Records waiting in the buffer.");
    public static readonly Gauge BufferBytes = Metrics.CreateGauge("edge_buffer_bytes", "Bytes waiting in the buffer.");
    public static readonly Gauge BufferOldestSeconds = Metrics.CreateGauge(
        "edge_buffer_oldest_seconds", "Age of the oldest record in the buffer.");
    public static readonly Gauge SamplingIntervalMs = Metrics.CreateGauge("edge_sampling_interval_ms", "Sampling interval now.", "source");
    public static readonly Gauge SourceUp = Metrics.CreateGauge("edge_source_up", "1 while the source answers.", "source");
    public static readonly Counter Published = Metrics.CreateCounter("edge_published_values_total", "Values published.", "kind");
    public static readonly Counter Births = Metrics.CreateCounter("edge_births_total", "Times the edge node was born, rebirths included.");
    public static readonly Counter Sampled = Metrics.CreateCounter(
        "edge_sampled_values_total", "Values taken from sources and made durable.");
    public static readonly Counter PublishFailures = Metrics.CreateCounter(
        "edge_publish_failures_total", "Publishes that failed; their records are sent again.");

    public static readonly Counter CommandsRefused = Metrics.CreateCounter(
        "edge_commands_refused_total", "Commands that were not signed, or by nobody who is known here, and copies.");

    public static readonly Counter CycleOverruns = Metrics.CreateCounter(
        "edge_cycle_overruns_total", "Sampling instants that passed because the reading before had not ended.", "source");
    public static readonly Histogram CycleDelayMs = Metrics.CreateHistogram(
        "edge_cycle_delay_ms", "From a sampling instant to the start of its reading.",
        new HistogramConfiguration { LabelNames = ["source"], Buckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000] });
    public static readonly Gauge FallbackActive = Metrics.CreateGauge(
        "edge_fallback_active", "1 while a device's second source speaks for the first.", "device");
    public static readonly Counter FallbackSwitches = Metrics.CreateCounter(
        "edge_fallback_switches_total", "Times that a device's other source began to speak.", "device");

    public static readonly Gauge PlcUp = Metrics.CreateGauge("plc_connection_up", "1 while there is a connection to the PLC.", "source");
    public static readonly Counter PlcReconnects = Metrics.CreateCounter(
        "plc_reconnects_total", "Connections to the PLC that were lost and found again.", "source");
    public static readonly Gauge PlcBadTags = Metrics.CreateGauge("plc_bad_tags", "Tags that the PLC does not let us read.", "source");
    public static readonly Histogram PlcReadMs = Metrics.CreateHistogram(
        "plc_read_ms", "How long it takes to read the tags that are due.",
        new HistogramConfiguration { LabelNames = ["source"], Buckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000] });

    public static readonly Gauge OpcUaSessionUp = Metrics.CreateGauge(
        "opcua_session_up", "1 while there is a session at the OPC UA server.", "source");
    public static readonly Counter OpcUaReconnects = Metrics.CreateCounter(
        "opcua_reconnects_total", "Connections to the OPC UA server that were lost and found again.", "source");
    public static readonly Gauge MonitoredItems = Metrics.CreateGauge(
        "monitored_items", "Nodes that the OPC UA server watches for us.", "source");
    public static readonly Gauge BadItems = Metrics.CreateGauge(
        "monitored_items_refused", "Nodes that the OPC UA server does not watch: not there, or not readable.", "source");
    public static readonly Gauge IngestLagMs = Metrics.CreateGauge(
        "opcua_ingest_lag_ms", "From the source time of the newest value to its arrival here; the clocks' difference is in it.", "source");
    public static readonly Counter OpcUaGaps = Metrics.CreateCounter(
        "opcua_gaps_total", "Tags that missed values, by what became of it: filled from the server's history, or not.",
        "source", "result");
    public static readonly Gauge OpcUaClockSkew = Metrics.CreateGauge(
        "opcua_clock_skew_seconds", "How far the OPC UA server's clock is ahead of ours.", "source");
    /// <summary>What is shown of a source that is no more.</summary>
    public static void Forget(string source)
    {
        Gauge[] shown =
        [
            SamplingIntervalMs, SourceUp, PlcUp, PlcBadTags, OpcUaSessionUp, MonitoredItems, BadItems, IngestLagMs, OpcUaClockSkew,
        ];
        foreach (var gauge in shown) gauge.RemoveLabelled(source);
    }

    public static readonly Counter OpcUaSilent = Metrics.CreateCounter(
        "opcua_silent_subscriptions_total", "Subscriptions that were silent past their keep-alive and made anew.", "source");
}
