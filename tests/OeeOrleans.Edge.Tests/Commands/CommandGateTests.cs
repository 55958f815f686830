using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Edge.Commands;
using OeeOrleans.Edge.Queue;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;

namespace OeeOrleans.Edge.Tests.Commands;

/// <summary>Which commands an edge node takes.</summary>
public sealed class CommandGateTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-gate-").FullName;
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 30, 6, 0, 0, TimeSpan.Zero));
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly EdgeOptions _options;
    private RecordQueue _queue;

    public CommandGateTests()
    {
        _options = new EdgeOptions
        {
            Group = "g", Node = "n", CommandKeys = [Convert.ToBase64String(_key.ExportSubjectPublicKeyInfo())],
        };
        _queue = new RecordQueue(_directory, 1_000_000);
    }

    private CommandGate Gate => new(_options, _queue, _clock);

    private long NowMs => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    public void Dispose()
    {
        _queue.Dispose();
        _key.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void A_number_is_taken_once_also_by_the_next_life()
    {
        Assert.Null(Gate.WhyOld(Command(5)));
        Assert.Null(Gate.Take(Command(5)));
        _queue.Dispose();
        _queue = new RecordQueue(_directory, 1_000_000);
        Assert.Contains("came before, or was overtaken", Gate.WhyOld(Command(5)), StringComparison.Ordinal);
        Assert.Contains("came before, or was overtaken", Gate.WhyOld(Command(4)), StringComparison.Ordinal);
        Assert.Null(Gate.WhyOld(Command(6)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    public void A_number_that_is_none_is_never_new(long number) => Assert.NotNull(Gate.WhyOld(Command(number)));

    [Fact]
    public void One_whose_time_is_over_is_not_taken_and_its_number_stays_free()
    {
        var command = Command(5);
        _clock.Advance(TimeSpan.FromSeconds(15));
        Assert.Null(Gate.WhyLate(command));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Contains("it ended at 2026-11-30T06:00:15", Gate.Take(command), StringComparison.Ordinal);
        Assert.Null(Gate.WhyOld(command));
    }

    [Fact]
    public void A_clock_that_is_behind_the_hosts_by_more_than_a_minute_takes_none()
    {
        var command = Command(5) with { IssuedMs = NowMs + 60_001, ExpiresMs = NowMs + 75_000 };
        Assert.Contains("they must agree to a minute", Gate.Take(command), StringComparison.Ordinal);
        Assert.Null(Gate.Take(command with { IssuedMs = NowMs + 60_000 }));
    }

    [Fact]
    public void One_for_another_device_or_node_is_not_taken()
    {
        Assert.Equal("c5", Gate.Open("d", Command(5).Seal(_key)).Id);
        Assert.Contains("it is for g/n/d, and came to g/n/other", Refusal("other", Command(5)), StringComparison.Ordinal);
        Assert.Contains("it is for g/other/d", Refusal("d", Command(5) with { EdgeNode = "g/other" }), StringComparison.Ordinal);
        Assert.Contains("it is for g/n/d, and came to g/n/", Refusal(null, Command(5)), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_key_nothing_is_taken_and_one_that_comes_later_is_used()
    {
        var keys = _options.CommandKeys;
        _options.CommandKeys = [];
        var gate = Gate;
        Assert.Throws<SignedCommandException>(() => gate.Open("d", Command(5).Seal(_key)));
        _options.CommandKeys = keys;
        Assert.Equal("c5", gate.Open("d", Command(5).Seal(_key)).Id);
    }

    [Theory]
    [InlineData(SparkplugDataType.Double, "1.5", 1.5)]
    [InlineData(SparkplugDataType.Int64, "3", 3L)]
    [InlineData(SparkplugDataType.Int64, "3.0", 3L)]
    [InlineData(SparkplugDataType.UInt64, "18446744073709551615", ulong.MaxValue)]
    [InlineData(SparkplugDataType.Boolean, "true", true)]
    [InlineData(SparkplugDataType.String, "\"a\"", "a")]
    [InlineData(SparkplugDataType.Int64, "3.5", null)]
    [InlineData(SparkplugDataType.Boolean, "1", null)]
    [InlineData(SparkplugDataType.Double, "\"1\"", null)]
    [InlineData(SparkplugDataType.Double, "1e999", null)]
    [InlineData(SparkplugDataType.String, "1", null)]
    [InlineData(SparkplugDataType.Double, "null", null)]
    [InlineData(SparkplugDataType.Double, "{", null)]
    public void A_value_is_one_of_the_metrics_type_or_refused(SparkplugDataType type, string json, object? value)
    {
        var metric = new EdgeMetric("m", type, 1, Writable: true);
        if (value is not null) Assert.Equal(value, CommandGate.ValueFor(metric, json));
        else Assert.Throws<SignedCommandException>(() => CommandGate.ValueFor(metric, json));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("")]
    [InlineData("AAAA")]
    public void A_key_that_is_none_is_a_mistake_of_the_options(string key)
    {
        _options.CommandKeys = [key];
        Assert.Contains(_options.Validate(), m => m.StartsWith("edge.command_keys: ", StringComparison.Ordinal));
    }

    [Fact]
    public void Strangers_fill_twenty_lines_a_minute_and_the_rest_is_counted()
    {
        var quota = new RefusalQuota(_clock);
        Assert.Equal(20, Enumerable.Range(0, 100).Count(_ => quota.Takes(out var _)));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(quota.Takes(out var skipped));
        Assert.Equal(80, skipped);
        Assert.True(quota.Takes(out skipped));
        Assert.Equal(0, skipped);
    }

    private SignedCommand Command(long number) => new()
    {
        Id = $"c{number}", Number = number, EdgeNode = "g/n", Device = "d", Metric = "m", Value = "1", IssuedMs = NowMs,
        ExpiresMs = NowMs + 15_000, AskedBy = "anna", ApprovedBy = "bert",
    };

    private string Refusal(string? device, SignedCommand command) =>
        Assert.Throws<SignedCommandException>(() => Gate.Open(device, command.Seal(_key))).Message;
}
