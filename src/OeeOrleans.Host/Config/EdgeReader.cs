using OeeOrleans.Configuration.Reading;
using OeeOrleans.Edge;
using OeeOrleans.Model.Plant;
using OeeOrleans.Mqtt;

namespace OeeOrleans.Host.Config;

/// <summary>The section `edge` of the file.</summary>
internal sealed class EdgeReader(YamlSection root, PlantModel plant)
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
            CommandKeys = [.. _edge.Items("command_keys").Select(k => k.ToString())],
            UnsignedCommands = _edge.Flag("unsigned_commands"),
            TakesSources = !_edge.Has("plant_sources") || _edge.Flag("plant_sources"),
            WaitsForSources = _edge.Flag("plant_sources"),
            ReadSources = ToldSourcesReader.Read,
        };
        var reader = new SourceReader(SourceOrigin.EdgeFile);
        List<EdgeSource> sources = [.. _edge.Sections("sources").Select(reader.Read)];
        var name = $"{options.Group}/{options.Node}";
        // What the plant's sources read is not read from here: those say themselves which other one stands by.
        var told = root.Sections("sources").Where(s => s.Text("edge_node") == name).Select(s => s.Text("device") ?? s.Text("id"))
            .ToHashSet(StringComparer.Ordinal);
        foreach (var machine in plant.Machines.Where(m => m.EdgeNode == name && !told.Contains(m.Device)))
        {
            if (machine.Fallback is { } fallback) TakeFallback(machine, fallback, sources);
        }

        reader.CheckTimes(sources);
        options.Sources = sources;
        buffer.Close();
        _edge.Close();
        // Missing keys were told with their lines already.
        foreach (var mistake in options.Validate().Where(
            m => !m.StartsWith("edge.group", StringComparison.Ordinal) && !m.StartsWith("edge needs a broker", StringComparison.Ordinal)))
        {
            var isOfSources = mistake.StartsWith("edge.sources:", StringComparison.Ordinal);
            _edge.Problems.Add(isOfSources ? _edge.LineOf("sources") : _edge.Line, mistake);
        }

        return options;
    }

    /// <summary>A machine's fallback is that of the source its device is read from.</summary>
    private void TakeFallback(Machine machine, string fallback, List<EdgeSource> sources)
    {
        var firsts = sources.Where(s => s.Device == machine.Device && s.Id != fallback).ToList();
        if (firsts is not [var first] || (first.Fallback is { } other && other != fallback))
        {
            _edge.Problems.Add(
                _edge.LineOf("sources"),
                $"edge.sources: the machine {machine.Id} has the fallback '{fallback}', and its device '{machine.Device}' is read "
                    + $"from {firsts.Count} other sources; it must be one, and with that fallback or none");
            return;
        }

        sources[sources.IndexOf(first)] = first with { Fallback = fallback };
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
}
