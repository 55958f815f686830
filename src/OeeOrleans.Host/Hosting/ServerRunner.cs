using OeeOrleans.Grains.Plant;
using OeeOrleans.Host.Commands;
using OeeOrleans.Host.Config;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Host.Hosting;

/// <summary>Starts a plant's servers in order, prints where they are, and ends them in the reverse order.</summary>
internal static class ServerRunner
{
    private static readonly TimeSpan RetryStore = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync(OeeConfig config, Roles roles, bool simulate, CancellationToken cancellationToken)
    {
        if (Refuse(config) is { } reason)
        {
            await Console.Error.WriteLineAsync($"oee: {reason}");
            return ExitCode.WrongUsage;
        }

        using var stopping = new StopSignals(cancellationToken);
        using var logs = LoggerFactory.Create(b => b.AddSimpleConsole(o => o.SingleLine = true).Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace));
        var log = logs.CreateLogger("OeeOrleans.Host");
        if (roles.EdgeOnly) return await RunEdgeAsync(config, stopping);
        try
        {
            await using var store = config.StoreConnection is { } connection
                ? StoreFactory.Postgres(connection, TimeProvider.System, logs, config.Store)
                : StoreFactory.Sqlite(Path.Combine(config.DataDir, "oee.db"), logs);
            var plant = await PrepareStoreAsync(store, config, log, stopping.Token);
            // A gateway by itself has nothing to say to a broker.
            await using var broker = config.Broker is null && roles.Silo ? await StartBrokerAsync(config) : null;
            var brokerUrl = config.Broker?.Url ?? new Uri($"mqtt://127.0.0.1:{broker?.Port ?? config.MqttPort}");
            if (config.AllowAnonymous) Log.Anonymous(log, config.GatewayUrls);
            if (!System.Net.IPAddress.IsLoopback(System.Net.IPAddress.Parse(config.SiloAddress))) Log.OpenSilo(log, config.SiloAddress, config.SiloPort, config.GatewayPort);
            if (roles.Edge && config.Edge!.Brokers.Count == 0) config.Edge.Brokers = [new OeeOrleans.Edge.EdgeBroker(brokerUrl)];
            await using var app = OeeHost.Build(config, plant, roles, brokerUrl, store, simulate ? new SimulatedBroker(broker!.Port, config.DataDir) : null);
            await app.StartAsync(stopping.Token);
            await PrintAsync(app, roles.Silo ? brokerUrl : null, config);
            await stopping.WaitAsync();
            await app.StopAsync(CancellationToken.None);
            return ExitCode.Success;
        }
        catch (OperationCanceledException) when (stopping.Token.IsCancellationRequested)
        {
            return ExitCode.Success;
        }
        catch (Exception error) when (error is IOException or System.Net.Sockets.SocketException or InvalidOperationException or UnauthorizedAccessException or StoreUnavailableException or RocksDbSharp.RocksDbException)
        {
            await Console.Error.WriteLineAsync($"oee: cannot start: {error.Message}");
            return ExitCode.Failure;
        }
    }

    private static Task<EmbeddedBroker> StartBrokerAsync(OeeConfig config) => EmbeddedBroker.StartAsync(
        config.MqttAddress, config.MqttPort, Path.Combine(config.DataDir, "broker"),
        new IngressSessions(config.Partitions.Select((filter, i) => (Client: $"{config.ClientIdPrefix}-{i}", filter)).ToDictionary(p => p.Client, p => p.filter)));

    private static async Task<int> RunEdgeAsync(OeeConfig config, StopSignals stopping)
    {
        if (config.Edge!.Brokers.Count == 0)
        {
            await Console.Error.WriteLineAsync("oee: an edge node by itself needs a broker; give broker.url or edge.brokers in the config");
            return ExitCode.WrongUsage;
        }

        try
        {
            config.Edge.DataDir = config.DataDir;
            await using var app = EdgeHost.Build(config);
            await app.StartAsync(stopping.Token);
            await Console.Out.WriteLineAsync(
                $"""
                health     {app.Urls.First()}/health/ready
                metrics    {app.Urls.First()}/metrics
                broker     {string.Join(", ", config.Edge.Brokers.Select(b => b.Url.ToString().TrimEnd('/')))}
                edge node  {config.Edge.Group}/{config.Edge.Node}
                ready; Ctrl-C stops
                """);
            await Console.Out.FlushAsync();
            await stopping.WaitAsync();
            await app.StopAsync(CancellationToken.None);
            return ExitCode.Success;
        }
        catch (OperationCanceledException) when (stopping.Token.IsCancellationRequested)
        {
            return ExitCode.Success;
        }
        catch (Exception error) when (error is IOException or System.Net.Sockets.SocketException or InvalidOperationException or UnauthorizedAccessException or RocksDbSharp.RocksDbException)
        {
            await Console.Error.WriteLineAsync($"oee: cannot start: {error.Message}");
            return ExitCode.Failure;
        }
    }

    /// <summary>As long as there are no users, only this machine may come in, unless the configuration says otherwise.</summary>
    private static string? Refuse(OeeConfig config)
    {
        if (config.AllowAnonymous) return null;
        foreach (var url in config.GatewayUrls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out var uri)) return $"'{url}' is not an address such as http://127.0.0.1:8080";
            if (!uri.IsLoopback) return $"'{url}' can be reached from other machines and there are no users yet; set allow_anonymous: true in the config if that is meant";
        }

        return config.MqttAddress is "127.0.0.1" or "::1" || config.Broker is not null
            ? null
            : $"the embedded broker at {config.MqttAddress} can be reached from other machines; set allow_anonymous: true in the config if that is meant";
    }

    /// <summary>The database may come up later than we do.</summary>
    private static async Task<PlantDirectory> PrepareStoreAsync(IStore store, OeeConfig config, ILogger log, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await store.MigrateAsync(cancellationToken);
                return await store.AloneAsync(() => SaveModelAsync(store, config, log, cancellationToken), cancellationToken);
            }
            catch (StoreUnavailableException error)
            {
                Log.WaitingForStore(log, error.Message);
                await Task.Delay(RetryStore, cancellationToken);
            }
        }
    }

    /// <summary>Of several processes that start at once the first one sees what is new; the others find it said.</summary>
    private static async Task<PlantDirectory> SaveModelAsync(IStore store, OeeConfig config, ILogger log, CancellationToken cancellationToken)
    {
        await store.SavePlantAsync(config.Plant, cancellationToken);
        var stored = await store.ReadModelsAsync(cancellationToken);
        var models = ModelHistory.Update(stored, config.Plant, UnixMicros.Now(TimeProvider.System));
        if (!models.SequenceEqual(stored)) await store.SaveModelsAsync(models, cancellationToken);
        foreach (var changed in models.Except(stored).Where(m => m.FromUs > 0)) Log.ModelChanged(log, changed.Machine, changed.Part, UnixMicros.ToIso(changed.FromUs));
        return new PlantDirectory(config.Plant, models);
    }

    private static async Task PrintAsync(WebApplication app, Uri? broker, OeeConfig config)
    {
        var url = app.Urls.First().TrimEnd('/');
        await Console.Out.WriteLineAsync(
            $"""
            board      {url}/
            api        {url}/api/machines/status
            reference  {url}/scalar
            dashboard  {url}/dashboard
            metrics    {url}/metrics
            broker     {(broker is null ? "the silos' business" : broker.ToString().TrimEnd('/') + (config.Broker is null ? " (embedded)" : ""))}
            store      {(config.StoreConnection is null ? Path.GetFullPath(Path.Combine(config.DataDir, "oee.db")) : "PostgreSQL")}
            ready; Ctrl-C stops
            """);
        await Console.Out.FlushAsync();
    }
}
