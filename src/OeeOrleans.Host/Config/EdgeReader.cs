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
        foreach (var machine in plant.Machines.Where(m => m.EdgeNode == $"{options.Group}/{options.Node}"))
        {
            if (MachineFallback.Take(machine, sources) is { } wrong)
            {
                _edge.Problems.Add(_edge.LineOf("sources"), $"edge.sources: {wrong}");
            }
        }

        reader.CheckTimes(sources);
        options.Sources = sources;
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
}
