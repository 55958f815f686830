using System.Globalization;
using OeeOrleans.Edge;
using OeeOrleans.Edge.Sources;
using OeeOrleans.Mqtt;

namespace OeeOrleans.Host.Config;

/// <summary>The section `edge` of the file.</summary>
internal sealed class EdgeReader(YamlSection root)
{
    private readonly YamlSection _edge = root.Section("edge");

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
        };
        options.Sources = [.. _edge.Sections("sources").Select(ReadSource)];
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
        else if (uri.Scheme != "sim")
        {
            source.Problems.Add(source.LineOf("url"), $"{source.Path}.url: {uri.Scheme}:// is not part of this version; sim:// is");
        }

        var device = source.Text("device") ?? id;
        var interval = source.Integer("interval_ms", 250, 10, 3_600_000);
        var tags = source.Sections("tags").Select(t => ReadTag(t, uri.Scheme == "sim")).ToList();
        source.Close();
        if (tags.Count == 0 && !uri.Query.Contains("tags=", StringComparison.Ordinal))
        {
            source.Problems.Add(source.Line, $"{source.Path}: a source needs tags");
        }

        return new EdgeSource(id, uri, device, interval, tags);
    }

    private static EdgeTag ReadTag(YamlSection tag, bool simulated)
    {
        var address = tag.Required("address", "\"DB1.DBX0.0\"");
        if (simulated && address.Length > 0 && !SimSource.IsAddress(address))
        {
            tag.Problems.Add(
                tag.LineOf("address"),
                $"{tag.Path}.address: '{address}' is no address of a simulated source; counter, bool, sine, text and random are, each "
                    + $"with an optional :number");
        }

        var result = new EdgeTag(
            address,
            tag.Required("metric", "counter.good"),
            tag.Integer("interval_ms", 0, 0, 3_600_000),
            (double)(tag.Number("scale", -1e12m, 1e12m) ?? 1),
            (double)(tag.Number("offset", -1e12m, 1e12m) ?? 0),
            (double)(tag.Number("deadband", 0, 1e12m) ?? 0),
            tag.Text("unit"),
            tag.Flag("writable"));
        tag.Close();
        return result;
    }

    private void CheckMetrics(EdgeOptions options)
    {
        foreach (var same in options.Sources.SelectMany(s => s.Tags.Select(t => (s.Device, t.Metric)))
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
