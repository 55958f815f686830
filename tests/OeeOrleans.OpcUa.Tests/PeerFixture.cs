using OeeOrleans.TestServers;

namespace OeeOrleans.OpcUa.Tests;

/// <summary>One node-opcua server for the tests that do not break it.</summary>
public sealed class PeerFixture : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-client").FullName;

    public OpcUaPeer Server { get; private set; } = null!;

    public string Pki => Path.Combine(_directory, "pki");

    public async Task InitializeAsync() => Server = await OpcUaPeer.StartAsync("\"items\": 10000, \"history\": [\"Counter9\"]");

    public async Task DisposeAsync()
    {
        await Server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    public OpcUaClientOptions Options => new() { Url = Server.Url, PkiDirectory = Pki, Trust = ServerTrust.OnFirstUse };

    public Task<OpcUaClient> ConnectAsync() => OpcUaClient.ConnectAsync(Options with { SecurityPolicy = SecurityPolicy.None });

    public NodeId Node(string id) => new(id, Server.NamespaceIndex);
}

[CollectionDefinition(nameof(PeerCollection))]
public sealed class PeerCollection : ICollectionFixture<PeerFixture>;
