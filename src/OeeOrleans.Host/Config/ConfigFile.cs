using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using OeeOrleans.Commands;
using OeeOrleans.Configuration;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Configuration.Reading;
using OeeOrleans.Model.Plant;
using OeeOrleans.Mqtt;
using OeeOrleans.Storage;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace OeeOrleans.Host.Config;

/// <summary>Reads plant.yaml. Environment variables as `${NAME}` or `${NAME:-default}`.</summary>
public static partial class ConfigFile
{
    /// <exception cref="ConfigException">The file cannot be used; holds every problem with its line.</exception>
    public static OeeConfig Load(string path) => Parse(ReadText(path), path);

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ConfigException([new ConfigProblem(path, 1, $"cannot be read: {error.Message}")]);
        }
    }

    /// <summary>Of a file what is about the plant, and the history of its models, as JSON; nothing is checked.</summary>
    /// <exception cref="ConfigException">It cannot be read, or is not YAML.</exception>
    public static JsonObject ReadPlant(string path)
    {
        var problems = new Problems(path);
        var yaml = ReadYaml(ReadText(path), problems);
        if (problems.Found.Count > 0) throw new ConfigException(problems.Found);
        var root = yaml.Documents.Count > 0 ? yaml.Documents[0].RootNode : null;
        var plant = PlantDocument.Of(root).Copy();
        if (root is YamlMappingNode map && map.Children.TryGetValue(new YamlScalarNode(PlantExport.HistoryKey), out var history))
        {
            plant[PlantExport.HistoryKey] = YamlJson.ToJson(history);
        }

        return plant;
    }

    public static OeeConfig Parse(string text, string name)
    {
        var problems = new Problems(name);
        var yaml = ReadYaml(text, problems);
        var root = new YamlSection(yaml.Documents.Count > 0 ? yaml.Documents[0].RootNode : null, "", problems);
        if (yaml.Documents.Count == 0) problems.Add(1, "the file is empty; a plant needs at least 'site'");
        var document = Document(yaml, name);
        var config = Read(root, document);
        root.Close();
        // The plant that will be stored is the one that was read.
        if (problems.Found.Count == 0) config = config with { Plant = ReadDocument(document, problems) ?? config.Plant };
        return problems.Found.Count == 0 ? config : throw new ConfigException([.. problems.Found.OrderBy(p => p.Line)]);
    }

    private static PlantDocument Document(YamlStream yaml, string name)
    {
        try
        {
            return PlantDocument.Of(yaml.Documents.Count > 0 ? yaml.Documents[0].RootNode : null);
        }
        catch (ConfigException error)
        {
            throw new ConfigException([.. error.Problems.Select(p => p with { File = name })]);
        }
    }

    private static PlantModel? ReadDocument(PlantDocument document, Problems problems)
    {
        try
        {
            return document.Read();
        }
        catch (ConfigException error)
        {
            foreach (var problem in error.Problems) problems.Add(1, problem.ToString());
            return null;
        }
    }

    private static YamlStream ReadYaml(string text, Problems problems)
    {
        var yaml = new YamlStream();
        try
        {
            yaml.Load(new StringReader(Substitute(text, problems)));
        }
        catch (YamlException error)
        {
            problems.Add(error.Start.Line, $"not YAML: {error.InnerException?.Message ?? error.Message}");
            throw new ConfigException(problems.Found);
        }
        catch (InvalidOperationException error)
        {
            // The reader's own way to say that a line of a flow ([, {) begins too far to the left.
            problems.Add(1, $"not YAML: {error.Message} Is every line within brackets indented more than the line they begin on?");
            throw new ConfigException(problems.Found);
        }

        return yaml;
    }

    private static OeeConfig Read(YamlSection root, PlantDocument document)
    {
        var plant = new PlantReader(root).Read();
        var broker = ReadBroker(root.Section("broker"));
        var store = root.Section("store");
        // Retention may be asked for without a connection: the embedded store keeps to it too.
        var (connection, gatewayConnection) = (store.Secret("connection"), store.Secret("gateway_connection"));
        if (store.Exists && (connection ?? gatewayConnection) is null && !store.Has("retention") && !store.Has("connection_file"))
        {
            _ = store.Required("connection", "\"Host=127.0.0.1;Database=oee;Username=oee\"");
        }

        var ingress = root.Section("ingress");
        var partitions = ingress.Items("partitions").Select(p => p.ToString()).ToList();
        var gateway = root.Section("gateway");
        var cluster = root.Section("cluster");
        var access = new AccessReader(root, plant);
        var config = new OeeConfig
        {
            Plant = plant,
            Document = document,
            Broker = broker,
            StoreConnection = connection,
            GatewayConnection = gatewayConnection,
            Store = new StoreOptions
            {
                Writers = store.Integer("writers", new StoreOptions().Writers, 1, 8),
                MaxConnections = store.Integer("max_connections", new StoreOptions().MaxConnections, 4, 1_000),
                Copy = store.Choice("bulk", true, ("copy", true), ("insert", false)),
                SpacePartitions = store.Integer("space_partitions", 0, 0, 64),
            },
            Retention = ReadRetention(store.Section("retention")),
            FlushMs = store.Integer("flush_ms", 50, 0, 10_000),
            FlushRows = store.Integer("flush_rows", 10_000, 1, 1_000_000),
            Partitions = partitions.Count > 0 ? partitions : ["spBv1.0/#"],
            GatherMs = ingress.Integer("gather_ms", 200, 0, 2_000),
            GatewayUrls = gateway.Text("urls") ?? "http://127.0.0.1:8080",
            Gateway = GatewayReader.Read(gateway),
            Access = access.Read(),
            AccessKeyFile = access.KeyFile,
            Commands = ReadCommands(root.Section("commands")),
            MqttPort = root.Integer("mqtt_port", 1883, 0, 65535),
            MqttAddress = root.Text("mqtt_address") ?? "127.0.0.1",
            MqttTls = ReadMqttTls(root.Section("mqtt_tls")),
            ClusterId = cluster.Text("id") ?? "oee",
            SiloAddress = ReadAddress(cluster),
            ClusterTls = ReadClusterTls(cluster.Section("tls")),
            SiloPort = cluster.Integer("silo_port", 11111, 0, 65535),
            GatewayPort = cluster.Integer("gateway_port", 30000, 0, 65535),
            DataDir = root.Text("data_dir") ?? "./data",
            Edge = new EdgeReader(root, plant).Read(broker),
            ResultsNode = ReadResults(root, plant.Site.Id),
            HostId = ingress.Text("host_id") ?? (plant.Site.Id.Length > 0 ? $"oee-{plant.Site.Id}" : "oee"),
        };
        CheckExposure(root, gateway, config);
        _ = root.Section("edge");
        // Of an export that became the plant's file: what it was before is in the store, and is imported by itself only.
        _ = root.Items(PlantExport.HistoryKey);
        foreach (var section in new[] { store, ingress, gateway, cluster }) section.Close();
        return config;
    }

    /// <summary>`commands: { approve_within_s, answer_within_s }`.</summary>
    private static CommandOptions ReadCommands(YamlSection commands)
    {
        var usual = new CommandOptions();
        var options = new CommandOptions
        {
            ApproveWithin = TimeSpan.FromSeconds(
                commands.Integer("approve_within_s", (int)usual.ApproveWithin.TotalSeconds, 10, 86_400)),
            // It must outlast the time in which an edge node may begin, by a clock that is behind, and the write itself.
            AnswerWithin = TimeSpan.FromSeconds(commands.Integer("answer_within_s", (int)usual.AnswerWithin.TotalSeconds, 45, 3_600)),
        };
        commands.Close();
        return options;
    }

    /// <summary>`retention: { samples, minutes, five_minutes, hours, events }` in days; what is not named is kept for ever.</summary>
    private static Retention ReadRetention(YamlSection retention)
    {
        const int Longest = 36_500;
        int? Days(string key) => (int?)retention.Number(key, Retention.MinSampleDays, Longest);
        var result = new Retention
        {
            Samples = Days("samples"),
            Minutes = Days("minutes"),
            FiveMinutes = Days("five_minutes"),
            Hours = Days("hours"),
            Events = Days("events"),
        };
        retention.Close();
        return result;
    }

    /// <summary>`cluster: { tls: { certificate, key, ca } }`.</summary>
    private static ClusterTlsOptions? ReadClusterTls(YamlSection tls)
    {
        if (!tls.Exists) return null;
        foreach (var key in new[] { "certificate", "key", "ca" }) tls.Required(key, $"/etc/oee/silo-{key}.pem");
        var options = new ClusterTlsOptions(
            tls.ExistingFile("certificate") ?? "", tls.ExistingFile("key") ?? "", tls.ExistingFile("ca") ?? "");
        tls.Close();
        return options;
    }

    private static string ReadAddress(YamlSection cluster)
    {
        const string Loopback = "127.0.0.1";
        var address = cluster.Text("address") ?? Loopback;
        if (IPAddress.TryParse(address, out _)) return address;
        cluster.Problems.Add(cluster.LineOf("address"), $"cluster.address: '{address}' is not an IP address such as 10.0.0.5");
        return Loopback;
    }

    private static void CheckExposure(YamlSection root, YamlSection gateway, OeeConfig config)
    {
        foreach (var (key, problem) in Exposure.ProblemsOf(config))
        {
            var section = key.StartsWith("gateway.", StringComparison.Ordinal) ? gateway : root;
            root.Problems.Add(section.LineOf(key[(key.IndexOf('.', StringComparison.Ordinal) + 1)..]), $"{key}: {problem}");
        }
    }

    /// <summary>`results: { publish: true, group, node }`; published as `{site}/oee` unless the file says otherwise.</summary>
    private static string? ReadResults(YamlSection root, string site)
    {
        var results = root.Section("results");
        var publish = results.Choice("publish", true, ("true", true), ("false", false));
        var (group, node) = (results.Text("group") ?? site, results.Text("node") ?? "oee");
        foreach (var id in new[] { group, node }.Where(i => i.AsSpan().ContainsAny('+', '#', '/')))
        {
            results.Problems.Add(results.Line, $"results: '{id}' must not contain '+', '#' or '/'");
        }

        results.Close();
        return publish && group.Length > 0 ? $"{group}/{node}" : null;
    }

    /// <summary>`mqtt_tls: { port: 8883, certificate, key, client_ca }`.</summary>
    private static MqttTlsOptions? ReadMqttTls(YamlSection tls)
    {
        if (!tls.Exists) return null;
        tls.Required("certificate", "/etc/oee/broker.pem");
        tls.Required("key", "/etc/oee/broker.key");
        var options = new MqttTlsOptions(
            tls.Integer("port", 8883, 1, 65535), tls.ExistingFile("certificate") ?? "", tls.ExistingFile("key") ?? "",
            tls.ExistingFile("client_ca"));
        tls.Close();
        return options;
    }

    private static BrokerAddress? ReadBroker(YamlSection broker)
    {
        if (!broker.Exists) return null;
        var url = broker.Required("url", "\"mqtt://127.0.0.1:1883\"");
        if (!BrokerAddress.TryParse(url, out var address, out var reason) && url.Length > 0)
        {
            broker.Problems.Add(broker.LineOf("url"), $"broker.url: {reason}");
        }

        var tls = broker.Section("tls");
        if (tls.Exists && !address.IsTls)
        {
            broker.Problems.Add(tls.Line, "broker.tls: the URL says mqtt://, which has no TLS; mqtts:// is needed, or no tls section");
        }

        var result = address with
        {
            Username = broker.Text("username") ?? address.Username,
            Password = broker.Secret("password") ?? address.Password,
            CaFile = tls.ExistingFile("ca"),
            CertificateFile = tls.ExistingFile("certificate"),
            KeyFile = tls.ExistingFile("key"),
        };
        if ((result.CertificateFile is null) != (result.KeyFile is null))
        {
            broker.Problems.Add(tls.Line, "broker.tls: certificate and key belong together; one of them is missing");
        }

        tls.Close();
        broker.Close();
        return result;
    }

    private static string Substitute(string text, Problems problems)
    {
        var line = 1;
        var at = 0;
        return Variable().Replace(text, match =>
        {
            line += text.AsSpan(at, match.Index - at).Count('\n');
            at = match.Index;
            var name = match.Groups["name"].Value;
            if (Environment.GetEnvironmentVariable(name) is { } value) return value;
            if (match.Groups["default"].Success) return match.Groups["default"].Value;
            problems.Add(line, $"the environment variable {name} is not set; set it or give a default as ${{{name}:-value}}");
            return "";
        });
    }

    [GeneratedRegex(@"\$\{(?<name>[A-Za-z_][A-Za-z0-9_]*)(:-(?<default>[^}]*))?\}")]
    private static partial Regex Variable();
}
