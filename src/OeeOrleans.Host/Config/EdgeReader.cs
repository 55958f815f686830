using System.Globalization;
using OeeOrleans.Configuration.Reading;
using OeeOrleans.Edge;
using OeeOrleans.Edge.Sources;
using OeeOrleans.Edge.Tags;
using OeeOrleans.Model.Plant;
using OeeOrleans.Mqtt;
using OeeOrleans.OpcUa;

namespace OeeOrleans.Host.Config;

/// <summary>The section `edge` of the file.</summary>
internal sealed class EdgeReader(YamlSection root, PlantModel plant)
{
    private readonly YamlSection _edge = root.Section("edge");

    /// <summary>Sources that say when another one speaks for them.</summary>
    private readonly List<(string Id, YamlSection Section)> _timed = [];

    /// <summary>Null where the file has no such section.</summary>
    /// <param name="broker">The plant's broker, when the section names none of its own; null: the embedded one.</param>
    public EdgeOptions? Read(BrokerAddress? broker)
    {
        if (!_edge.Exists) return null;
        var buffer = _edge.Section("buffer");
        var options = new EdgeOptions
        {
            Group = _edge.Required("group", "berlin"),
            Node = _edge.Required("node", "edge1"),
            BufferMaxMb = buffer.Integer("max_mb", 500, 1, 1_000_000),
            ReplayValuesPerS = buffer.Integer("replay_values_per_s", 20_000, 1, 10_000_000),
            PrimaryHost = _edge.Text("primary_host"),
            Acknowledge = _edge.Choice(
                "acknowledge", AcknowledgeMode.Auto, ("auto", AcknowledgeMode.Auto), ("commit", AcknowledgeMode.Commit),
                ("puback", AcknowledgeMode.Puback)),
            Qos = _edge.Integer("qos", 1, 0, 1),
            MaxInFlight = _edge.Integer("max_inflight", 100, 1, 65_535),
            SlowestIntervalMs = _edge.Integer("slowest_interval_ms", 2_000, 10, 3_600_000),
            Brokers = Brokers(broker),
            CommandKeys = [.. _edge.Items("command_keys").Select(k => k.ToString())],
            UnsignedCommands = _edge.Flag("unsigned_commands"),
        };
        List<EdgeSource> sources = [.. _edge.Sections("sources").Select(ReadSource)];
        foreach (var machine in plant.Machines.Where(m => m.Fallback is not null && m.EdgeNode == $"{options.Group}/{options.Node}"))
        {
            TakeFallback(machine, sources);
        }

        foreach (var (_, section) in _timed.Where(t => sources.Any(s => s.Id == t.Id && s.Fallback is null)))
        {
            _edge.Problems.Add(section.Line, $"{section.Path}: fallback_after_s and hand_back_after_s need a fallback");
        }

        options.Sources = sources;
        CheckMetrics(options);
        buffer.Close();
        _edge.Close();
        // Missing keys were told with their lines already.
        foreach (var mistake in options.Validate().Where(
            m => !m.StartsWith("edge.group", StringComparison.Ordinal) && !m.StartsWith("edge needs a broker", StringComparison.Ordinal)))
        {
            _edge.Problems.Add(_edge.Line, mistake);
        }

        return options;
    }

    private List<BrokerAddress> Brokers(BrokerAddress? plant)
    {
        var brokers = new List<BrokerAddress>();
        foreach (var node in _edge.Items("brokers"))
        {
            if (!BrokerAddress.TryParse(node.ToString(), out var address, out var reason))
            {
                _edge.Problems.Add(node.Start.Line, $"edge.brokers: {reason}");
                continue;
            }

            if (plant is { IsTls: true } && !address.IsTls)
            {
                _edge.Problems.Add(
                    node.Start.Line, $"edge.brokers: {address} is not encrypted, and the plant's broker is; it must be mqtts:// as well");
            }

            brokers.Add(plant is null ? address : plant.At(new Uri(node.ToString())));
        }

        if (brokers.Count == 0 && plant is not null) brokers.Add(plant);
        return brokers;
    }

    private EdgeSource ReadSource(YamlSection source)
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

