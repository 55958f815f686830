using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using OeeOrleans.TestServers;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>
/// `oee run` with two areas, a fault in each, and a key for every role at different places: area `own` is theirs, area `foreign` is not.
/// </summary>
public sealed class GuardedPlant : IAsyncLifetime
{
    public const string Site = "plant";
    public const string OwnLine = "own-line";
    public const string OwnMachine = "own-press";
    public const string ForeignLine = "foreign-line";
    public const string ForeignMachine = "foreign-press";

    private static readonly (string Name, string Role, string At)[] Keys =
    [
        ("dashboard at own", "dashboard", "own"),
        ("analytics at own", "analytics", "own"),
        ("scada at own", "scada", "own"),
        ("admin at own", "admin", "own"),
        ("edge", "edge", "own/edge1"),
        ("dashboard at plant", "dashboard", Site),
        ("scada at plant", "scada", Site),
        ("admin at plant", "admin", Site),
    ];

    private readonly Dictionary<string, HttpClient> _clients = [];

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("oee-doors-").FullName;

    public string ConfigFile => Path.Combine(Directory, "plant.yaml");

    public string Data => Path.Combine(Directory, "data");

    public string Url { get; private set; } = "";

    public int Port { get; } = ServerProcess.FreePort();

    public int MqttPort { get; } = ServerProcess.FreePort();

    public ServerProcess Process { get; private set; } = null!;

    /// <summary>Everybody there is, nobody first.</summary>
    public static IEnumerable<string> Everybody => ["nobody", .. Keys.Select(k => k.Name)];

    /// <summary>Since when both machines stand.</summary>
    public static long StoppedUs { get; } = UnixMicros.Now(TimeProvider.System) - (30 * UnixMicros.PerMinute);

    public static string StopOf(string machine) => StopEvent.IdOf(machine, StoppedUs);

    public static string FaultOf(string machine) => Fault(machine).Id;

    /// <summary>A write that somebody asked for and somebody refused.</summary>
    public static string CommandOf(string machine) => $"command-{machine}";

    public HttpClient As(string who) => _clients[who];

    public HttpClient Admin => As("admin at plant");

    /// <summary>What one shows; nothing for nobody.</summary>
    public string KeyOf(string who) => File.ReadAllText(KeyFile(who)).Trim();

    public async Task InitializeAsync()
    {
        System.IO.Directory.CreateDirectory(Data);
        foreach (var (name, _, _) in Keys) await File.WriteAllTextAsync(KeyFile(name), $"{Guid.NewGuid():N}{Guid.NewGuid():N}");
        var keys = string.Join(
            "\n", Keys.Select(k => $"    - {{ name: \"{k.Name}\", role: {k.Role}, at: \"{k.At}\", key_file: \"{KeyFile(k.Name)}\" }}"));
        await File.WriteAllTextAsync(ConfigFile,
            $$"""
            site: { id: {{Site}}, name: Plant, time_zone: UTC }
            areas:
              - { id: own, lines: [ { id: {{OwnLine}}, machines: [ { id: {{OwnMachine}}, ideal_cycle_s: 1, edge_node: own/edge1 } ] } ] }
              - id: foreign
                lines: [ { id: {{ForeignLine}}, machines: [ { id: {{ForeignMachine}}, ideal_cycle_s: 1, edge_node: foreign/edge1 } ] } ]
            data_dir: {{Data}}
            access:
              sign_ins_per_minute: 1000
              keys:
            {{keys}}
            """);
        await using (var store = StoreFactory.Sqlite(Path.Combine(Data, "oee.db"), NullLoggerFactory.Instance))
        {
            await store.MigrateAsync(default);
            await store.CommitAsync([new ResultUnit { Faults = [Fault(OwnMachine), Fault(ForeignMachine)] }], default);
            foreach (var machine in new[] { OwnMachine, ForeignMachine }) await StopAsync(store, machine);
        }

        await using (var database = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Path.Combine(Data, "oee.db")};Pooling=False"))
        {
            await database.OpenAsync();
            foreach (var machine in new[] { OwnMachine, ForeignMachine })
            {
                await using var insert = database.CreateCommand();
                insert.CommandText =
                    $"""
                    insert into command(id, machine_id, edge_node, device, metric, signal, factor, shift, value, reason, state, asked_by,
                      asked_person, asked, expires)
                    values ('{CommandOf(machine)}', '{machine}', 'g/n', 'd', 'm', 's', 1, 0, '1', 'why', 'refused', 'anna', 'anna', 1, 2)
                    """;
                await insert.ExecuteNonQueryAsync();
            }
        }

        Url = $"http://127.0.0.1:{Port}";
        Process = await StartAsync();
        _clients["nobody"] = Client(null);
        foreach (var (name, _, _) in Keys) _clients[name] = Client(KeyOf(name));
    }

