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
    private CommandGate _gate;

    public CommandGateTests()
    {
        _options = new EdgeOptions
        {
            Group = "g", Node = "n", CommandKeys = [Convert.ToBase64String(_key.ExportSubjectPublicKeyInfo())],
        };
        _queue = new RecordQueue(_directory, 1_000_000);
        _gate = new CommandGate(_options, _queue, _clock);
    }

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
        Assert.Equal(CommandGate.Entry.New, Admit(5));
        Assert.Equal(CommandGate.Entry.Copy, Admit(5));
        _queue.Dispose();
        _queue = new RecordQueue(_directory, 1_000_000);
        _gate = new CommandGate(_options, _queue, _clock);
        Assert.Equal(CommandGate.Entry.Copy, Admit(5));
        Assert.Equal(CommandGate.Entry.Copy, Admit(4));
        Assert.Equal(CommandGate.Entry.New, Admit(6));
    }

    [Fact]
    public void One_that_was_overtaken_is_told_from_a_copy_and_is_one_itself_from_then_on()
    {
        Assert.Equal(CommandGate.Entry.New, Admit(5));
        Assert.Equal(CommandGate.Entry.New, Admit(9));
        Assert.Equal(CommandGate.Entry.Overtaken, Admit(7));
        Assert.Equal(CommandGate.Entry.Copy, Admit(7));
        Assert.Equal(CommandGate.Entry.Copy, Admit(9));
    }

    [Fact]
    public void Each_host_counts_for_itself()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _options.CommandKeys = [.. _options.CommandKeys, Convert.ToBase64String(other.ExportSubjectPublicKeyInfo())];
        Assert.Equal(CommandGate.Entry.New, Admit(1_000_000));
        Assert.Equal(CommandGate.Entry.New, _gate.Admit("d", Command(5).Seal(other)).Entry);
        Assert.Equal(CommandGate.Entry.Overtaken, Admit(6));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    public void A_number_that_is_none_is_never_new(long number) => Assert.NotEqual(CommandGate.Entry.New, Admit(number));

    [Fact]
    public void One_that_came_late_never_acts_later_not_even_when_the_clock_is_put_right()
    {
        var command = Command(5) with { IssuedMs = NowMs + 60_000, ExpiresMs = NowMs + 75_000 };
        Assert.Equal(CommandGate.Entry.New, _gate.Admit("d", command.Seal(_key)).Entry);
        Assert.Contains("they must agree to 10 s", _gate.WhyLate(command), StringComparison.Ordinal);
        _clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Null(_gate.WhyLate(command));
        // Its time has come, and its number is gone.
        Assert.Equal(CommandGate.Entry.Copy, _gate.Admit("d", command.Seal(_key)).Entry);
    }

    [Fact]
    public void Its_time_ends_to_the_millisecond()
    {
        var command = Command(5);
        _clock.Advance(TimeSpan.FromSeconds(15));
        Assert.Null(_gate.WhyLate(command));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Contains("it ended at 2026-11-30T06:00:15", _gate.WhyLate(command), StringComparison.Ordinal);
        Assert.Null(_gate.WhyLate(Command(6) with { IssuedMs = NowMs + 10_000 }));
        Assert.NotNull(_gate.WhyLate(Command(6) with { IssuedMs = NowMs + 10_001, ExpiresMs = NowMs + 20_000 }));
    }

    [Fact]
    public void One_for_another_device_or_node_is_not_taken()
    {
        Assert.Equal("c5", _gate.Admit("d", Command(5).Seal(_key)).Command.Id);
        Assert.Contains("it is for g/n/d, and came to g/n/other", Refusal("other", Command(5)), StringComparison.Ordinal);
        Assert.Contains("it is for g/other/d", Refusal("d", Command(5) with { EdgeNode = "g/other" }), StringComparison.Ordinal);
        Assert.Contains("it is for g/n/d, and came to g/n/", Refusal(null, Command(5)), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_key_nothing_is_taken_and_one_that_comes_later_is_used()
    {
        var keys = _options.CommandKeys;
        _options.CommandKeys = [];
        Assert.Throws<SignedCommandException>(() => _gate.Admit("d", Command(5).Seal(_key)));
        _options.CommandKeys = keys;
        Assert.Equal("c5", _gate.Admit("d", Command(5).Seal(_key)).Command.Id);
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
        Assert.Throws<SignedCommandException>(() => _gate.Admit(device, command.Seal(_key))).Message;

    private CommandGate.Entry Admit(long number) => _gate.Admit("d", Command(number).Seal(_key)).Entry;
}
