using System.Text;
using OeeOrleans.Edge;
using OeeOrleans.Edge.Sources;
using OeeOrleans.Edge.Tags;
using OeeOrleans.OpcUa;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Configuration.Reading;

/// <summary>Whose word a source is.</summary>
internal enum SourceOrigin
{
    /// <summary>The edge node's own file.</summary>
    EdgeFile,

    /// <summary>The plant, read where it is configured: files that it names lie elsewhere.</summary>
    Plant,

    /// <summary>The plant, read by the edge node that was told.</summary>
    Told,
}

/// <summary>A source of an edge node: `{ id, url, device, interval_ms, tags, ... }`.</summary>
/// <param name="secrets">Folder of the edge node's files that the plant may name; of a source that was told.</param>
internal sealed class SourceReader(SourceOrigin origin, string secrets = "")
{
    /// <summary>Sources that say when another one speaks for them.</summary>
    private readonly List<(string Id, YamlSection Section)> _timed = [];

    public EdgeSource Read(YamlSection source)
    {
        var id = source.Required("id", "plc1");
        var url = source.Required("url", "\"sim://plant\"");
        Uri? known = null;
        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("sim" or "opc.tcp" or "s7" or "cip"))
        {
            if (url.Length > 0)
            {
                source.Problems.Add(
                    source.LineOf("url"),
                    $"{source.Path}.url: '{url}' is no source; opc.tcp://host:port/path, s7://host, cip://host and sim://name are");
            }

            uri = new Uri("sim://none");
        }
        else if (uri.Scheme != "sim" && TagAccess.CheckSource(url, out known) is { } wrong)
        {
            source.Problems.Add(source.LineOf("url"), $"{source.Path}.url: {wrong}");
            uri = new Uri($"{uri.Scheme}://none:4840");
        }
        else if ((uri = known ?? uri).UserInfo.Length > 0)
        {
            source.Problems.Add(
                source.LineOf("url"), $"{source.Path}.url: a name and password do not belong into a URL, which logs show; username and "
                    + $"password are "
                    + "keys of their own");
        }

        if (origin != SourceOrigin.EdgeFile && uri.Scheme == "sim") CheckSimulated(source, uri);
        var fallback = source.Text("fallback");
        var (after, handBack) = (Seconds(source, "fallback_after_s"), Seconds(source, "hand_back_after_s"));
        if ((after ?? handBack) is not null) _timed.Add((id, source));
        var device = source.Text("device") ?? id;
        if (device.Length + id.Length > 0 && NameRule.WhyNotId("device", device) is { } unfit)
        {
            source.Problems.Add(source.LineOf("device"), $"{source.Path}.device: {unfit}");
        }

        var interval = source.Integer("interval_ms", 250, 10, 3_600_000);
        var tags = source.Sections("tags").Select(t => ReadTag(t, uri)).ToList();
        var opcUa = uri.Scheme == "opc.tcp" ? ReadOpcUa(source) : null;
        var guard = uri.Scheme == "cip" ? ReadGuard(source, uri) : null;
        source.Close();
        if (tags.Count == 0 && !(uri.Scheme == "sim" && uri.Query.Contains("tags=", StringComparison.Ordinal)))
        {
            source.Problems.Add(source.Line, $"{source.Path}: a source needs tags");
        }

