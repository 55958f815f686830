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
            "plc1", _clock, ScriptedSource.Tag("counter.good"), ScriptedSource.Tag("process.speed", scale: 0.1, writable: true),
            ScriptedSource.Tag("process.temperature", SparkplugDataType.Double));
        _second = new ScriptedSource(
            "plc1s7", _clock, ScriptedSource.Tag("process.speed", SparkplugDataType.Float, writable: true),
            ScriptedSource.Tag("counter.good"));
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
        var told = await UntilAsync("plc1");
        // Behind what the second told in this very millisecond.
        Assert.Equal((9L, NowMs + 1), LastOf(told, Counter));
        Assert.Equal(21.0, LastOf(told, Temperature).Value);
        Assert.Empty(await PassAsync());
        _first.Queue = [new(Counter, NowMs + 500, 10L)];
        Assert.Equal((10L, NowMs + 500), LastOf(await PassAsync(), Counter));
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
        // The difference of two clocks is known to a fifth of a second.
        _first.Queue = [At(turnedMs - 201, 5L), At(turnedMs - 199, 6L), At(backMs - 900, 7L), At(backMs, 8L)];
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
        await UntilAsync("plc1s7", isStored: false);
        var told = await PassAsync(isStored: false);
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
        await _source.DisposeAsync();
        _source = NewSource(intervalMs: 3_600_000);
        await ToSecondAsync();
        await PassAsync();
        Assert.Empty(await PassAsync());
        await _source.RestAsync();
        _source.Describe();
        var told = await PassAsync();
        Assert.Equal([Counter, Speed, Temperature, Active], told.Select(v => v.Tag).Distinct().Order());
        Assert.Equal(0, told.Last(v => v.Tag == Temperature).Quality);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(-500)]
    public async Task A_counter_never_goes_back_at_a_hand_back_whatever_the_clock_of_the_first_says(int aheadMs)
    {
        _first.ClockAheadMs = aheadMs;
        await ToSecondAsync();
        (_first.IsDown, _first.Queue) = (false, []);
        var told = new List<SourceValue>();
        for (var i = 2; i < 60; i++)
        {
            (_first.Shown[0], _second.Shown[1]) = ((long)i, (long)i);
            // The subscription brings what was a second and more ago.
            _first.Queue.Add(new(Counter, NowMs - 300 + aheadMs, i - 1L));
            told.AddRange(await PassAsync());
        }

        var values = told.Where(v => v.Tag == Counter).OrderBy(v => v.TimeMs).Select(v => (long)v.Value!).ToList();
        Assert.Contains("plc1", told.Where(v => v.Tag == Active).Select(v => v.Value));
        Assert.Equal(values.Order(), values);
    }

    [Fact]
    public async Task What_a_queue_of_the_first_brought_and_the_disk_refused_comes_again()
    {
        await PassAsync();
        (_first.Queue, _first.IsDown) = ([], true);
        var missedMs = NowMs + 1500;
        await UntilAsync("plc1s7");
        await PassAsync();
        (_first.IsDown, _first.Queue) = (false, [new(Counter, missedMs, 2L)]);
        var told = new List<SourceValue>();
        for (var i = 0; i < 3 && told.Count == 0; i++) told = [.. (await PassAsync(isStored: false)).Where(v => v.Historical)];
        Assert.Equal([2L], told.Select(v => v.Value));
        told.Clear();
        for (var i = 0; i < 3; i++) told.AddRange((await PassAsync()).Where(v => v.Historical));
        Assert.Equal([2L], told.Select(v => v.Value));
    }

    [Fact]
    public async Task History_of_a_time_in_which_neither_spoke_is_told()
    {
        await ToSecondAsync();
        for (var i = 0; i < 5; i++) await PassAsync();
        _second.IsDown = true;
        await Assert.ThrowsAsync<PlcException>(async () =>
        {
            for (var i = 0; i < 30; i++) await PassAsync();
        });
        for (var i = 0; i < 30; i++) await Assert.ThrowsAsync<PlcException>(() => PassAsync());
        var silentMs = NowMs - 20_000;
        _first.IsDown = false;
        await UntilAsync("plc1");
        _first.Queue = [new(Counter, silentMs, 5L, 192, Historical: true)];
        Assert.Equal([5L], (await PassAsync()).Where(v => v.Historical).Select(v => v.Value));
    }

    [Fact]
    public async Task A_first_that_hangs_when_it_is_asked_leaves_the_word_to_the_second()
    {
        await ToSecondAsync();
        (_first.IsDown, _first.HangsWhenAsked) = (false, true);
        for (var i = 0; i < 60; i++)
        {
            _second.Shown[1] = (long)i;
            Assert.Equal((long)i, LastOf(await PassAsync(), Counter).Value);
        }

        _first.HangsWhenAsked = false;
        await UntilAsync("plc1");
    }

    [Fact]
    public async Task Times_stay_in_order_when_the_difference_of_the_clocks_is_measured_anew()
    {
        var told = new List<SourceValue>();
        for (var i = 0; i < 8; i++)
        {
            // The clock is found to be ahead by more each time, and what was told before was told too late.
            _first.ClockAheadMs = 700 * i;
            _first.Queue = [new(Counter, NowMs + 1_000, (long)i)];
            told.AddRange(await PassAsync(TimeSpan.FromMilliseconds(500)));
        }

        var times = told.Where(v => v.Tag == Counter).Select(v => v.TimeMs).ToList();
        Assert.Equal(8, times.Count);
        Assert.Equal(times.Distinct().Order(), times);
    }

    [Fact]
    public async Task Whoever_did_not_answer_at_first_tells_everything_also_when_its_types_were_others()
    {
        _first.Holding = new TaskCompletionSource();
        await Assert.ThrowsAsync<PlcException>(() => PassAsync());
        _first.Holding.SetResult();
        _first.Holding = null;
        var firstMs = NowMs;
        // A server's subscription: the time is that of the change.
        _first.Queue = [new(Counter, firstMs, 1L), new(Speed, firstMs, 15L), new(Temperature, firstMs, 20.5)];
        var queue = _first.Queue;
        await PassAsync();
        await _source.RestAsync();
        _source.Describe();
        _first.Queue = queue;
        var told = await PassAsync();
        Assert.Equal([Counter, Speed, Temperature], told.Where(v => !v.Historical).Select(v => v.Tag).Distinct().Order().Take(3));
    }

    [Fact]
    public async Task A_pause_is_no_time_in_which_the_second_spoke()
    {
        await PassAsync();
        _source.SetPaused(true);
        _first.IsDown = true;
        await UntilAsync("plc1s7");
        (_second.Queue, _first.Queue) = ([], []);
        for (var i = 0; i < 20; i++) await PassAsync();
        var pausedMs = NowMs - 10_000;
        _source.SetPaused(false);
        _second.Queue = null;
        await PassAsync();
        _first.IsDown = false;
        await UntilAsync("plc1");
        _first.Queue = [new(Counter, pausedMs, 5L, 192, Historical: true)];
        Assert.Equal([5L], (await PassAsync()).Where(v => v.Historical).Select(v => v.Value));
    }

    [Fact]
    public async Task A_pause_that_begins_while_the_second_speaks_ends_its_time()
    {
        await ToSecondAsync();
        for (var i = 0; i < 3; i++) await PassAsync();
        _source.SetPaused(true);
        (_second.Queue, _first.Queue) = ([], []);
        for (var i = 0; i < 20; i++) await PassAsync();
        var pausedMs = NowMs - 10_000;
        _source.SetPaused(false);
        _second.Queue = null;
        for (var i = 0; i < 3; i++) await PassAsync();
        _first.IsDown = false;
        await UntilAsync("plc1");
        _first.Queue = [new(Counter, pausedMs, 5L, 192, Historical: true)];
        Assert.Equal([5L], (await PassAsync()).Where(v => v.Historical).Select(v => v.Value));
    }

    [Fact]
    public async Task What_only_the_first_has_is_told_while_it_is_there_and_is_not_known_when_it_goes_again()
    {
        await ToSecondAsync();
        (_first.IsDown, _first.Queue) = (false, []);
        var told = new List<SourceValue>();
        for (var i = 0; i < 12; i++) told.AddRange(await PassAsync());
        Assert.Equal([(object?)20.5], told.Where(v => v.Tag == Temperature).Select(v => v.Value));
        _first.IsDown = true;
        told.Clear();
        for (var i = 0; i < 12; i++) told.AddRange(await PassAsync());
        Assert.Equal([(null, 0)], told.Where(v => v.Tag == Temperature).Select(v => (v.Value, v.Quality)));
        Assert.True(told.Count(v => v.Tag == Counter) >= 12);
    }

    [Fact]
    public async Task What_the_queue_of_the_first_still_brings_after_a_hand_back_is_told_as_history()
    {
        await PassAsync();
        var missedMs = NowMs + 1_500;
        await ToSecondAsync();
        (_first.IsDown, _first.Queue) = (false, []);
        await UntilAsync("plc1");
        // What it showed then comes once more, and what came before it.
        _first.Queue = [new(Counter, missedMs, 4L), new(Counter, NowMs, 1L), new(Counter, NowMs + 500, 6L)];
        var told = await PassAsync();
        Assert.Equal([(4L, true), (6L, false)], told.Where(v => v.Tag == Counter).Select(v => (v.Value, v.Historical)));
    }

    [Fact]
    public async Task A_second_takes_over_also_when_it_is_looked_at_each_ten_seconds()
    {
        var told = new List<SourceValue>();
        for (var i = 0; i < 3; i++) await PassAsync(TimeSpan.FromSeconds(10));
        _first.IsDown = true;
        for (var i = 0; i < 4; i++) told.AddRange(await PassAsync(TimeSpan.FromSeconds(10)));
        Assert.Contains("plc1s7", told.Where(v => v.Tag == Active).Select(v => v.Value));
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
        error = await Assert.ThrowsAsync<PlcException>(() => _source.WriteAsync(Counter, 1L, CancellationToken.None));
        Assert.Contains("counter.good is not writable at plc1s7", error.Message, StringComparison.Ordinal);
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

    private FallbackSource NewSource(int intervalMs = 100)
    {
        EdgeSource Settings(string id) => new(id, new Uri("sim://x"), "device", intervalMs, []);
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

    private async Task<List<SourceValue>> UntilAsync(string active, bool isStored = true)
    {
        for (var i = 0; i < 60; i++)
        {
            var told = await PassAsync(isStored);
            if (told.Any(v => v.Value is string id && id == active)) return told;
        }

        throw new TimeoutException($"{active} did not begin to speak");
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
        if (_first.HangsWhenAsked && !reading.IsCompleted) _clock.Advance(TimeSpan.FromSeconds(3));
        await reading;
        if (isStored) _source.Stored(NowMs);
        return values;
    }
}
