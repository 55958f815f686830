using System.Collections.Concurrent;
using Prometheus;

namespace OeeOrleans.Grains;

/// <summary>Every instrument of this room.</summary>
internal static class GrainMetrics
{
    /// <summary>Edge nodes with a label of their own; a plant has fewer, and a flood of names shares one.</summary>
    private const int MaxLabels = 1_000;

    private static readonly ConcurrentDictionary<string, bool> Labels = new(StringComparer.Ordinal);

    /// <summary>The label of an edge node: its name, or `other` once there are many.</summary>
    public static string Label(string edgeNode) =>
        Labels.ContainsKey(edgeNode) || (Labels.Count < MaxLabels && Labels.TryAdd(edgeNode, true)) ? edgeNode : "other";

    public static readonly Counter DecodeErrors = Metrics.CreateCounter(
        "decode_errors_total", "Messages that could not be read; each is in dead_letter.", "kind");
    public static readonly Histogram IngestLagMs = Metrics.CreateHistogram(
        "ingest_lag_ms", "From the time a message was sent to its commit, milliseconds.",
        new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(1, 2, 16) });
    public static readonly Histogram OeeCalcLatencyMs = Metrics.CreateHistogram(
        "oee_calc_latency_ms", "Time to evaluate a machine's windows, milliseconds.",
        new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(0.01, 2, 16) });
    public static readonly Counter SequenceGaps = Metrics.CreateCounter(
        "sparkplug_missed_messages_total", "Messages missing in the sequence of an edge node.", "edge_node");
    public static readonly Counter Rebirths = Metrics.CreateCounter(
        "sparkplug_rebirth_requests_total", "Rebirths asked of an edge node.", "edge_node");
    public static readonly Counter CommitMarks = Metrics.CreateCounter(
        "sparkplug_commit_marks_total", "Commit marks told to our own edge nodes.");
    public static readonly Gauge ClockSkew = Metrics.CreateGauge(
        "edge_clock_skew_seconds", "Clock of the edge node minus ours.", "edge_node");
    public static readonly Counter Redelivered = Metrics.CreateCounter(
        "sparkplug_redelivered_messages_total", "Messages that came again and had no effect.");
    public static readonly Counter MetricsStored = Metrics.CreateCounter("sparkplug_metrics_total", "Metrics decoded and stored.");
    public static readonly Counter FutureSamples = Metrics.CreateCounter(
        "future_samples_total", "Samples stored but kept out of live OEE, because their source time is more than a day ahead.");
    public static readonly Counter StaleSamples = Metrics.CreateCounter(
        "stale_samples_total", "Samples stored but kept out of OEE, because their source time is more than three months old.");
    public static readonly Counter RefusedMetrics = Metrics.CreateCounter(
        "sparkplug_refused_metrics_total",
        "Metrics not taken because of their name or because there are too many; the first of a message is told in dead_letter.");
    public static readonly Counter RefusedResults = Metrics.CreateCounter(
        "oee_refused_results_total", "Windows, events and snapshots that the store refuses; they are in dead_letter.");
    public static readonly Counter Recomputations = Metrics.CreateCounter(
        "oee_recomputations_total", "Recomputations of a machine's windows because something came late.");
    public static readonly Gauge MachinesAwake = Metrics.CreateGauge("machines_awake", "Machines that are open in this process.");
    public static readonly Gauge OpeningsWaiting = Metrics.CreateGauge(
        "machine_openings_waiting", "Machines that wait for their turn to be read from the store.");
    public static readonly Gauge OpeningsRunning = Metrics.CreateGauge(
        "machine_openings_running", "Machines that are being read from the store.");
    public static readonly Counter OpeningFailures = Metrics.CreateCounter(
        "machine_opening_failures_total", "Machines that could not be read from the store; each is tried again.");
    public static readonly Histogram OpeningSeconds = Metrics.CreateHistogram(
        "machine_opening_seconds", "From the first wish for a machine until it was open, its wait included.",
        new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(0.01, 2, 14) });
}
