using OeeOrleans.Sparkplug.Payload;

namespace OeeOrleans.Sparkplug.Tests;

public sealed class AllocationTests
{
    private const int Metrics = 1_000;

    [Fact]
    public void Numeric_metrics_are_read_without_allocating()
    {
        var writer = new SparkplugPayloadWriter().Begin(1000, 1);
        for (ulong alias = 1; alias <= Metrics; alias += 4)
        {
            writer.Double(new MetricHead(null, alias, 1000, SparkplugDataType.Double), 0.5 * alias);
            writer.Integer(new MetricHead(null, alias + 1, 1000, SparkplugDataType.Int32), -5);
            writer.Boolean(new MetricHead(null, alias + 2, 1000, SparkplugDataType.Boolean), true);
            writer.Integer(new MetricHead("named", alias + 3, 1000, SparkplugDataType.UInt64), 7);
        }

        var payload = writer.Written.ToArray();
        Sum(payload);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var sum = Sum(payload);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.NotEqual(0, sum);
    }

    private static double Sum(byte[] payload)
    {
        var reader = new SparkplugPayloadReader(payload);
        double sum = 0;
        while (reader.TryReadMetric(out var metric))
        {
            if (metric.TryGetDouble(metric.DataType, out var value)) sum += value;
        }

        return sum;
    }
}
