using Prometheus;

namespace OeeOrleans.Storage;

/// <summary>Every instrument of this room.</summary>
internal static class StorageMetrics
{
    public static readonly Histogram WriteSeconds = Metrics.CreateHistogram("store_write_seconds", "Time to commit one group of rows.",
        new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(0.001, 2, 14) });

    public static readonly Counter Rows = Metrics.CreateCounter("store_rows_total", "Sample rows committed.");

    public static readonly Counter WriteFailures = Metrics.CreateCounter("store_write_failures_total", "Groups that could not be committed.");

    public static readonly Counter DuplicateFallbacks = Metrics.CreateCounter("store_duplicate_fallbacks_total", "Batches that met rows already stored and were merged instead of copied.");

    public static readonly Gauge PendingRows = Metrics.CreateGauge("store_pending_rows", "Rows waiting for their commit.");
}
