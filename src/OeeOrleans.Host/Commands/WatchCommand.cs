using System.Buffers;
using System.CommandLine;
using MQTTnet;
using MQTTnet.Protocol;
using OeeOrleans.Host.Watch;
using OeeOrleans.Mqtt;
using OeeOrleans.Sparkplug.Session;
using Spectre.Console;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee sparkplug watch --broker URL [--group G]`: a live tree of a plant on a terminal, plain lines elsewhere.</summary>
internal static class WatchCommand
{
    public static Command Create()
    {
        var broker = new Option<string>("--broker") { Description = "mqtt://host:port", Required = true };
        var group = new Option<string?>("--group") { Description = "only this Sparkplug group" };
        var user = new Option<string?>("--user") { Description = "user name at the broker" };
        var password = new PasswordOption("password at the broker");
        var ca = new Option<string?>("--ca") { Description = "PEM file of the authority that signed the broker's certificate (mqtts)" };
        var seconds = new Option<double?>("--for") { Description = "seconds to watch; until Ctrl-C when left out" };
        var every = new Option<double>("--every") { Description = "seconds between two pictures", DefaultValueFactory = _ => 1 };
        var metrics = new Option<int>("--metrics") { Description = "metrics shown per device at most", DefaultValueFactory = _ => 12 };
        var passive = new Option<bool>("--passive")
        {
            Description = "ask no edge node for its births; without them only its topics are understood",
        };
        var command = new Command("watch", "a live tree of a plant's edge nodes, devices and metrics")
        {
            broker, group, user, ca, seconds, every, metrics, passive,
        };
        foreach (var option in password.All) command.Add(option);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (!BrokerAddress.TryParse(parsed.GetRequiredValue(broker), out var address, out var reason) || parsed.GetValue(every) <= 0)
            {
                await Console.Error.WriteLineAsync(reason.Length > 0 ? $"oee: --broker: {reason}" : "oee: --every is more than 0 seconds");
                return ExitCode.WrongUsage;
            }

            if (parsed.GetValue(user) is { } name) address = address with { Username = name, Password = password.Read(parsed) };
            if (parsed.GetValue(ca) is { } caFile) address = address with { CaFile = caFile };

            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (parsed.GetValue(seconds) is { } duration) limit.CancelAfter(TimeSpan.FromSeconds(duration));
            var view = new PlantView(TimeProvider.System);
            try
            {
                using var client = await ConnectAsync(address, parsed.GetValue(group), view, cancellationToken);
                await Task.WhenAll(
                    ShowAsync(view, client, TimeSpan.FromSeconds(parsed.GetValue(every)), parsed.GetValue(metrics), limit.Token),
                    parsed.GetValue(passive) ? Task.CompletedTask : AskAsync(view, client, limit.Token));
                return client.IsConnected ? ExitCode.Success : ExitCode.Failure;
            }
            catch (Exception error)
                when (!limit.IsCancellationRequested && (MqttConnections.IsNetwork(error) || error is InvalidOperationException))
            {
                await Console.Error.WriteLineAsync($"oee: cannot watch {address}: {error.Message}");
                return ExitCode.Failure;
            }
        });
        return command;
    }

    private static async Task<IMqttClient> ConnectAsync(
        BrokerAddress broker, string? group, PlantView view, CancellationToken cancellationToken)
    {
        var client = new MqttClientFactory().CreateMqttClient();
        client.ApplicationMessageReceivedAsync += args =>
        {
            view.Hear(args.ApplicationMessage.Topic, args.ApplicationMessage.Payload.ToArray());
            return Task.CompletedTask;
        };
        await client.ConnectOrThrowAsync(broker.ToBuilder($"watch-{Guid.NewGuid():N}").WithCleanSession().Build(), cancellationToken);
        var filter = new MqttClientSubscribeOptionsBuilder()
            .WithTopicFilter($"spBv1.0/{group ?? "+"}/#", MqttQualityOfServiceLevel.AtMostOnce)
            .Build();
        await client.SubscribeOrThrowAsync(filter, cancellationToken);
        return client;
    }

    /// <summary>Each edge node that was born before we came is asked once to say again what it has.</summary>
    private static async Task AskAsync(PlantView view, IMqttClient client, CancellationToken cancellationToken)
    {
        while (client.IsConnected && await WaitAsync(TimeSpan.FromMilliseconds(200), cancellationToken))
        {
            if (view.NextUnborn() is not { } node) continue;
            var slash = node.IndexOf('/', StringComparison.Ordinal);
            var (topic, payload) = NodeCommands.Rebirth(
                node[..slash], node[(slash + 1)..], (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
            await client.PublishAsync(
                new MqttApplicationMessageBuilder().WithTopic(topic.ToString()).WithPayload(payload.ToArray()).Build(),
                CancellationToken.None);
        }
    }

    private static Task ShowAsync(PlantView view, IMqttClient client, TimeSpan every, int metrics, CancellationToken cancellationToken) =>
        Console.IsOutputRedirected
        ? PrintAsync(view, client, every, metrics, cancellationToken)
        : AnsiConsole.Live(new Text("waiting for births (a node that is already alive is seen with its next message)"))
            .StartAsync(async context =>
        {
            while (client.IsConnected && await WaitAsync(every, cancellationToken)) context.UpdateTarget(Tree(view.Lines(metrics)));
        });

    private static async Task PrintAsync(
        PlantView view, IMqttClient client, TimeSpan every, int metrics, CancellationToken cancellationToken)
    {
        while (client.IsConnected && await WaitAsync(every, cancellationToken))
        {
            await Console.Out.WriteLineAsync($"-- {DateTimeOffset.UtcNow:yyyy-MM-ddTHH:mm:ssZ}");
            foreach (var (depth, text) in view.Lines(metrics)) await Console.Out.WriteLineAsync(new string(' ', depth * 2) + text);
            await Console.Out.FlushAsync(CancellationToken.None);
        }
    }

    private static Tree Tree(List<(int Depth, string Text)> lines)
    {
        var tree = new Tree("plant");
        var path = new Stack<TreeNode>();
        foreach (var (depth, text) in lines)
        {
            while (path.Count > depth) path.Pop();
            var label = new Text(text);
            path.Push(path.TryPeek(out var parent) ? parent.AddNode(label) : tree.AddNode(label));
        }

        return tree;
    }

    private static async Task<bool> WaitAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        await Task.Delay(time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !cancellationToken.IsCancellationRequested;
    }
}
