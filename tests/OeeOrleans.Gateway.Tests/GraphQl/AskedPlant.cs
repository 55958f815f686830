using System.Globalization;
using System.Text.Json;
using GraphQL;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Access;
using OeeOrleans.Access.Audit;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Gateway.GraphQl;
using OeeOrleans.Gateway.Live;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Gateway.Tests.GraphQl;

/// <summary>GraphQL of a gateway without a host: a plant of lines with machines, a store and grains that count what is asked of them.</summary>
internal sealed class AskedPlant
{
    private readonly ServiceProvider _services;

    public AskedPlant(int lines = 10, int machines = 20)
    {
        Plant = new PlantDirectory(new PlantModel
        {
            Site = new Site("site", "Site", "UTC"),
            Areas =
            [
                new Area { Id = "area", Lines = [.. Enumerable.Range(0, lines).Select(l => LineOf(l, machines))] },
                new Area { Id = "foreign", Lines = [LineOf(lines, 1)] },
            ],
        });
        Store.Answer = (method, args) => method.Name switch
        {
            nameof(IStore.ReadActiveFaultsAsync) => Task.FromResult(new List<FaultEvent>()),
            nameof(IStore.ReadWindowsAsync) => Task.FromResult(WindowsOf((IReadOnlyList<string>)args[0]!, (string)args[1]!)),
            _ => throw new NotSupportedException(method.Name),
        };
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(Plant);
        services.AddSingleton(Store.Object);
        services.AddSingleton(Grains.Object);
        var access = new AccessDirectory(new AssetTree(Plant.Plant), new AccessOptions(), TimeProvider.System);
        services.AddSingleton(access);
        services.AddSingleton<Callers>();
        services.AddSingleton(s => new LiveSubscribers(
            Counted<IHubContext<LiveHub>>.New().Object, access, s, NullLogger<LiveSubscribers>.Instance));
        services.AddSingleton(s => new LiveBoard(
            Counted<IClusterClient>.New().Object, Plant, Store.Object, s.GetRequiredService<LiveSubscribers>(), TimeProvider.System,
            NullLogger<LiveBoard>.Instance));
        services.AddSingleton(new RefusalLog(
            Counted<IAccessStore>.New().Object, TimeProvider.System, NullLogger<RefusalLog>.Instance));
        GraphQlSetup.Add(services);
        _services = services.BuildServiceProvider();
    }

    public PlantDirectory Plant { get; }

    public Counted<IStore> Store { get; } = Counted<IStore>.New();

    public Counted<IGrainFactory> Grains { get; } = Counted<IGrainFactory>.New();

    public async Task<JsonElement> AskAsync(string query, Role role = Role.Admin, string at = "site", object? variables = null)
    {
        await using var scope = _services.CreateAsyncScope();
        var runner = _services.GetRequiredService<GraphQlRunner>();
        var http = new DefaultHttpContext { RequestServices = scope.ServiceProvider };
        var identity = new Identity(IdentityKind.User, "anna", [new Grant(role, at)]);
        var caller = _services.GetRequiredService<Callers>().Of(identity);
        var question = GraphQlQuestion.Read(JsonSerializer.SerializeToElement(new { query, variables }), runner.Serializer)!;
        var result = await runner.RunAsync(question, caller, http, scope.ServiceProvider, CancellationToken.None);
        return JsonDocument.Parse(runner.Serializer.Serialize(result)).RootElement;
    }

    private static Line LineOf(int number, int machines)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"line{number}");
        return new Line
        {
            Id = id, Name = id.ToUpperInvariant(), AreaId = "area",
            Machines =
            [
                .. Enumerable.Range(0, machines).Select(m => new Machine
                {
                    Id = string.Create(CultureInfo.InvariantCulture, $"{id}-m{m}"), LineId = id, Name = "M",
                }),
            ],
        };
    }

    private static List<OeeWindow> WindowsOf(IReadOnlyList<string> machines, string kind)
    {
        var from = UnixMicros.Now(TimeProvider.System) - UnixMicros.PerMinute;
        return
        [
            .. machines.Select(m => new OeeWindow
            {
                Id = m, Kind = kind, FromUs = from, ToUs = from + UnixMicros.PerHour, AsOfUs = from, Sums = new OeeSums { Good = 5 },
                Kpis = new OeeKpis { Oee = 0.5 },
            }),
        ];
    }
}
