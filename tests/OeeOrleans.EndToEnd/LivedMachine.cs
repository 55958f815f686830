using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.EndToEnd;

/// <summary>The machine `press1` with a past, as samples in a store.</summary>
internal static class LivedMachine
{
    /// <summary>Twenty minutes of running, then a stop of one, five or fifteen minutes, over and over; a fault in the long ones.</summary>
    public static async Task WriteAsync(IStore store, int days)
    {
        var ids = await store.ResolveSignalsAsync(
            "press1",
            [
                new("state.run", "Boolean", null), new("counter.good", "Int64", null), new("counter.reject", "Int64", null),
                new("fault.code", "String", null),
            ],
            inPlant: true, default);
        var now = UnixMicros.Now(TimeProvider.System);
        var rows = new List<SampleRow>();
        var (good, reject, n) = (0L, 0L, 0);
        for (var at = now - (days * UnixMicros.PerDay); at < now - UnixMicros.PerMinute; n++)
        {
            var stop = at + (20 * UnixMicros.PerMinute);
            var on = stop + ((n % 3) switch { 0 => 1, 1 => 5, _ => 15 } * UnixMicros.PerMinute);
            Add(0, at, 1);
            for (var t = at; t < stop; t += UnixMicros.PerMinute)
            {
                Add(1, t, good += 60 + (n % 7));
                Add(2, t, reject += n % 5 == 0 ? 1 : 0);
            }

            Add(0, stop, 0);
            if (n % 3 == 2)
            {
                rows.Add(new SampleRow(ids[3], stop, double.NaN, "E1", Quality.Good, stop));
                rows.Add(new SampleRow(ids[3], on, double.NaN, "", Quality.Good, on));
            }

            at = on;
        }

        await store.CommitAsync([new TelemetryUnit { Owner = "test", Rows = rows.Where(r => r.TimeUs < now).ToArray() }], default);

        void Add(int signal, long timeUs, double value) =>
            rows.Add(new SampleRow(ids[signal], timeUs, value, null, Quality.Good, timeUs));
    }
}
