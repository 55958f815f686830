using OeeOrleans.Simulation.Machines;

namespace OeeOrleans.Simulation.Tests;

public sealed class SimulatedMachineTests
{
    private const long Start = 1_767_600_000_000;
    private const long Hour = 3_600_000;

    [Fact]
    public void An_hour_looks_like_an_hour_of_production()
    {
        var (machine, changes) = Live(new MachineProfile { Device = "m", CycleS = 1, FaultEveryS = 600 }, _ => false);
        Assert.InRange(machine.Memory.Good, 1500, 3550);
        Assert.InRange(machine.Memory.Reject, 10, 200);
        Assert.Contains(changes, c => c.Metric == 0 && c.Value is false);
        Assert.Contains(changes, c => c.Metric == 3 && c.Value is string { Length: > 0 });
    }

    [Fact]
    public void Slow_values_are_shown_every_five_seconds_whenever_its_life_began()
    {
        var machine = new SimulatedMachine(new MachineProfile { Device = "m", CycleS = 1 }, new MachineMemory(), 7, Start + 37, _ => false);
        var changes = new List<MetricChange>();
        machine.AdvanceTo(Start + 37 + Hour, changes);
        Assert.InRange(changes.Count(c => c.Metric == 5), 500, 720);
        Assert.InRange(machine.Memory.EnergyKwh, 1.2, 7.5);
        Assert.Equal(
            changes.Where(c => c.Metric == 8).Select(c => (double)c.Value),
            changes.Where(c => c.Metric == 8).Select(c => (double)c.Value).Order());
    }

    [Fact]
    public void Nothing_is_made_in_a_break()
    {
        var (machine, _) = Live(new MachineProfile { Device = "m", CycleS = 1 }, _ => true);
        Assert.Equal(0, machine.Memory.Good);
    }

    [Fact]
    public void A_16_bit_counter_wraps()
    {
        var (machine, changes) = Live(
            new MachineProfile { Device = "m", CycleS = 1, CounterModulus = 65536, FirstCount = 65_000 }, _ => false, 65_000);
        Assert.InRange(machine.Memory.Good, 0, 65_535);
        Assert.Contains(
            changes.Where(c => c.Metric == 1).Zip(changes.Where(c => c.Metric == 1).Skip(1)),
            p => (long)p.Second.Value < (long)p.First.Value);
    }

    [Fact]
    public void The_same_seed_lives_the_same_life()
    {
        var profile = new MachineProfile { Device = "m", CycleS = 1 };
        Assert.Equal(Live(profile, _ => false).Changes, Live(profile, _ => false).Changes);
    }

    private static (SimulatedMachine Machine, List<MetricChange> Changes) Live(
        MachineProfile profile, Func<long, bool> paused, long good = 0)
    {
        var machine = new SimulatedMachine(profile, new MachineMemory { Good = good }, 7, Start, paused);
        var changes = new List<MetricChange>();
        machine.AdvanceTo(Start + Hour, changes);
        return (machine, changes);
    }
}
