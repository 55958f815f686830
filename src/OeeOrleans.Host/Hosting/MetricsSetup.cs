using System.Diagnostics.Metrics;
using Prometheus;

namespace OeeOrleans.Host.Hosting;

/// <summary>
/// What `/metrics` tells besides our own figures. Orleans counts every message in several counters of its own; telling them costs as much
/// as handling a small message, so of Orleans only what is read when somebody asks is told.
/// </summary>
internal static class MetricsSetup
{
    private const string Orleans = "Microsoft.Orleans";

    /// <summary>Before the first metric is made.</summary>
    public static void Configure() =>
        Metrics.ConfigureMeterAdapter(o => o.InstrumentFilterPredicate = i => i.Meter.Name != Orleans || (i.IsObservable && !IsSlow(i)));

    /// <summary>It counts a dictionary with an entry for each grain.</summary>
    private static bool IsSlow(Instrument instrument) => instrument.Name == "orleans-directory-cache-size";
}
