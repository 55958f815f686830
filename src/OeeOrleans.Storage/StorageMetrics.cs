using Prometheus;

namespace OeeOrleans.Storage;

/// <summary>Every instrument of this room.</summary>
internal static class StorageMetrics
{
    public static readonly Histogram WriteSeconds = Metrics.CreateHistogram("store_write_seconds", "Time to commit one group of rows.",
        new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(0.001, 2, 14) });

    public static readonly Counter Rows = Metrics.CreateCounter("store_rows_total", "Sample rows committed.");

    public static readonly Counter WriteFailures = Metrics.CreateCounter(
        "store_write_failures_total", "Groups that could not be committed.");

    public static readonly Counter DuplicateFallbacks = Metrics.CreateCounter(
        "store_duplicate_fallbacks_total", "Batches that met rows already stored and were merged instead of copied.");

    public static readonly Counter RefusedRows = Metrics.CreateCounter(
        "store_refused_rows_total", "Rows the database refused; they are in dead_letter.");

    public static readonly Counter Retries = Metrics.CreateCounter(
        "store_write_retries_total", "Commits that were tried again after a transient error.");

    public static readonly Counter Reads = Metrics.CreateCounter(
        "store_reads_total", "Statements that read for machines, edge nodes and signals.", "kind");

    public static readonly Counter ReadKeys = Metrics.CreateCounter(
        "store_read_keys_total", "Machines, edge nodes and signals they were for.", "kind");

    public static readonly Gauge Connections = Metrics.CreateGauge(
        "store_connections_max", "Connections this process opens at most (PostgreSQL).");

    public static readonly Gauge CompressionRatio = Metrics.CreateGauge(
        "chunk_compression_ratio", "Bytes before to bytes after compression of chunks (TimescaleDB).", "table");

    public static readonly Gauge Freshness = Metrics.CreateGauge(
        "aggregate_freshness_seconds", "How far behind the materialized rollups are; queries see newer samples all the same.", "view");

    public static readonly Gauge PendingRows = Metrics.CreateGauge("store_pending_rows", "Rows waiting for their commit.");
}
