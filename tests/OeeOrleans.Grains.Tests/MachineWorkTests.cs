using Microsoft.Extensions.Time.Testing;
using OeeOrleans.Grains.Machines;

namespace OeeOrleans.Grains.Tests;

/// <summary>When a machine works: for what there is to do, and not before.</summary>
public sealed class MachineWorkTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly SiloPace _pace = new();
    private readonly RecordingTimer _timer = new();

    [Fact]
    public void A_machine_that_has_nothing_to_do_is_woken_for_its_open_windows_only()
    {
        var work = Work();
        work.Told();
        work.Arm(urgent: false);
        Assert.InRange(_timer.Due!.Value.TotalSeconds, 9.9, 10.2);
    }

    [Fact]
    public void A_change_is_told_after_the_silos_pace_and_what_is_urgent_is_looked_at_every_second()
    {
        Awake(1_000);
        var work = Work();
        work.Told();
        work.Changed();
        work.Arm(urgent: false);
        Assert.InRange(_timer.Due!.Value.TotalSeconds, 4.9, 5.2);
        work.Arm(urgent: true);
        Assert.InRange(_timer.Due!.Value.TotalSeconds, 0.9, 1.2);
    }

    [Fact]
    public void A_timer_that_fires_earlier_is_left_as_it_is()
    {
        var work = Work();
        work.Told();
        work.Arm(urgent: true);
        _timer.Due = null;
        work.Arm(urgent: false);
        Assert.Null(_timer.Due);
        work.Fired();
        work.Arm(urgent: false);
        Assert.NotNull(_timer.Due);
    }

    [Fact]
    public void Machines_whose_work_is_due_at_about_the_same_time_wake_the_process_together()
    {
        var (one, other) = (new RecordingTimer(), new RecordingTimer());
        // At steps of a tenth of a second in a large plant, of a fiftieth in a small one.
        Awake(1_000);
        _clock.Advance(TimeSpan.FromMilliseconds(10));
        Work(one).Arm(urgent: true);
        _clock.Advance(TimeSpan.FromMilliseconds(30));
        Work(other).Arm(urgent: true);
        Assert.Equal(one.Due, other.Due + TimeSpan.FromMilliseconds(30));
    }

    [Fact]
    public void A_machine_that_catches_up_with_the_present_is_told_of_at_once()
    {
        Awake(2_000);
        var work = Work();
        work.Heard(present: false);
        work.Told();
        work.Heard(present: false);
        Assert.False(work.IsTellDue);
        work.Heard(present: true);
        Assert.True(work.IsTellDue);
        work.Told();
        work.Heard(present: true);
        Assert.False(work.IsTellDue);
    }

    [Fact]
    public void Open_windows_are_written_after_the_silos_pace_and_events_without_it()
    {
        var work = Work();
        Assert.False(work.TakeFlush());
        work.FlushSoon();
        Assert.True(work.TakeFlush());
        Assert.False(work.TakeFlush());
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.True(work.TakeFlush());
    }

    [Fact]
    public void The_pace_of_a_large_silo_is_slower_within_limits()
    {
        Assert.Equal((0.2, 10), (_pace.TellEvery.TotalSeconds, _pace.FlushEvery.TotalSeconds));
        Assert.False(_pace.IsLarge);
        Awake(200);
        Assert.Equal(1, _pace.TellEvery.TotalSeconds);
        Assert.False(_pace.IsLarge);
        Awake(800);
        Assert.Equal((5, 40), (_pace.TellEvery.TotalSeconds, _pace.FlushEvery.TotalSeconds));
        Assert.True(_pace.IsLarge);
        Awake(9_000);
        Assert.Equal((10, 60), (_pace.TellEvery.TotalSeconds, _pace.FlushEvery.TotalSeconds));
        for (var i = 0; i < 10_000; i++) _pace.FellAsleep();
        Assert.False(_pace.IsLarge);
    }

    private void Awake(int machines)
    {
        for (var i = 0; i < machines; i++) _pace.Woke();
    }

    private MachineWork Work(RecordingTimer? timer = null) => new(_clock, _pace) { Timer = timer ?? _timer };

    private sealed class RecordingTimer : IGrainTimer
    {
        public TimeSpan? Due { get; set; }

        public void Change(TimeSpan dueTime, TimeSpan period) => Due = dueTime;

        public void Dispose() => Due = null;
    }
}
