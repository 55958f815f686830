using OeeOrleans.Access;
using OeeOrleans.Commands;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Edge;
using OeeOrleans.Model.Plant;
using OeeOrleans.Mqtt;
using OeeOrleans.Storage;

namespace OeeOrleans.Host.Config;

/// <summary>A whole configuration file, checked.</summary>
public sealed record OeeConfig
{
    /// <summary>The plant as the file has it; once servers run, as the store has it.</summary>
    public required PlantModel Plant { get; init; }

    /// <summary>The same as a document.</summary>
    public required PlantDocument Document { get; init; }

    /// <summary>Null: the embedded broker.</summary>
    public BrokerAddress? Broker { get; init; }

    /// <summary>Null: the embedded SQLite in <see cref="DataDir"/>.</summary>
    public string? StoreConnection { get; init; }

    /// <summary>As whom a gateway by itself comes into the database; null: as everybody else.</summary>
    public string? GatewayConnection { get; init; }

    public StoreOptions Store { get; init; } = new();

    public Retention Retention { get; init; } = new();

    public int FlushMs { get; init; } = 50;

    public int FlushRows { get; init; } = 10_000;

    public IReadOnlyList<string> Partitions { get; init; } = ["spBv1.0/#"];

    /// <summary>Milliseconds within which messages are read together.</summary>
    public int GatherMs { get; init; } = 200;

    /// <summary>
    /// Client ids of ingress are `{prefix}-{number of the partition}`: the session belongs to the plant, not to the process, so the next
    /// life of this silo takes it up.
    /// </summary>
    public string ClientIdPrefix => $"oee-{ClusterId}-{Plant.Site.Id}";

    public string GatewayUrls { get; init; } = "http://127.0.0.1:8080";

    public GatewayOptions Gateway { get; init; } = new();

    /// <summary>Who may come in, and how.</summary>
    public AccessOptions Access { get; init; } = new();

    /// <summary>How long writes to PLCs may take to be approved and answered.</summary>
    public CommandOptions Commands { get; init; } = new();

    /// <summary>The file with the plant's key; null: `access.key` in <see cref="DataDir"/>.</summary>
    public string? AccessKeyFile { get; init; }

    public string AccessKeyPath => AccessKeyFile ?? Path.Combine(DataDir, "access.key");

    public int MqttPort { get; init; } = 1883;

    public string MqttAddress { get; init; } = "127.0.0.1";

    /// <summary>TLS of the embedded broker; null: it listens on this machine only.</summary>
    public MqttTlsOptions? MqttTls { get; init; }

    public string ClusterId { get; init; } = "oee";

    /// <summary>
    /// Address under which other silos reach this one; which must have a certificate of the authority, unless this is loopback.
    /// </summary>
    public string SiloAddress { get; init; } = "127.0.0.1";

    /// <summary>Silos know each other by certificates; null: they listen on this machine only.</summary>
    public ClusterTlsOptions? ClusterTls { get; init; }

    public int SiloPort { get; init; } = 11111;

    public int GatewayPort { get; init; } = 30000;

    public string DataDir { get; init; } = "./data";

    /// <summary>
    /// A model that an earlier version of the file had is taken as a change back to it, not as a file that was forgotten.
    /// </summary>
    public bool AcceptOlderModel { get; init; }

    /// <summary>Where both the file and the store were changed, the store's plant is kept without asking.</summary>
    public bool KeepStoredPlant { get; init; }

    /// <summary>This process as an edge node; null where the file has no section `edge`.</summary>
    public EdgeOptions? Edge { get; init; }

    /// <summary>Sparkplug `group/node` under which results are published; null: they are not.</summary>
    public string? ResultsNode { get; init; }

    /// <summary>Id of this host application on STATE.</summary>
    public string HostId { get; init; } = "oee";
}

/// <summary>The section `mqtt_tls`: PEM files, and the authority of the edge nodes' certificates, when they have some.</summary>
public sealed record MqttTlsOptions(int Port, string Certificate, string Key, string? ClientCa);

/// <summary>
/// The section `cluster.tls`: PEM files; the authority signs the certificates of silos and gateways, and of nothing else.
/// </summary>
public sealed record ClusterTlsOptions(string Certificate, string Key, string Ca);