        var fallback = source.Text("fallback");
        var (after, handBack) = (Seconds(source, "fallback_after_s"), Seconds(source, "hand_back_after_s"));
        if ((after ?? handBack) is not null) _timed.Add((id, source));
        var device = source.Text("device") ?? id;
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

    /// <summary>A machine's fallback is that of the source its device is read from.</summary>
    private void TakeFallback(Machine machine, List<EdgeSource> sources)
    {
        var firsts = sources.Where(s => s.Device == machine.Device && s.Id != machine.Fallback).ToList();
        if (firsts is not [var first] || (first.Fallback is { } other && other != machine.Fallback))
        {
            _edge.Problems.Add(
                _edge.LineOf("sources"),
                $"edge.sources: the machine {machine.Id} has the fallback '{machine.Fallback}', and its device '{machine.Device}' is read "
                    + $"from {firsts.Count} other sources; it must be one, and with that fallback or none");
            return;
        }

        sources[sources.IndexOf(first)] = first with { Fallback = machine.Fallback };
    }

    private static string? ReadGuard(YamlSection source, Uri url)
    {
        var guard = source.Text("guard");
        if (guard is null || TagAccess.CheckAddress(url, guard) is not { } wrong) return guard;
        source.Problems.Add(source.LineOf("guard"), $"{source.Path}.guard: {wrong}");
        return null;
    }

    private static OpcUaSettings ReadOpcUa(YamlSection source)
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
            Policy = policy, Mode = mode, User = source.Text("username"), Password = source.Secret("password"),
            UserCertificate = source.Text("user_certificate"), UserKey = source.Text("user_key"), Pki = source.Text("pki"),
            Trust = source.Choice(
                "trust", ServerTrust.Store, ("store", ServerTrust.Store), ("first_use", ServerTrust.OnFirstUse),
                ("everything", ServerTrust.Everything)),
            ClearPassword = source.Flag("clear_password"),
            KeepAlive = Seconds(source, "keep_alive_s"), Lifetime = Seconds(source, "lifetime_s"),
        };
        foreach (var mistake in Mistakes(settings)) source.Problems.Add(source.Line, $"{source.Path}: {mistake}");
        return settings;
    }

    private static TimeSpan? Seconds(YamlSection source, string key) =>
        source.Number(key, 0.1m, 86_400) is { } seconds ? TimeSpan.FromSeconds((double)seconds) : null;

    private static IEnumerable<string> Mistakes(OpcUaSettings settings)
    {
        if (settings is { User: not null, UserCertificate: not null }) yield return "either username or user_certificate, not both";
        if (settings is { User: null, Password: not null }) yield return "a password needs a username";
        if (settings is { UserCertificate: null, UserKey: not null }) yield return "a user_key needs a user_certificate";
        if (settings is { Policy: not null and not SecurityPolicy.None, Mode: MessageSecurityMode.None })
        {
            yield return $"the mode None protects nothing, and the policy {settings.Policy} was asked for";
        }

        if (settings is { Policy: SecurityPolicy.None, Mode: MessageSecurityMode.Sign or MessageSecurityMode.SignAndEncrypt })
        {
            yield return "security None protects nothing, and a mode that does was asked for";
        }

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
        if (result.Scale == 0) tag.Problems.Add(tag.LineOf("scale"), $"{tag.Path}.scale: 0 leaves nothing of a value; any other number "
            + $"is possible");
        if (result.IntervalMs is > 0 and < 10) tag.Problems.Add(tag.LineOf("interval_ms"),
            $"{tag.Path}.interval_ms: {result.IntervalMs} is "
            + "too often; 10 to 3600000 is possible");
        tag.Close();
        return result;
    }

    private void CheckMetrics(EdgeOptions options)
    {
        // One that stands by tells its metrics under the device of another, and each of them once all the same.
        var standBy = options.Sources.Except(options.Speaking);
        var sources = options.Speaking.Concat(standBy.Select(s => s with { Device = s.Id }));
        foreach (var same in sources.SelectMany(s => s.Tags.Select(t => (s.Device, t.Metric)))
            .GroupBy(m => m)
            .Where(g => g.Count() > 1))
        {
            _edge.Problems.Add(
                _edge.LineOf("sources"),
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"edge.sources: the device '{same.Key.Device}' has the metric '{same.Key.Metric}' {same.Count()} times"));
        }
    }
}
