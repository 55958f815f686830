using Microsoft.Extensions.Logging;
using OeeOrleans.Edge.Sources.Cip;
using OeeOrleans.Edge.Sources.Fallback;
using OeeOrleans.Edge.Sources.OpcUa;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Edge.Sources.S7;

namespace OeeOrleans.Edge.Sources;

/// <summary>The sources that speak, open. Those that stay the same stay open when others come and go.</summary>
internal sealed class SourceSet(EdgeOptions options, TimeProvider clock, ILogger log) : IAsyncDisposable
{
    /// <summary>Others wait for the end of one that is no more.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    private List<Opened> _open = [];

    /// <summary>In the order of <see cref="Settings"/>.</summary>
    public IReadOnlyList<ISource> Sources => [.. _open.Select(o => o.Source)];

    public IReadOnlyList<EdgeSource> Settings => [.. _open.Select(o => o.Settings)];

    /// <summary>Sources that are open already, for what speaks.</summary>
    public void Hold(IEnumerable<EdgeSource> speaking, IEnumerable<ISource> sources) =>
        _open = [.. speaking.Zip(sources, (settings, source) => new Opened(settings, null, source))];

    /// <summary>Whether a source stays as it is when these are to be read.</summary>
    public bool Keeps(string id, IReadOnlyList<EdgeSource> all) =>
        _open.Find(o => o.Source.Id == id) is { } open
            && SourceRules.Speaking(all).Any(s => open.Is(s, all.FirstOrDefault(f => f.Id == s.Fallback)));

    /// <summary>Opens what is new, and closes what is no more; nobody reads them meanwhile.</summary>
    /// <param name="all">Those that stand by too.</param>
    public async Task RenewAsync(IReadOnlyList<EdgeSource> all)
    {
        var wanted = SourceRules.Speaking(all).Select(s => (Settings: s, Fallback: all.FirstOrDefault(f => f.Id == s.Fallback))).ToList();
        var kept = new List<Opened>();
        foreach (var (settings, fallback) in wanted)
        {
            if (_open.Find(o => o.Is(settings, fallback)) is { } same) kept.Add(same);
        }

        // A PLC has few connections: those of before are closed before there are others.
        foreach (var gone in _open.Except(kept).ToList())
        {
            try
            {
                await gone.Source.DisposeAsync().AsTask().WaitAsync(Farewell, clock);
            }
            catch (TimeoutException)
            {
                Log.NotClosed(log, gone.Source.Id, Farewell.TotalSeconds);
            }
        }

        _open =
        [
            .. wanted.Select(w => kept.Find(o => o.Is(w.Settings, w.Fallback))
                ?? new Opened(w.Settings, w.Fallback, Open(w.Settings, w.Fallback))),
        ];
    }

    /// <summary>Opens them for the first time.</summary>
    public void Open(IReadOnlyList<EdgeSource> all) =>
        _open =
        [
            .. SourceRules.Speaking(all).Select(s => (Settings: s, Fallback: all.FirstOrDefault(f => f.Id == s.Fallback)))
                .Select(s => new Opened(s.Settings, s.Fallback, Open(s.Settings, s.Fallback))),
        ];

    public async ValueTask DisposeAsync()
    {
        foreach (var open in _open) await open.Source.DisposeAsync();
    }

    private ISource Open(EdgeSource source, EdgeSource? fallback)
    {
        var first = OpenOne(source);
        if (fallback is null) return first;
        // Where to publish is the first's affair.
        fallback = fallback with { Device = source.Device };
        var file = Path.Combine(options.DataDir, $"fallback-{options.Group}-{options.Node}-{source.Id}.json");
        return new FallbackSource(first, source, OpenOne(fallback), fallback, file, clock, log);
    }

    private ISource OpenOne(EdgeSource source) => source.Url.Scheme switch
    {
        "opc.tcp" => new OpcUaSource(source, options, clock, log),
        "s7" => new PolledSource(source, new S7Driver(source), clock, log),
        "cip" => new PolledSource(source, new CipDriver(source, options, log), clock, log),
        _ => new SimSource(source),
    };

    private sealed record Opened(EdgeSource Settings, EdgeSource? Fallback, ISource Source)
    {
        public bool Is(EdgeSource settings, EdgeSource? fallback) => Same(Settings, settings) && Same(Fallback, fallback);

        /// <summary>Lists are compared by what is in them.</summary>
        private static bool Same(EdgeSource? one, EdgeSource? other) => one is null || other is null
            ? one is null && other is null
            : (one with { Tags = [] }) == (other with { Tags = [] }) && one.Tags.SequenceEqual(other.Tags);
    }
}
