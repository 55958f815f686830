using BenchmarkDotNet.Attributes;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;

namespace OeeOrleans.Benchmarks;

/// <summary>A data message of a hundred numeric metrics by alias: reading and writing, per metric.</summary>
[MemoryDiagnoser]
public class SparkplugBenchmarks
{
    private const int Metrics = 100;
    private readonly SparkplugPayloadWriter _writer = new();
    private byte[] _payload = [];

    [GlobalSetup]
    public void Setup()
    {
        Write();
        _payload = _writer.Written.ToArray();
    }

    [Benchmark(OperationsPerInvoke = Metrics)]
    public double Read()
    {
        var reader = new SparkplugPayloadReader(_payload);
        double sum = 0;
        while (reader.TryReadMetric(out var metric))
        {
            if (metric.TryGetDouble(metric.DataType, out var value)) sum += value;
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Metrics)]
    public int Write()
    {
        _writer.Begin(1_767_600_000_000, 7);
        for (ulong alias = 1; alias <= Metrics; alias++) _writer.Double(new MetricHead(null, alias, 1_767_600_000_000, SparkplugDataType.Unknown), alias * 0.5);
        return _writer.Written.Length;
    }
}
