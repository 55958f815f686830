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

    /// <summary>Sources that somebody else opened, for what speaks.</summary>
    public void Hold(IReadOnlyList<EdgeSource> all, IEnumerable<ISource> sources) =>
        _open =
        [
            .. SourceRules.Speaking(all)
                .Zip(sources, (s, source) => new Opened(s, all.FirstOrDefault(f => f.Id == s.Fallback), source)),
        ];

    /// <summary>Whether a source stays as it is when these are to be read.</summary>
    public bool Keeps(string id, IReadOnlyList<EdgeSource> all) =>
        _open.Find(o => o.Source.Id == id) is { } open
            && SourceRules.Speaking(all).Any(s => open.Is(s, all.FirstOrDefault(f => f.Id == s.Fallback)));

    /// <summary>Closes what is no more; nobody reads that any more. One that does not end is not waited for.</summary>
    public async Task CloseAsync(IReadOnlyCollection<string> ids)
    {
        var gone = _open.Where(o => ids.Contains(o.Source.Id)).ToList();
        _open.RemoveAll(gone.Contains);
        await Task.WhenAll(gone.Select(CloseAsync));
    }

    /// <summary>Opens what is new, and closes what is no more; nobody reads them meanwhile.</summary>
    /// <param name="all">Those that stand by too.</param>
    /// <exception cref="ArgumentException">One cannot be opened; those that were before are open.</exception>
    public async Task RenewAsync(IReadOnlyList<EdgeSource> all)
    {
        // A PLC has few connections: those of before are closed before there are others.
        await CloseAsync([.. _open.Select(o => o.Source.Id).Where(id => !Keeps(id, all))]);
        Open(all);
    }

    /// <summary>Opens what is not open.</summary>
    /// <exception cref="ArgumentException">One cannot be opened; those that were before are open.</exception>
    public void Open(IReadOnlyList<EdgeSource> all)
    {
        var open = new List<Opened>();
        try
        {
            foreach (var settings in SourceRules.Speaking(all))
            {
                var fallback = all.FirstOrDefault(f => f.Id == settings.Fallback);
                open.Add(_open.Find(o => o.Is(settings, fallback)) ?? new Opened(settings, fallback, Open(settings, fallback)));
            }
        }
        catch (ArgumentException)
        {
            // None of them was read yet.
            foreach (var made in open.Except(_open)) _ = CloseAsync(made);
            throw;
        }

        _open = open;
    }

    private async Task CloseAsync(Opened gone)
    {
        try
        {
            await gone.Source.DisposeAsync().AsTask().WaitAsync(Farewell, clock);
        }
        catch (TimeoutException)
        {
            Log.NotClosed(log, gone.Source.Id, Farewell.TotalSeconds);
        }

        EdgeMetrics.Forget(gone.Source.Id);
        if (gone.Fallback is { } second) EdgeMetrics.Forget(second.Id);
    }

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
