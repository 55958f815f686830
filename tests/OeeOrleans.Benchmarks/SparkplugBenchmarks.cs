using BenchmarkDotNet.Attributes;
using Google.Protobuf;
using OeeOrleans.Benchmarks.Generated;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;

namespace OeeOrleans.Benchmarks;

/// <summary>A data message of a hundred numeric metrics by alias: reading and writing, per metric, beside code that Google.Protobuf
/// generates from the same schema. Generated code is given what it likes best: an array to parse, messages made beforehand to
/// write.</summary>
[MemoryDiagnoser]
public class SparkplugBenchmarks
{
    private const int Metrics = 100;
    private readonly SparkplugPayloadWriter _writer = new();
    private readonly byte[] _output = new byte[64 * 1024];
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
    public double ReadByGoogleProtobuf()
    {
        var payload = Payload.Parser.ParseFrom(_payload);
        double sum = 0;
        foreach (var metric in payload.Metrics) sum += metric.DoubleValue;
        return sum;
    }

    [Benchmark(OperationsPerInvoke = Metrics)]
    public int Write()
    {
        _writer.Begin(1_767_600_000_000, 7);
        for (ulong alias = 1; alias <= Metrics; alias++)
        {
            _writer.Double(new MetricHead(null, alias, 1_767_600_000_000, SparkplugDataType.Unknown), alias * 0.5);
        }

        return _writer.Written.Length;
    }

    [Benchmark(OperationsPerInvoke = Metrics)]
    public int WriteByGoogleProtobuf()
    {
        var payload = new Payload { Timestamp = 1_767_600_000_000, Seq = 7 };
        for (ulong alias = 1; alias <= Metrics; alias++)
        {
            payload.Metrics.Add(new Payload.Types.Metric { Alias = alias, Timestamp = 1_767_600_000_000, DoubleValue = alias * 0.5 });
        }

        payload.WriteTo(_output.AsSpan(0, payload.CalculateSize()));
        return payload.CalculateSize();
    }
}