    public async Task DisposeAsync()
    {
        foreach (var client in _clients.Values) client.Dispose();
        await Process.DisposeAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    public HttpClient Client(string? key)
    {
        // What answers with a redirect is asked about that and nothing else.
        var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false })
        {
            BaseAddress = new Uri(Url), Timeout = TimeSpan.FromSeconds(20),
        };
        if (key is not null) client.DefaultRequestHeaders.Add(TestAccess.Header, key);
        return client;
    }

    /// <summary>A user of the plant's own with a password that need not be changed.</summary>
    public async Task<(string Name, string Password)> UserAsync(string role, string at)
    {
        var (name, first, password) = ($"u-{Guid.NewGuid():N}", "first password", "second password");
        using var made = await Admin.PostAsJsonAsync("/api/users", new { name, password = first, grants = new[] { new { role, at } } });
        made.EnsureSuccessStatusCode();
        using var known = Client(null);
        known.DefaultRequestHeaders.Add("Authorization", $"Bearer {(await TokenAsync(name, first)).Access}");
        using var changed = await known.PutAsJsonAsync("/api/me/password", new { old = first, @new = password });
        changed.EnsureSuccessStatusCode();
        return (name, password);
    }

    public async Task<(string Access, string Refresh)> TokenAsync(string user, string password)
    {
        using var response = await As("nobody").PostAsJsonAsync("/api/auth/token", new { user, password });
        var text = await response.Content.ReadAsStringAsync();
        if (!response.IsSuccessStatusCode) throw new HttpRequestException($"{(int)response.StatusCode} {text}");
        var json = JsonDocument.Parse(text).RootElement;
        return (json.GetProperty("access_token").GetString()!, json.GetProperty("refresh_token").GetString()!);
    }

    public async Task<(string Id, string Key)> NewKeyAsync(string role, string at)
    {
        using var response = await Admin.PostAsJsonAsync(
            "/api/keys", new { name = $"k-{Guid.NewGuid():N}", grants = new[] { new { role, at } } });
        response.EnsureSuccessStatusCode();
        var json = await response.Content.ReadFromJsonAsync<JsonElement>();
        return (json.GetProperty("id").GetString()!, json.GetProperty("key").GetString()!);
    }

    public Task<ServerProcess> StartAsync(params string[] more) => OeeRun.StartAsync(ConfigFile, MqttPort, ["--urls", Url, .. more]);

    private string KeyFile(string name) => Path.Combine(Directory, name.Replace(' ', '-') + ".key");

    /// <summary>The machine ran, and has stood since.</summary>
    private static async Task StopAsync(IStore store, string machine)
    {
        var ids = await store.ResolveSignalsAsync(
            machine, [new SignalSpec("state.run", "Boolean", null), new SignalSpec("counter.good", "Int64", "pcs")], true, default);
        SampleRow Row(int id, long us, double value) => new(id, us, value, null, Quality.Good, us);
        await store.CommitAsync(
            [
                new TelemetryUnit
                {
                    Owner = machine,
                    Rows = new[]
                    {
                        Row(ids[0], StoppedUs - UnixMicros.PerHour, 1), Row(ids[1], StoppedUs - UnixMicros.PerHour, 5),
                        Row(ids[0], StoppedUs, 0), Row(ids[1], StoppedUs, 9),
                    },
                },
            ], default);
    }

    private static FaultEvent Fault(string machine) => new()
    {
        // Not of this day, whatever the hour: the machine works that out anew from its samples, which tell of no such fault.
        Machine = machine, Code = "E1", StartUs = StoppedUs - (3 * UnixMicros.PerDay), Severity = 500,
    };
}

/// <summary>One plant for all that knocks at its doors.</summary>
[CollectionDefinition(nameof(GuardedPlant))]
public sealed class GuardedPlantCollection : ICollectionFixture<GuardedPlant>;
