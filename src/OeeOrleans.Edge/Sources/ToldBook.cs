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
    private readonly Lock _lock = new();
    private TaskCompletionSource _changed = NewSource();
    private volatile IReadOnlyList<EdgeSource> _all;
    private volatile SourcesReport _report;

    /// <summary>Those that are read; null: none were ever told.</summary>
    private KeptSources? _kept;

    public ToldBook(EdgeOptions options, TimeProvider clock, ILogger log)
    {
        (_options, _log, _quota) = (options, log, new RefusalQuota(clock));
        _file = Path.Combine(options.DataDir, $"sources-{options.Group}-{options.Node}.json");
        (_all, _report) = (options.Sources, new SourcesReport(0, Nothing, null, null, null));
        Load();
    }

    /// <summary>All of them; those that stand by for others too.</summary>
    public IReadOnlyList<EdgeSource> All => _all;

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
            lock (_lock)
            {
                var (told, by) = Open(text);
                return Take(told, by);
            }
        }
        catch (SignedCommandException error)
        {
            // Anybody may have sent it: whoever that is gets no answer, and fills no log.
            if (_quota.Takes(out var skipped)) Log.SourcesRefused(_log, Name, error.Message, skipped);
            return false;
        }
    }

    /// <summary>What was told was found right, and nothing can be made of it all the same: the node reads its own.</summary>
    /// <returns>False: nothing was told, so that is not what is wrong.</returns>
    public bool GiveUp(string problem)
    {
        lock (_lock)
        {
            if (_report.Digest == Nothing) return false;
            Log.SourcesNotTaken(_log, Name, _report.Number, problem);
            _report = _report with { Digest = Nothing, Refused = _report.Digest, Problem = problem };
            _all = _options.Sources;
            return true;
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
            var digest = SignedSources.DigestOf(told.Sources);
            // The last word may come again: its host does not know that it came.
            var isLast = told.Number == _report.Number && digest == (_report.Refused ?? _report.Digest);
            if (told.Number <= _report.Number && !isLast)
            {
                throw new SignedCommandException(
                    $"their number {told.Number} is not above {_report.Number}, that of the last: it is a copy");
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
        var kept = new KeptSources(told.Number, told.Host, by, told.Sources);
        var (all, problem) = (_all, WhyNotOf(told.Host));
        var isSame = problem is null && digest == _report.Digest;
        if (problem is null && !isSame) (all, problem) = Judge(told.Sources);
        // Not even a power failure brings an older word back.
        if (problem is null && kept != _kept) problem = Keep(kept);
        if (problem is not null) return Refuse(told, digest, problem);
        if (isSame) return Say(Accepted(told, digest));
        (_all, _report) = (all, Accepted(told, digest));
        Log.SourcesTaken(_log, Name, told.Number, all.Count - _options.Sources.Count);
        // With them the node is born anew, and says so then.
        Volatile.Read(ref _changed).TrySetResult();
        return false;
    }

    private static SourcesReport Accepted(SignedSources told, string digest) => new(told.Number, digest, told.Host, null, null);

    /// <summary>What is read goes on; an older word than this one is none any more, also by the next life if the disk takes that.</summary>
    private bool Refuse(SignedSources told, string digest, string problem)
    {
        Log.SourcesNotTaken(_log, Name, told.Number, problem);
        var before = _kept ?? new KeptSources(0, told.Host, "", "[]");
        if (before.Number != told.Number && Keep(before with { Number = told.Number }) is { } unkept)
        {
            Log.SourcesNotTaken(_log, Name, told.Number, unkept);
        }

        return Say(_report with { Number = told.Number, Refused = digest, Problem = problem });
    }

    /// <summary>Two plants that each have sources for this node would take them from each other for ever: the first one's stay.</summary>
    private string? WhyNotOf(string host)
    {
        if (_kept is not { } first || first.Host == host || _report.Digest == Nothing) return null;
        // A host whose key is not pinned any more has nothing to say.
        return IsPinned(first.By)
            ? $"another plant, {first.Host}, gives this edge node its sources; they must be taken away there first"
            : null;
    }

    private bool IsPinned(string name)
    {
        var keys = CommandKeys.Read(_options.CommandKeys);
        try
        {
            return keys.Any(k => SignedSources.NameOf(k.Key) == name);
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
            _kept = kept;
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
            if (JsonSerializer.Deserialize<KeptSources>(stream) is not { Sources: { } json, Host: not null, By: not null } kept) return;
            var digest = SignedSources.DigestOf(json);
            if (digest != Nothing && !_options.KeysComeLater && !IsPinned(kept.By))
            {
                Log.SourcesNotTaken(_log, Name, kept.Number, "the key of the host that told them is pinned no more (edge.command_keys)");
                _report = _report with { Number = kept.Number };
                return;
            }

            var (all, problem) = Judge(json);
            (_kept, _report) = (kept, _report with { Number = kept.Number, Host = kept.Host, Refused = digest, Problem = problem });
            if (problem is null) (_all, _report) = (all, new SourcesReport(kept.Number, digest, kept.Host, null, null));
            else Log.SourcesNotTaken(_log, Name, kept.Number, problem);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or JsonException)
        {
            Log.SourcesNotRead(_log, _file, error);
        }
    }

    /// <summary>As the file has them.</summary>
    /// <param name="Number">Of the last word, which may be a later one that was refused.</param>
    /// <param name="Host">Which plant's they are.</param>
    /// <param name="By">The key that signed them.</param>
    private sealed record KeptSources(long Number, string Host, string By, string Sources);
}
