using OeeOrleans.Access.Keys;
using OeeOrleans.Broker;
using OeeOrleans.Configuration;
using OeeOrleans.DurableLog;
using OeeOrleans.Host.Commands;
using OeeOrleans.Host.Config;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Mqtt;
using OeeOrleans.Storage;

namespace OeeOrleans.Host.Hosting;

/// <summary>The simulated plant beside the servers.</summary>
/// <param name="HistoryDays">How long it has lived when it is started for the first time.</param>
internal sealed record DemoOptions(int HistoryDays);

/// <summary>Starts a plant's servers in order, prints where they are, and ends them in the reverse order.</summary>
internal static class ServerRunner
{
    public static async Task<int> RunAsync(OeeConfig config, Roles roles, DemoOptions? demo, CancellationToken cancellationToken)
    {
        if (!roles.EdgeOnly && Exposure.ProblemsOf(config).ToList() is { Count: > 0 } problems)
        {
            foreach (var (key, problem) in problems) await Console.Error.WriteLineAsync($"oee: {key}: {problem}");
            return ExitCode.WrongUsage;
        }

        using var stopping = new StopSignals(cancellationToken);
        using var logs = LoggerFactory.Create(
            b =>
                b.AddSimpleConsole(o => o.SingleLine = true).Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
                    o => o.LogToStandardErrorThreshold = LogLevel.Trace));
        var log = logs.CreateLogger("OeeOrleans.Host");
        if (roles.EdgeOnly) return await RunEdgeAsync(config, stopping, log);
        try
        {
            return await ServeAsync(config, roles, demo, logs, log, stopping);
        }
        catch (OperationCanceledException) when (stopping.Token.IsCancellationRequested)
        {
            return ExitCode.Success;
        }
        catch (PlantKeyException error)
        {
            await Console.Error.WriteLineAsync($"oee: cannot start: {error.Message}");
            return ExitCode.WrongUsage;
        }
        catch (Exception error) when (error
            is OlderModelException or PlantConflictException or PendingModelException or ConfigException)
        {
            await Console.Error.WriteLineAsync($"oee: cannot start: {error.Message}");
            return ExitCode.WrongUsage;
        }
        catch (Exception error) when (IsEnvironment(error))
        {
            await Console.Error.WriteLineAsync($"oee: cannot start: {error.Message}");
            return ExitCode.Failure;
        }
    }

    private static async Task<int> ServeAsync(
        OeeConfig config, Roles roles, DemoOptions? demo, ILoggerFactory logs, ILogger log, StopSignals stopping)
    {
        PrivateDirectory.Make(config.DataDir);
        if (roles.Silo && config is { StoreConnection: null, GatewayConnection: not null })
        {
            await Console.Error.WriteLineAsync(
                "oee: cannot start: a silo needs store.connection; gateway_connection is for gateways by themselves");
            return ExitCode.WrongUsage;
        }

        if (!roles.Silo && config.GatewayConnection is { } own) config = config with { StoreConnection = own };
        var key = PlantKey.LoadOrCreate(config.AccessKeyPath);
        await using var store = PlantStore.Open(config, key, logs);
        var plant = await new StorePreparation(store, config, key, roles.Silo, log).RunAsync(stopping.Token);
        config = config with { Plant = plant.Plant };
        var door = new BrokerDoor(new HostCredentials());
        var sessions = new IngressSessions(
            config.Partitions.Select((filter, i) => (Client: $"{config.ClientIdPrefix}-{i}", filter)).ToDictionary(
                p => p.Client, p => p.filter));
        // A gateway by itself has nothing to say to a broker.
        await using var broker = config.Broker is null && roles.Silo
            ? await EmbeddedBroker.StartAsync(
                OwnBroker.PlainAddress(config), config.MqttPort, Path.Combine(config.DataDir, "broker"), sessions, door,
                logs.CreateLogger("OeeOrleans.Broker"), OwnBroker.TlsOf(config, log))
            : null;
        var address = config.Broker ?? new BrokerAddress(new Uri($"mqtt://127.0.0.1:{broker?.Port ?? config.MqttPort}"))
        {
            Username = door.Host.Username, Password = door.Host.Password,
        };
        if (roles.Edge && config.Edge!.Brokers.Count == 0) config.Edge.Brokers = [address];
        var simulated = demo is { } simulation ? new SimulatedBroker(address, config.DataDir, simulation.HistoryDays) : null;
        await using var app = OeeHost.Build(config, plant, roles, address, store, key, simulated);
        await app.StartAsync(stopping.Token);
        broker?.Open(OwnBroker.DoorOf(app, config));
        var signIn = roles.Gateway
            ? await FirstSignIn.PrepareAsync(app, isDemo: demo is not null, config.Gateway.Hosts, stopping.Token)
            : null;
        await PrintAsync(app, roles.Silo ? address : null, config, signIn);
        return await UntilStoppedAsync(app, stopping, log);
    }

    /// <summary>Until somebody asks it to end; a process whose work ended by itself ends as well, and says so by its exit code.</summary>
    internal static async Task<int> UntilStoppedAsync(WebApplication app, StopSignals stopping, ILogger log)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var byItself = app.Lifetime.ApplicationStopping.Register(() => ended.TrySetResult());
        await Task.WhenAny(stopping.WaitAsync(), ended.Task);
        var asked = stopping.Token.IsCancellationRequested;
        if (!asked) Log.EndedByItself(log);
        await app.StopAsync(CancellationToken.None);
        return asked ? ExitCode.Success : ExitCode.Failure;
    }

    /// <summary>
    /// What the machine, the network or the database is to blame for; anything else is a bug of ours and shows its stack.
    /// </summary>
    private static bool IsEnvironment(Exception error) => error
        is IOException or System.Net.Sockets.SocketException or UnauthorizedAccessException or StoreUnavailableException or SchemaException
        or Orleans.Runtime.OrleansException or Npgsql.NpgsqlException;

    private static async Task<int> RunEdgeAsync(OeeConfig config, StopSignals stopping, ILogger log)
    {
        if (config.Edge!.Brokers.Count == 0)
        {
            await Console.Error.WriteLineAsync("oee: an edge node by itself needs a broker; give broker.url or edge.brokers in the config");
            return ExitCode.WrongUsage;
        }

        try
        {
            PrivateDirectory.Make(config.DataDir);
            config.Edge.DataDir = config.DataDir;
            await using var app = EdgeHost.Build(config);
            await app.StartAsync(stopping.Token);
            await Console.Out.WriteLineAsync(
                $"""
                health     {app.Urls.First()}/health/ready
                metrics    {app.Urls.First()}/metrics
                broker     {string.Join(", ", config.Edge.Brokers)}
                edge node  {config.Edge.Group}/{config.Edge.Node}
                ready; Ctrl-C stops
                """);
            await Console.Out.FlushAsync();
            return await UntilStoppedAsync(app, stopping, log);
        }
        catch (OperationCanceledException) when (stopping.Token.IsCancellationRequested)
        {
            return ExitCode.Success;
        }
        catch (Exception error) when (IsEnvironment(error))
        {
            await Console.Error.WriteLineAsync($"oee: cannot start: {error.Message}");
            return ExitCode.Failure;
        }
    }

    private static async Task PrintAsync(WebApplication app, BrokerAddress? broker, OeeConfig config, string? signIn)
    {
        var url = app.Urls.First().TrimEnd('/');
        var embedded = config.Broker is null ? " (embedded)" : "";
        await Console.Out.WriteLineAsync(
            $"""
            board      {url}/
            api        {url}/api/machines/status
            reference  {url}/scalar
            dashboard  {url}/dashboard
            metrics    {url}/metrics
            broker     {(broker is null ? "the silos' business" : broker + embedded)}
            store      {(config.StoreConnection is null ? Path.GetFullPath(Path.Combine(config.DataDir, "oee.db")) : "PostgreSQL")}
            {signIn}ready; Ctrl-C stops
            """);
        await Console.Out.FlushAsync();
    }
}
