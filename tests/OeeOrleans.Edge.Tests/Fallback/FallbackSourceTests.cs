using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OeeOrleans.Edge.Sources;
using OeeOrleans.Edge.Sources.Fallback;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Tests.Fallback;

/// <summary>Two sources, one voice. The first has a counter, a speed and a temperature; the second the counter and the speed.</summary>
public sealed class FallbackSourceTests : IAsyncLifetime
{
    private const int Counter = 0;
    private const int Speed = 1;
    private const int Temperature = 2;
    private const int Active = 3;

    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UnixEpoch.AddDays(20_000));
    private readonly string _directory = Directory.CreateTempSubdirectory("fallback-").FullName;
    private readonly ScriptedSource _first;
    private readonly ScriptedSource _second;
    private FallbackSource _source;

    public FallbackSourceTests()
    {
        _first = new ScriptedSource(
            "plc1", _clock, ScriptedSource.Tag("counter.good"), ScriptedSource.Tag("process.speed", scale: 0.1),
            ScriptedSource.Tag("process.temperature", SparkplugDataType.Double));
        _second = new ScriptedSource(
            "plc1s7", _clock, ScriptedSource.Tag("process.speed", SparkplugDataType.Double), ScriptedSource.Tag("counter.good"));
        (_first.Shown[0], _first.Shown[1], _first.Shown[2]) = (1L, 15L, 20.5);
        (_second.Shown[0], _second.Shown[1]) = (1.5, 1L);
        _source = NewSource();
    }

    private long NowMs => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _source.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task The_first_speaks_in_published_units_and_says_that_it_does()
    {
        var told = await PassAsync();
        Assert.Equal([(Counter, 1L), (Speed, 1.5), (Temperature, 20.5), (Active, "plc1")], told.Select(v => (v.Tag, v.Value)));
        Assert.Equal([(Counter, 1L), (Speed, 1.5), (Temperature, 20.5)], (await PassAsync()).Select(v => (v.Tag, v.Value)));
    }

    [Fact]
    public void Tags_are_those_of_the_first_without_scale_and_the_one_that_says_who_speaks()
    {
        Assert.Equal(["counter.good", "process.speed", "process.temperature", "source.active"], _source.Tags.Select(t => t.Tag.Metric));
        Assert.Equal(
            [SparkplugDataType.Int64, SparkplugDataType.Double, SparkplugDataType.Double, SparkplugDataType.String],
            _source.Tags.Select(t => t.Type));
        Assert.All(_source.Tags, t => Assert.Equal((1, 0), (t.Tag.Scale, t.Tag.Offset)));
    }

    [Fact]
    public async Task A_first_that_falls_silent_says_nothing_until_the_second_shows_what_is_there_then()
    {
        await PassAsync();
        (_first.IsDown, _second.Shown[1]) = (true, 2L);
        for (var i = 0; i < 5; i++) Assert.Empty(await PassAsync());
        _second.Shown[1] = 3L;
        var told = await PassAsync();
        Assert.Equal((3L, NowMs), LastOf(told, Counter));
        Assert.Equal((1.5, NowMs), LastOf(told, Speed));
        Assert.Equal("plc1s7", LastOf(told, Active).Value);
        // What the second does not have is not known, and nothing is made up for it.
        Assert.Equal((null, 0), told.Where(v => v.Tag == Temperature).Select(v => (v.Value, v.Quality)).Single());
    }

    [Fact]
    public async Task A_first_that_takes_too_long_is_replaced_while_it_is_waited_for()
    {
        await PassAsync();
        _first.Holding = new TaskCompletionSource();
        var told = new List<SourceValue>();
        for (var i = 0; i < 8 && told.Count == 0; i++) told = await PassAsync();
        Assert.Equal("plc1s7", LastOf(told, Active).Value);
    }

    [Fact]
    public async Task A_first_whose_tags_are_all_bad_is_replaced()
    {
        await PassAsync();
        _first.Quality = 0;
        var told = await PassAsync();
        Assert.All(told, v => Assert.Equal(0, v.Quality));
        for (var i = 0; i < 6; i++) told = await PassAsync();
        Assert.Equal(1L, LastOf(told, Counter).Value);
        // And it does not come back as long as they are.
        for (var i = 0; i < 60; i++) Assert.Equal(1L, LastOf(await PassAsync(), Counter).Value);
    }

    [Fact]
    public async Task The_first_speaks_again_after_half_a_minute_with_what_is_there_then()
    {
        await ToSecondAsync();
        (_first.IsDown, _first.Queue) = (false, []);
        for (var i = 0; i < 29; i++) Assert.DoesNotContain(await PassAsync(), v => v.Tag == Active);
        (_first.Shown[0], _first.Shown[2]) = (9L, 21.0);
        var told = new List<SourceValue>();
        while (told.All(v => v.Tag != Active)) told = await PassAsync();
        Assert.Equal("plc1", LastOf(told, Active).Value);
        // Behind what the second told in this very millisecond.
        Assert.Equal((9L, NowMs + 1), LastOf(told, Counter));
        Assert.Equal(21.0, LastOf(told, Temperature).Value);
        // And once more, for what was under way at that moment.
        _first.Shown[0] = 10L;
        await PassAsync();
        Assert.Equal(10L, LastOf(await PassAsync(), Counter).Value);
        Assert.Empty(await PassAsync());
    }

    [Fact]
    public async Task What_waited_in_a_queue_of_the_first_is_told_as_history_if_nobody_told_it()
    {
        await PassAsync();
        _first.Queue = [];
        var lostMs = NowMs;
        _first.IsDown = true;
        await UntilAsync("plc1s7");
        var turnedMs = NowMs;
        await PassAsync();
        _first.IsDown = false;
        // Told before, missed by everybody, told by the second.
        _first.Queue = [new(Counter, lostMs, 1L), new(Counter, lostMs + 1500, 2L), new(Counter, turnedMs + 500, 3L)];
        var told = new List<SourceValue>();
        for (var i = 0; i < 3; i++) told.AddRange(await PassAsync());
        Assert.Equal([(lostMs + 1500, (object?)2L)], told.Where(v => v.Historical).Select(v => (v.TimeMs, v.Value)));
    }

    [Fact]
    public async Task History_of_the_time_in_which_the_second_spoke_is_not_told_also_after_a_restart()
    {
        await ToSecondAsync();
        var turnedMs = NowMs;
        for (var i = 0; i < 10; i++) await PassAsync();
        _first.IsDown = false;
        await UntilAsync("plc1");
        var backMs = NowMs;
        await _source.DisposeAsync();
        _source = NewSource();
        SourceValue At(long ms, long value) => new(Counter, ms, value, 192, Historical: true);
        _first.Queue = [At(turnedMs - 1, 5L), At(turnedMs, 6L), At(backMs - 1, 7L), At(backMs, 8L)];
        Assert.Equal([5L, 8L], (await PassAsync()).Where(v => v.Historical).Select(v => v.Value));
    }

    [Fact]
    public async Task Times_stay_in_order_when_the_clock_of_the_first_is_ahead()
    {
        _first.ClockAheadMs = 3_000;
        _first.Queue = [new(Counter, NowMs + 4_000, 1L)];
        var told = await PassAsync();
        _first.IsDown = true;
        for (var i = 0; i < 12; i++)
        {
            _second.Shown[1] = (long)i;
            told.AddRange(await PassAsync());
        }

        var times = told.Where(v => v.Tag == Counter).Select(v => v.TimeMs).ToList();
        Assert.True(times.Count > 5);
        Assert.Equal(times.Distinct().Order(), times);
    }

    [Fact]
    public async Task A_time_from_a_far_future_holds_back_no_later_one_by_more_than_a_minute()
    {
        _first.Queue = [new(Counter, NowMs + 1_000_000_000, 1L)];
        await PassAsync();
        await ToSecondAsync();
        for (var i = 0; i < 70; i++) await PassAsync();
        Assert.Equal(NowMs + 1_000, LastOf(await PassAsync(), Counter).TimeMs);
    }

    [Fact]
    public async Task Two_that_are_silent_are_both_named_and_whoever_comes_first_shows_everything()
    {
        await PassAsync();
        (_first.IsDown, _second.IsDown) = (true, true);
        var error = await Assert.ThrowsAsync<PlcException>(async () =>
        {
            for (var i = 0; i < 10; i++) await PassAsync();
        });
        Assert.Contains("plc1 is down", error.Message, StringComparison.Ordinal);
        Assert.Contains("plc1s7", error.Message, StringComparison.Ordinal);
        (_first.IsDown, _first.Queue) = (false, []);
        Assert.Equal([Counter, Speed, Temperature], (await PassAsync()).Select(v => v.Tag).Where(t => t != Active));
    }

    [Fact]
    public async Task Before_anybody_answered_there_is_no_device()
    {
        _first.IsDown = true;
        await Assert.ThrowsAsync<PlcException>(() => PassAsync());
    }

    [Fact]
    public async Task What_a_switch_told_and_the_disk_refused_is_told_again()
    {
        await PassAsync();
        _first.IsDown = true;
        var told = new List<SourceValue>();
        while (told.Count == 0) told = await PassAsync(isStored: false);
        told = await PassAsync(isStored: false);
        Assert.Equal([Counter, Speed, Temperature, Active], told.Select(v => v.Tag).Distinct().Order());
        Assert.DoesNotContain(await PassAsync(), v => v.Tag == Temperature && v.Quality != 0);
        Assert.DoesNotContain(await PassAsync(), v => v.Tag == Active);
    }

    [Fact]
    public async Task Only_what_was_taken_is_said_to_be_durable()
    {
        await PassAsync();
        var before = _first.Storings;
        _first.Holding = new TaskCompletionSource();
        await PassAsync();
        Assert.Equal(before, _first.Storings);
        _first.Holding.SetResult();
        await PassAsync();
        Assert.Equal(before + 1, _first.Storings);
    }

    [Fact]
    public async Task A_new_life_is_told_everything_by_whoever_speaks()
    {
        await ToSecondAsync();
        await _source.RestAsync();
        _source.Describe();
        Assert.Equal([Counter, Speed, Active], (await PassAsync()).Select(v => v.Tag).Order());
    }

    [Fact]
    public async Task A_command_goes_to_whoever_speaks_in_its_units()
    {
        await PassAsync();
        Assert.Equal(1.5, await _source.WriteAsync(Speed, 3.0, CancellationToken.None));
        Assert.Equal([(1, 30.0)], _first.Written);
        await ToSecondAsync();
        Assert.Equal(1.5, await _source.WriteAsync(Speed, 4.0, CancellationToken.None));
        Assert.Equal([(0, 4.0)], _second.Written);
        Assert.Equal("plc1s7: at process.speed", _source.AddressOf(Speed));
        var error = await Assert.ThrowsAsync<PlcException>(() => _source.WriteAsync(Temperature, 1.0, CancellationToken.None));
        Assert.Contains("process.temperature is none of plc1s7", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_stands_by_is_looked_at_once_a_second_and_nothing_of_it_is_told()
    {
        _second.Shown[1] = 77L;
        var told = new List<SourceValue>();
        for (var i = 0; i < 40; i++) told.AddRange(await PassAsync(TimeSpan.FromMilliseconds(100)));
        Assert.InRange(_second.Readings, 4, 5);
        Assert.DoesNotContain(told, v => v.Value is 77L);
    }

    private static (object? Value, long TimeMs) LastOf(List<SourceValue> told, int tag) =>
        told.Where(v => v is { Historical: false } && v.Tag == tag).Select(v => (v.Value, v.TimeMs)).Last();

    private FallbackSource NewSource()
    {
        EdgeSource Settings(string id) => new(id, new Uri("sim://x"), "device", 100, []);
        return new FallbackSource(
            _first, Settings("plc1") with { Fallback = "plc1s7" }, _second, Settings("plc1s7"), Path.Combine(_directory, "fallback.json"),
            _clock, NullLogger.Instance);
    }

    private async Task ToSecondAsync()
    {
        if ((await PassAsync()).Count == 0) await PassAsync();
        _first.IsDown = true;
        await UntilAsync("plc1s7");
    }

    private async Task UntilAsync(string active)
    {
        for (var i = 0; i < 60; i++)
        {
            if ((await PassAsync()).Any(v => v.Value is string id && id == active)) return;
        }

        Assert.Fail($"{active} did not begin to speak");
    }

    private Task<List<SourceValue>> PassAsync(bool isStored = true) => PassAsync(TimeSpan.FromSeconds(1), isStored);

    /// <summary>As the loop does: time passes, what is due is read, and made durable.</summary>
    private async Task<List<SourceValue>> PassAsync(TimeSpan after, bool isStored = true)
    {
        _clock.Advance(after);
        var values = new List<SourceValue>();
        var reading = _source.ReadAsync([], NowMs, values, CancellationToken.None);
        // Who waits for an answer waits by this clock, and not for longer than a second.
        if (_first.Holding is { Task.IsCompleted: false }) _clock.Advance(TimeSpan.FromSeconds(1));
        await reading;
        if (isStored) _source.Stored(NowMs);
        return values;
    }
}
