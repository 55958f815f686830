using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Grains.Tests;

/// <summary>What becomes of batches that come before their machine is open.</summary>
public sealed class MachineOpeningTests
{
    private readonly MachineAdmission _admission = new(TimeProvider.System, NullLogger<MachineAdmission>.Instance);
    private readonly List<Exception> _failures = [];
    private TaskCompletionSource<MachineLedger> _read = new();
    private IReadOnlyList<MachineBatch>? _heard;
    private long? _missedUs;
    private MachineBatch? _said;
    private int _reads;
    private TaskCompletionSource _reading = new();

    [Fact]
    public async Task What_comes_before_the_reading_is_read_and_what_comes_during_it_is_taken_in_afterwards()
    {
        var opening = Opening();
        opening.Hear(Batch(1));
        await _reading.Task;
        opening.Hear(Batch(2));
        var open = opening.OpenedAsync();
        _read.SetResult(null!);
        await open;
        Assert.Equal([2L], _heard!.SelectMany(b => b.Samples).Select(s => s.TimeUs));
        Assert.Null(_missedUs);
    }

    [Fact]
    public async Task What_a_batch_says_of_the_device_is_kept_also_when_its_samples_are_read()
    {
        var opening = Opening();
        var birth = new MachineBatch { Connected = true, LastSeenUs = 7 };
        opening.Hear(birth);
        await _reading.Task;
        var open = opening.OpenedAsync();
        _read.SetResult(null!);
        await open;
        Assert.Same(birth, _said);
        Assert.Empty(_heard!);
    }

    [Fact]
    public async Task It_is_read_once_however_many_ask()
    {
        var opening = Opening();
        opening.Begin(Urgency.Looked);
        var (first, second) = (opening.OpenedAsync(), opening.OpenedAsync());
        await _reading.Task;
        _read.SetResult(null!);
        await Task.WhenAll(first, second);
        Assert.Equal(1, _reads);
    }

    [Fact]
    public async Task A_machine_that_is_open_is_not_read_again_by_whoever_looks_after_it()
    {
        var opening = Opening();
        var open = opening.OpenedAsync();
        await _reading.Task;
        _read.SetResult(null!);
        await open;
        opening.Begin(Urgency.Looked);
        await opening.OpenedAsync();
        Assert.Equal(1, _reads);
        Assert.Empty(_failures);
    }

    [Fact]
    public async Task What_does_not_fit_is_owed_from_its_oldest_sample_on()
    {
        var opening = Opening();
        var open = opening.OpenedAsync();
        await _reading.Task;
        opening.Hear(new MachineBatch { Samples = [.. Enumerable.Range(1_000, 19_999).Select(Sample)] });
        opening.Hear(Batch(40, 30));
        opening.Hear(Batch(20));
        opening.Hear(Batch(50));
        _read.SetResult(null!);
        await open;
        Assert.Single(_heard!);
        Assert.Equal(20, _missedUs);
    }

    [Fact]
    public async Task A_reading_that_failed_is_told_gives_its_turn_back_and_can_be_tried_again()
    {
        var opening = Opening();
        var open = opening.OpenedAsync();
        await _reading.Task;
        opening.Hear(Batch(1));
        _read.SetException(new StoreUnavailableException("away"));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => open);
        Assert.Single(_failures);

        (_read, _reading) = (new TaskCompletionSource<MachineLedger>(), new TaskCompletionSource());
        open = opening.OpenedAsync();
        await _reading.Task;
        _read.SetResult(null!);
        await open;
        // What was kept of the first attempt is read by the second.
        Assert.Empty(_heard!);
        var turns = Enumerable.Range(0, MachineAdmission.AtOnce).Select(_ => _admission.Queue(Urgency.Heard)).ToList();
        Assert.All(turns, t => Assert.True(t.Entered.IsCompleted));
    }

    private MachineOpening Opening() => new(
        _admission,
        () =>
        {
            _reads++;
            _reading.SetResult();
            return _read.Task;
        },
        (_, heard, missed, said) => (_heard, _missedUs, _said) = ([.. heard], missed, said),
        _failures.Add);

    private static MachineBatch Batch(params int[] times) => new() { Samples = [.. times.Select(Sample)] };

    private static MachineSample Sample(int timeUs) => new(SignalKind.StateRun, timeUs, 1, null, Quality.Good);
}
