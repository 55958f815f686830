using BenchmarkDotNet.Attributes;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Benchmarks;

/// <summary>The two faces of the KPI engine: a shift of samples in one go, and one sample after the other.</summary>
[MemoryDiagnoser]
public class KpiBenchmarks
{
    private const int Samples = 100_000;
    private static readonly long Start = UnixMicros.From(new DateTimeOffset(2026, 1, 5, 6, 0, 0, TimeSpan.Zero));
    private static readonly OeeParameters Parameters = new() { IdealCycleS = 0.25m, MicroStopS = 60 };
    private static readonly PlantWindows Windows = new(
        new ShiftCalendar(
            new ShiftPlan
            {
                Id = "c", Shifts = [new Shift("early", new TimeOnly(6, 0), new TimeOnly(14, 0), Enum.GetValues<DayOfWeek>(), [])],
            },
            "UTC"));

    private MachineSample[] _samples = [];
    private MachineAccount _account = null!;
    private int _next;

    [GlobalSetup]
    public void Setup()
    {
        _samples = new MachineSample[Samples];
        for (var i = 0; i < Samples; i++)
        {
            var time = Start + (i * 250_000L);
            var run = i % 800 == 0 ? 1 : 0;
            _samples[i] = i % 400 == 0
                ? new MachineSample(SignalKind.StateRun, time, run, null, Quality.Good)
                : new MachineSample(SignalKind.CounterGood, time, i, null, Quality.Good);
        }

        Restart();
    }

    [Benchmark(OperationsPerInvoke = Samples)]
    public double? Batch() =>
        KpiBatch.Evaluate(
            "m", Parameters, Windows.Calendar, _samples, [new WindowSpan(Start, Start + (8 * UnixMicros.PerHour))]).Windows[0].Kpis.Oee;

    [Benchmark(OperationsPerInvoke = 1_000)]
    public void Incremental()
    {
        if (_next + 1_000 > Samples) Restart();
        for (var i = 0; i < 1_000; i++) _account.Apply(_samples[_next++]);
    }

    private void Restart()
    {
        _account = new MachineAccount("m", Parameters, Windows, Start - 1);
        _next = 0;
    }
}
