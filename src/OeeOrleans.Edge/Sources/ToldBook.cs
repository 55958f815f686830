using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Edge.Commands;

namespace OeeOrleans.Edge.Sources;

/// <summary>
/// What this edge node reads: what its own file says, and beside it what the plant's host told it, which is kept on the disk and read again
/// after a restart. Only what a pinned key signed is taken, for this node, and never an older word than the last. What cannot be read here
/// changes nothing, and the host is told why. <see cref="Take(string)"/> is the connection's one reader's; the rest is safe for concurrent use.
/// </summary>
internal sealed class ToldBook
{
    private static readonly string Nothing = SignedSources.DigestOf("[]");

    private readonly EdgeOptions _options;
    private readonly ILogger _log;
    private readonly RefusalQuota _quota;
    private readonly string _file;
    private TaskCompletionSource _changed = NewSource();
    private volatile IReadOnlyList<EdgeSource> _all;
    private volatile SourcesReport _report;

    public ToldBook(EdgeOptions options, TimeProvider clock, ILogger log)
    {
        (_options, _log, _quota) = (options, log, new RefusalQuota(clock));
        _file = Path.Combine(options.DataDir, $"sources-{options.Group}-{options.Node}.json");
        (_all, _report) = (options.Sources, new SourcesReport(0, Nothing, null, null, null));
        Load();
    }

    /// <summary>All of them; those that stand by for others too.</summary>
    public IReadOnlyList<EdgeSource> All => _all;

    public IEnumerable<EdgeSource> Speaking => SourceRules.Speaking(_all);

    /// <summary>What the host is told; null: this node takes none.</summary>
    public SourcesReport? Report => _options.TakesSources ? _report : null;

    /// <summary>Done when others are to be read than <see cref="All"/> said when it was asked for.</summary>
    public Task Changed => Volatile.Read(ref _changed).Task;

    /// <summary>The change was seen: the next one is another.</summary>
    public void See() => Volatile.Write(ref _changed, NewSource());

    /// <summary>Takes what came in an NCMD.</summary>
    /// <returns>True: the host is to be told.</returns>
    public bool Take(string text)
    {
        try
        {
            var (told, by) = Open(text);
            return Take(told, by);
        }
        catch (SignedCommandException error)
        {
            // Anybody may have sent it: whoever that is gets no answer, and fills no log.
            if (_quota.Takes(out var skipped)) Log.SourcesRefused(_log, Name, error.Message, skipped);
            return false;
        }
    }

    private string Name => $"{_options.Group}/{_options.Node}";

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private (SignedSources Told, string By) Open(string text)
    {
        if (!_options.TakesSources) throw new SignedCommandException("this edge node takes none (edge.plant_sources: false)");
        if (_options.CommandKeys.Count == 0)
        {
            throw new SignedCommandException("this edge node knows no key of a host (edge.command_keys), so it takes no sources");
        }

        var keys = CommandKeys.Read(_options.CommandKeys);
        try
        {
            var told = SignedSources.Open(text, [.. keys.Select(k => k.Key)], out var by);
            if (told.EdgeNode != Name) throw new SignedCommandException($"they are for {told.EdgeNode}, and came to {Name}");
            if (told.Number < _report.Number)
            {
                throw new SignedCommandException($"their number {told.Number} is below {_report.Number}, that of the last: it is a copy");
            }

            return (told, SignedSources.NameOf(keys[by].Key));
        }
        finally
        {
            foreach (var (key, _) in keys) key.Dispose();
        }
    }

    private bool Take(SignedSources told, string by)
    {
        var digest = SignedSources.DigestOf(told.Sources);
        if (digest == _report.Digest && by == _report.By)
        {
            return Say(_report with { Number = told.Number, Refused = null, Problem = null });
        }

        var (all, problem) = Judge(told.Sources);
        problem = WhyNotBy(by) ?? problem ?? Keep(new KeptSources(told.Number, by, told.Sources));
        if (problem is not null)
        {
            Log.SourcesNotTaken(_log, Name, told.Number, problem);
            return Say(_report with { Refused = digest, Problem = problem });
        }

        (_all, _report) = (all, new SourcesReport(told.Number, digest, by, null, null));
        Log.SourcesTaken(_log, Name, told.Number, all.Count - _options.Sources.Count);
        // With them the node is born anew, and says so then.
        Volatile.Read(ref _changed).TrySetResult();
        return false;
    }

    /// <summary>Two hosts that each have sources for this node would take them from each other for ever: the first one's stay.</summary>
    private string? WhyNotBy(string by)
    {
        if (_report.By is not { } first || first == by || _report.Digest == Nothing) return null;
        var keys = CommandKeys.Read(_options.CommandKeys);
        try
        {
            // A host whose key is not pinned any more has nothing to say.
            return keys.Any(k => SignedSources.NameOf(k.Key) == first)
                ? $"another host gives this edge node its sources (its key is {first}); they must be taken away there first"
                : null;
        }
        finally
        {
            foreach (var (key, _) in keys) key.Dispose();
        }
    }

    /// <summary>Only what is news: whoever sends a copy of what was signed once makes nobody speak.</summary>
    private bool Say(SourcesReport report)
    {
        var isNews = report != _report;
        _report = report;
        return isNews;
    }

    /// <summary>All sources, with those that were told; or why they cannot be.</summary>
    private (IReadOnlyList<EdgeSource> All, string? Problem) Judge(string json)
    {
        var read = _options.ReadSources(json, _options.SecretsDir);
        IReadOnlyList<EdgeSource> all = [.. _options.Sources, .. read.Sources];
        List<string> mistakes =
        [
            .. read.Mistakes, .. SourceRules.Mistakes(all, "sources").Select(m => m.Message),
            .. read.Sources.Select(Unreadable).OfType<string>(),
        ];
        return (all, mistakes.Count > 0 ? string.Join("; ", mistakes) : null);
    }

    /// <summary>A certificate that is there and none.</summary>
    private string? Unreadable(EdgeSource source)
    {
        try
        {
            _ = source.OpcUa?.ToOptions(source.Url, Path.Combine(_options.DataDir, "pki"));
            return null;
        }
        catch (ArgumentException error)
        {
            return $"{source.Id}: {error.Message}";
        }
    }

    private string? Keep(KeptSources kept)
    {
        try
        {
            DurableFile.Replace(_file, s => JsonSerializer.Serialize(s, kept));
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"{_file} cannot be written: {error.Message}";
        }
    }

    /// <summary>After a restart. What cannot be read any more is not read, and the host, who is told so, tells it anew.</summary>
    private void Load()
    {
        if (!_options.TakesSources || !File.Exists(_file)) return;
        try
        {
            using var stream = File.OpenRead(_file);
            if (JsonSerializer.Deserialize<KeptSources>(stream) is not { Sources: { } json } kept) return;
            var (all, problem) = Judge(json);
            var digest = SignedSources.DigestOf(json);
            if (problem is null) (_all, _report) = (all, new SourcesReport(kept.Number, digest, kept.By, null, null));
            else _report = _report with { Number = kept.Number, By = kept.By, Refused = digest, Problem = problem };
            if (problem is not null) Log.SourcesNotTaken(_log, Name, kept.Number, problem);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            Log.SourcesNotRead(_log, _file, error);
        }
    }

    /// <summary>As the file has them.</summary>
    private sealed record KeptSources(long Number, string By, string Sources);
}
