using System.Text.Json;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Benchmarks;

/// <summary>
/// Memory of many machines in the middle of a shift: ten hours of life each (a counter every 20 s, a stop every ten minutes), windows
/// released as they end. usage: memory [MACHINES]
/// </summary>
internal static class AccountMemory
{
    private static readonly long Start = UnixMicros.From(new DateTimeOffset(2026, 1, 5, 0, 0, 0, TimeSpan.Zero));

    public static int Run(string[] args)
    {
        var machines = args.Length > 0 ? int.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture) : 10_000;
        var shifts = new ShiftPlan
        {
            Id = "c", Shifts = [new Shift("early", new TimeOnly(6, 0), new TimeOnly(14, 0), Enum.GetValues<DayOfWeek>(), [])],
        };
        var windows = new PlantWindows(new ShiftCalendar(shifts, "UTC"));
        ParameterTimeline parameters = new OeeParameters { IdealCycleS = 0.25m, MicroStopS = 60 };
        // The calendar's own memory is shared by all of them.
        Live(parameters, windows);

        var accounts = new MachineAccount[machines];
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < machines; i++) accounts[i] = Live(parameters, windows);
        var total = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)machines;
        var (samples, cells) = (accounts.Average(a => a.TailCount), accounts.Average(a => (double)a.Latest.Cells.Count));

        var open = OfCells(accounts);
        GC.KeepAlive(accounts);
        Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                machines,
                bytes_per_machine = Math.Round(total),
                recent_samples_per_machine = samples,
                cells_per_machine = cells,
                open_windows_bytes_per_machine = Math.Round(open),
            },
            new JsonSerializerOptions { WriteIndented = true }));
        return open < 2048 ? 0 : 1;
    }

    /// <summary>
    /// The cells that windows are sums of, once more: those of the head, and those of the checkpoint that it does not share.
    /// </summary>
    private static double OfCells(MachineAccount[] accounts)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var copies = accounts.Select(a => a.Latest.Cells.Union(a.Checkpoint.Cells).Select(c => c.Clone()).ToArray()).ToArray();
        var bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)accounts.Length;
        GC.KeepAlive(copies);
        return bytes;
    }

    private static MachineAccount Live(ParameterTimeline parameters, PlantWindows windows)
    {
        var account = new MachineAccount("m", parameters, windows, Start);
        for (var second = 1; second < 10 * 3600; second += 20)
        {
            var last = Start + (second * UnixMicros.PerSecond);
            if (second % 600 == 1)
            {
                account.Apply(new MachineSample(SignalKind.StateRun, last, second % 1200 == 1 ? 1 : 0, null, Quality.Good));
            }

            account.Apply(new MachineSample(SignalKind.CounterGood, last, second, null, Quality.Good));
            if (second % 60 == 1) account.Release(last - (5 * UnixMicros.PerSecond));
        }

        return account;
    }
}