        var result = new EdgeSource(id, uri, device, interval, tags) { OpcUa = opcUa, Fallback = fallback, Guard = guard };
        return result with { FallbackAfter = after ?? result.FallbackAfter, HandBackAfter = handBack ?? result.HandBackAfter };
    }

    /// <summary>When another one speaks needs another one.</summary>
    /// <param name="sources">As they were read, with the fallbacks that machines have.</param>
    public void CheckTimes(IReadOnlyList<EdgeSource> sources)
    {
        foreach (var (_, section) in _timed.Where(t => sources.Any(s => s.Id == t.Id && s.Fallback is null)))
        {
            section.Problems.Add(section.Line, $"{section.Path}: fallback_after_s and hand_back_after_s need a fallback");
        }
    }

    /// <summary>A secret is no part of the plant, which many may read, and travels over no broker: its file lies at the edge.</summary>
    private string? ReadPassword(YamlSection source)
    {
        if (origin == SourceOrigin.EdgeFile) return source.Secret("password");
        if (source.Text("password") is not null)
        {
            source.Problems.Add(
                source.LineOf("password"),
                $"{source.Path}.password: a password does not belong into the plant; password_file names a file at the edge node");
        }

        return ReadFile(source, "password_file") is { } file && origin == SourceOrigin.Told ? source.SecretIn("password", file) : null;
    }

    /// <summary>Which of the edge node's files are its secrets is not the plant's to say: it names those that were put aside for it.</summary>
    private string? ReadFile(YamlSection source, string key)
    {
        if (source.Text(key) is not { } name || origin == SourceOrigin.EdgeFile) return source.Text(key);
        if (name is not ("" or "." or "..") && !name.AsSpan().ContainsAny('/', '\\'))
        {
            return origin == SourceOrigin.Told ? Path.Combine(secrets, name) : name;
        }

        source.Problems.Add(
            source.LineOf(key),
            $"{source.Path}.{key}: '{name}' is no name of a file in the folder 'secrets' of the edge node's data directory; plc1.txt is");
        return null;
    }

    /// <summary>A simulated source can write files and make any number of tags: its edge node's own file may ask for that.</summary>
    private static void CheckSimulated(YamlSection source, Uri uri)
    {
        if (uri.Query.Length == 0) return;
        source.Problems.Add(
            source.LineOf("url"),
            $"{source.Path}.url: '{uri.Query}' is for the edge node's own file; a source of the plant names its tags");
    }

    /// <summary>What Sparkplug itself says by such a name would be taken for that.</summary>
    private static string? WhyNot(string metric)
    {
        if (NameRule.WhyNotMetric(Encoding.UTF8.GetBytes(metric)) is { } wrong) return wrong;
        return metric == "bdSeq" || metric.StartsWith("Node Control/", StringComparison.Ordinal)
            || metric.StartsWith("Device Control/", StringComparison.Ordinal)
            ? $"'{metric}' is a name of Sparkplug's own (Sparkplug 3.0, 6.4); counter.good is possible"
            : null;
    }

    private string? ReadPki(YamlSection source)
    {
        if (source.Text("pki") is not { } folder || origin == SourceOrigin.EdgeFile) return source.Text("pki");
        source.Problems.Add(
            source.LineOf("pki"), $"{source.Path}.pki: '{folder}': an edge node keeps its certificates where its own file says");
        return null;
    }

    private static string? ReadGuard(YamlSection source, Uri url)
    {
        var guard = source.Text("guard");
        if (guard is null || TagAccess.CheckAddress(url, guard) is not { } wrong) return guard;
        source.Problems.Add(source.LineOf("guard"), $"{source.Path}.guard: {wrong}");
        return null;
    }

    private OpcUaSettings ReadOpcUa(YamlSection source)
    {
        SecurityPolicy? policy = null;
        if (source.Text("security") is { } name)
        {
            if (SecurityPolicies.TryParse(name, out var known)) policy = known;
            else
            {
                source.Problems.Add(
                    source.LineOf("security"), $"{source.Path}.security: '{name}' is no policy; {SecurityPolicies.Names} are");
            }
        }

        var mode = source.Choice<MessageSecurityMode?>(
            "mode", null, ("None", MessageSecurityMode.None), ("Sign", MessageSecurityMode.Sign),
            ("SignAndEncrypt", MessageSecurityMode.SignAndEncrypt));
        var settings = new OpcUaSettings
        {
            Policy = policy, Mode = mode, User = source.Text("username"), Password = ReadPassword(source),
            UserCertificate = ReadFile(source, "user_certificate"), UserKey = ReadFile(source, "user_key"), Pki = ReadPki(source),
            Trust = source.Choice(
                "trust", ServerTrust.Store, ("store", ServerTrust.Store), ("first_use", ServerTrust.OnFirstUse),
                ("everything", ServerTrust.Everything)),
            ClearPassword = source.Flag("clear_password"),
            KeepAlive = Seconds(source, "keep_alive_s"), Lifetime = Seconds(source, "lifetime_s"),
        };
        if (origin != SourceOrigin.EdgeFile && (settings.ClearPassword || settings.Trust == ServerTrust.Everything))
        {
            source.Problems.Add(
                source.Line, $"{source.Path}: clear_password, and trust: everything, are for the edge node's own file");
        }

        var hasPassword = source.Has("password") || source.Has("password_file");
        foreach (var mistake in Mistakes(settings, hasPassword)) source.Problems.Add(source.Line, $"{source.Path}: {mistake}");
        return settings;
    }

    private static TimeSpan? Seconds(YamlSection source, string key) =>
        source.Number(key, 0.1m, 86_400) is { } seconds ? TimeSpan.FromSeconds((double)seconds) : null;

    private IEnumerable<string> Mistakes(OpcUaSettings settings, bool hasPassword)
    {
        if (settings is { User: not null, UserCertificate: not null }) yield return "either username or user_certificate, not both";
        if (settings.User is null && hasPassword) yield return "a password needs a username";
        if (settings is { UserCertificate: null, UserKey: not null }) yield return "a user_key needs a user_certificate";
        if (settings is { Policy: not null and not SecurityPolicy.None, Mode: MessageSecurityMode.None })
        {
            yield return $"the mode None protects nothing, and the policy {settings.Policy} was asked for";
        }

        if (settings is { Policy: SecurityPolicy.None, Mode: MessageSecurityMode.Sign or MessageSecurityMode.SignAndEncrypt })
        {
            yield return "security None protects nothing, and a mode that does was asked for";
        }

        if (origin == SourceOrigin.Plant) yield break;
        foreach (var file in new[] { settings.UserCertificate, settings.UserKey }.Where(f => f is not null && !File.Exists(f)))
        {
            yield return $"the file {file} is not there";
        }
    }

    private static EdgeTag ReadTag(YamlSection tag, Uri url)
    {
        var scheme = url.Scheme;
        var address = tag.Required("address", "\"DB1.DBX0.0\"");
        if (scheme == "sim" && address.Length > 0 && !SimSource.IsAddress(address))
        {
            tag.Problems.Add(
                tag.LineOf("address"),
                $"{tag.Path}.address: '{address}' is no address of a simulated source; counter, bool, sine, text and random are, each "
                    + $"with an optional :number");
        }

        if (scheme == "opc.tcp" && address.Length > 0 && (!ExpandedNodeId.TryParse(address, out var node) || node.ServerIndex != 0))
        {
            tag.Problems.Add(
                tag.LineOf("address"),
                $"{tag.Path}.address: '{address}' is no OPC UA node id; ns=2;s=Filler1.Temp, i=2258 and nsu=http://example.org/;s=Temp "
                    + "are");
        }

        if (scheme is "s7" or "cip" && address.Length > 0 && TagAccess.CheckAddress(url, address) is { } wrong)
        {
            tag.Problems.Add(tag.LineOf("address"), $"{tag.Path}.address: {wrong}");
        }

        var result = new EdgeTag(
            address,
            tag.Required("metric", "counter.good"),
            tag.Integer("interval_ms", 0, 0, 3_600_000),
            (double)(tag.Number("scale", -1e12m, 1e12m) ?? 1),
            (double)(tag.Number("offset", -1e12m, 1e12m) ?? 0),
            (double)(tag.Number("deadband", 0, 1e12m) ?? 0),
            tag.Text("unit"),
            tag.Flag("writable"))
        {
            DeadbandPercent = scheme == "opc.tcp" ? (double)(tag.Number("deadband_percent", 0, 100) ?? 0) : 0,
            QueueSize = scheme == "opc.tcp" ? tag.Integer("queue_size", 10, 1, 100_000) : 10,
        };
        if (result.Metric.Length > 0 && WhyNot(result.Metric) is { } reason)
        {
            tag.Problems.Add(tag.LineOf("metric"), $"{tag.Path}.metric: {reason}");
        }

        if (result.Scale == 0) tag.Problems.Add(tag.LineOf("scale"), $"{tag.Path}.scale: 0 leaves nothing of a value; any other number "
            + $"is possible");
        if (result.IntervalMs is > 0 and < 10) tag.Problems.Add(tag.LineOf("interval_ms"),
            $"{tag.Path}.interval_ms: {result.IntervalMs} is "
            + "too often; 10 to 3600000 is possible");
        tag.Close();
        return result;
    }
}
