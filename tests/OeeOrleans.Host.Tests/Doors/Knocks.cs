using System.Net.Http.Json;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>How to knock at each door, about what is one's own or another one's. A door that is not here fails a test.</summary>
internal sealed class Knocks(GuardedPlant plant)
{
    private const string Password = "another password";

    /// <summary>By `METHOD /pattern`: the request; doors that are about no part of the plant do the same on both sides.</summary>
    public IReadOnlyDictionary<string, Knock> All => new Dictionary<string, Knock>
    {
        ["GET /api/me"] = Get("/api/me"),
        ["PUT /api/me/password"] = Send(HttpMethod.Put, "/api/me/password", new { old = "x", @new = Password }),
        ["POST /api/auth/token"] = Send(HttpMethod.Post, "/api/auth/token", new { user = "nobody", password = "wrong" }),
        ["POST /api/auth/refresh"] = Send(HttpMethod.Post, "/api/auth/refresh", new { refresh_token = "a.b" }),
        ["POST /api/auth/logout"] = Send(HttpMethod.Post, "/api/auth/logout", new { }),
        ["GET /.well-known/jwks.json"] = Get("/.well-known/jwks.json"),
        ["GET /api/users"] = Get("/api/users"),
        ["POST /api/users"] = s => To(HttpMethod.Post, "/api/users", new { name = New(), password = Password, grants = Grants(s) }),
        ["GET /api/users/{name}"] = async s => await To(HttpMethod.Get, $"/api/users/{await UserAsync(s)}"),
        ["PATCH /api/users/{name}"] = async s => await To(HttpMethod.Patch, $"/api/users/{await UserAsync(s)}", new { disabled = true }),
        ["PUT /api/users/{name}/password"] = async s =>
            await To(HttpMethod.Put, $"/api/users/{await UserAsync(s)}/password", new { password = Password }),
        ["GET /api/users/{name}/grants"] = async s => await To(HttpMethod.Get, $"/api/users/{await UserAsync(s)}/grants"),
        ["PUT /api/users/{name}/grants"] = async s =>
            await To(HttpMethod.Put, $"/api/users/{await UserAsync(s)}/grants", new { items = Grants(s) }),
        ["GET /api/keys"] = Get("/api/keys"),
        ["POST /api/keys"] = s => To(HttpMethod.Post, "/api/keys", new { name = New(), grants = Grants(s) }),
        ["DELETE /api/keys/{id}"] = async s =>
            await To(HttpMethod.Delete, $"/api/keys/{(await plant.NewKeyAsync("dashboard", s.Area)).Id}"),
        ["GET /api/audit"] = Get("/api/audit"),
        ["GET /api/audit/verify"] = Get("/api/audit/verify"),
        ["GET /api/kpi/current"] = s => To(HttpMethod.Get, $"/api/kpi/current?line_id={s.Line}&window=day"),
        ["GET /api/kpi/history"] = s => To(HttpMethod.Get, $"/api/kpi/history?machine_id={s.Machine}"),
        ["GET /api/kpi/explain"] = s => To(HttpMethod.Get, $"/api/kpi/explain?machine_id={s.Machine}"),
        ["GET /api/trend"] = s => To(HttpMethod.Get, $"/api/trend?machine_id={s.Machine}&name=counter.good"),
        ["GET /api/machines/status"] = s => To(HttpMethod.Get, $"/api/machines/status?machine_id={s.Machine}"),
        ["GET /api/machines/{id}/timeline"] = s => To(HttpMethod.Get, $"/api/machines/{s.Machine}/timeline"),
        ["GET /api/edge-nodes"] = Get("/api/edge-nodes"),
        ["GET /api/faults/active"] = s => To(HttpMethod.Get, $"/api/faults/active?line_id={s.Line}"),
        ["GET /api/faults/history"] = s => To(HttpMethod.Get, $"/api/faults/history?line_id={s.Line}"),
        ["POST /api/faults/{id}/ack"] = s => To(HttpMethod.Post, $"/api/faults/{Fault(s)}/ack", new { comment = "seen" }),
        ["POST /api/faults/{id}/shelve"] = s =>
            To(HttpMethod.Post, $"/api/faults/{Fault(s)}/shelve", new { until = "2099-01-01T00:00:00Z" }),
        ["POST /api/commands"] = s =>
            To(HttpMethod.Post, "/api/commands", new { machine_id = s.Machine, metric = "speed", value = 1, reason = "x" }),
        ["GET /api/commands"] = s => To(HttpMethod.Get, $"/api/commands?machine_id={s.Machine}"),
        ["GET /api/commands/{id}"] = s => To(HttpMethod.Get, $"/api/commands/{GuardedPlant.CommandOf(s.Machine)}"),
        // It is decided already, which is told to whoever may decide.
        ["POST /api/commands/{id}/approve"] = s =>
            To(HttpMethod.Post, $"/api/commands/{GuardedPlant.CommandOf(s.Machine)}/approve", new { }),
        ["POST /api/commands/{id}/reject"] = s =>
            To(HttpMethod.Post, $"/api/commands/{GuardedPlant.CommandOf(s.Machine)}/reject", new { }),
        ["GET /api/losses"] = s => To(HttpMethod.Get, $"/api/losses?line_id={s.Line}"),
        ["GET /api/stops"] = s => To(HttpMethod.Get, $"/api/stops?machine_id={s.Machine}"),
        ["POST /api/stops/{id}/reason"] = s =>
            To(HttpMethod.Post, $"/api/stops/{Uri.EscapeDataString(GuardedPlant.StopOf(s.Machine))}/reason", new { reason = "x" }),
        ["GET /api/reasons"] = Get("/api/reasons"),
        ["GET /api/assets"] = Get("/api/assets"),
        ["GET /api/assets/{id}"] = s => To(HttpMethod.Get, $"/api/assets/{s.Line}"),
        ["GET /api/assets/{id}/tags"] = s => To(HttpMethod.Get, $"/api/assets/{s.Machine}/tags"),
        ["POST /api/assets"] = s => To(HttpMethod.Post, "/api/assets", new { id = New(), kind = "machine", parent_id = s.Line }),
        ["PUT /api/assets/{id}"] = async s =>
            Changing(await To(HttpMethod.Put, $"/api/assets/{await MachineAsync(s)}", new { name = "a" })),
        ["PATCH /api/assets/{id}"] = async s =>
            Changing(await To(HttpMethod.Patch, $"/api/assets/{await MachineAsync(s)}", new { name = "b" })),
        ["DELETE /api/assets/{id}"] = async s => Changing(await To(HttpMethod.Delete, $"/api/assets/{await MachineAsync(s)}")),
        ["PUT /api/assets/{id}/tags"] = async s =>
            Changing(await To(HttpMethod.Put, $"/api/assets/{await MachineAsync(s)}/tags", new { items = Array.Empty<object>() })),
        ["GET /api/calendars"] = Get("/api/calendars"),
        ["GET /api/calendars/{id}"] = Existing(HttpMethod.Get, "calendars"),
        ["POST /api/calendars"] = _ => To(HttpMethod.Post, "/api/calendars", Calendar(New())),
        ["PUT /api/calendars/{id}"] = Existing(HttpMethod.Put, "calendars"),
        ["PATCH /api/calendars/{id}"] = Existing(HttpMethod.Patch, "calendars"),
        ["DELETE /api/calendars/{id}"] = Existing(HttpMethod.Delete, "calendars"),
        ["GET /api/reasons/{id}"] = Existing(HttpMethod.Get, "reasons"),
        ["POST /api/reasons"] = _ => To(HttpMethod.Post, "/api/reasons", new { id = New() }),
        ["PUT /api/reasons/{id}"] = Existing(HttpMethod.Put, "reasons"),
        ["PATCH /api/reasons/{id}"] = Existing(HttpMethod.Patch, "reasons"),
        ["DELETE /api/reasons/{id}"] = Existing(HttpMethod.Delete, "reasons"),
        ["GET /api/thresholds"] = Get("/api/thresholds"),
        ["GET /api/thresholds/{id}"] = Existing(HttpMethod.Get, "thresholds"),
        ["POST /api/thresholds"] = _ => To(HttpMethod.Post, "/api/thresholds", Threshold(New())),
        ["PUT /api/thresholds/{id}"] = Existing(HttpMethod.Put, "thresholds"),
        ["PATCH /api/thresholds/{id}"] = Existing(HttpMethod.Patch, "thresholds"),
        ["DELETE /api/thresholds/{id}"] = Existing(HttpMethod.Delete, "thresholds"),
        ["GET /api/sources"] = Get("/api/sources"),
        ["GET /api/sources/{id}"] = Existing(HttpMethod.Get, "sources"),
        ["POST /api/sources"] = _ => To(HttpMethod.Post, "/api/sources", Source(New())),
        ["PUT /api/sources/{id}"] = Existing(HttpMethod.Put, "sources"),
        ["PATCH /api/sources/{id}"] = Existing(HttpMethod.Patch, "sources"),
        ["DELETE /api/sources/{id}"] = Existing(HttpMethod.Delete, "sources"),
        ["GET /api/export/telemetry"] = s => To(HttpMethod.Get, $"/api/export/telemetry?machine_id={s.Machine}"),
        ["GET /api/export/windows"] = s => To(HttpMethod.Get, $"/api/export/windows?line_id={s.Line}"),
        ["GET /api/export/events"] = s => To(HttpMethod.Get, $"/api/export/events?machine_id={s.Machine}"),
        ["GET /api/discovered"] = Get("/api/discovered"),
        ["GET /api/discovered/metrics"] = Get("/api/discovered/metrics?edge_node=a/b"),
        ["POST /api/discovered/adopt"] = s =>
            To(HttpMethod.Post, "/api/discovered/adopt", new { edge_node = "x/y", device = New(), id = New(), parent_id = s.Line }),
        ["POST /api/discovered/ignore"] = Send(HttpMethod.Post, "/api/discovered/ignore", new { edge_node = "a/b" }),
        ["GET /api/config"] = Get("/api/config"),
        ["GET /api/config/revisions"] = Get("/api/config/revisions"),
        ["GET /api/config/revisions/{revision:long}"] = Get("/api/config/revisions/1"),
        ["POST /api/config/rollback"] = async _ =>
        {
            var page = await plant.Admin.GetFromJsonAsync<System.Text.Json.JsonElement>("/api/config/revisions?limit=1");
            var revision = page.GetProperty("items")[0].GetProperty("revision").GetInt64();
            return await To(HttpMethod.Post, "/api/config/rollback", new { revision });
        },
        ["POST /api/config/drafts"] = s => To(HttpMethod.Post, "/api/config/drafts", Draft(s)),
        ["GET /api/config/drafts"] = Get("/api/config/drafts"),
        ["GET /api/config/drafts/{id}"] = async s => await To(HttpMethod.Get, $"/api/config/drafts/{await DraftAsync(s)}"),
        ["PUT /api/config/drafts/{id}"] = async s => await To(HttpMethod.Put, $"/api/config/drafts/{await DraftAsync(s)}", Draft(s)),
        ["DELETE /api/config/drafts/{id}"] = async s => await To(HttpMethod.Delete, $"/api/config/drafts/{await DraftAsync(s)}"),
        ["GET /api/config/drafts/{id}/trial"] = async s =>
            await To(HttpMethod.Get, $"/api/config/drafts/{await DraftAsync(s)}/trial?days=1"),
        ["POST /api/config/drafts/{id}/activate"] = async s =>
            await To(HttpMethod.Post, $"/api/config/drafts/{await DraftAsync(s)}/activate", new { }),
        ["GET /hubs/live/negotiate"] = Send(HttpMethod.Post, "/hubs/live/negotiate?negotiateVersion=1", new { }),
        ["GET /hubs/live"] = Get("/hubs/live"),
        ["GET /ws/live"] = Get("/ws/live"),
        ["GET /graphql"] = Get("/graphql"),
        ["POST /graphql"] = s => To(
            HttpMethod.Post, "/graphql",
            new { query = $"{{ site {{ id lines {{ id machines {{ id }} }} }} machine(id: \"{s.Machine}\") {{ id }} }}" }),
        ["GET /health/live"] = Get("/health/live"),
        ["GET /health/ready"] = Get("/health/ready"),
        ["GET /metrics"] = Get("/metrics"),
        ["GET /openapi/{documentName}.json"] = Get("/openapi/v1.json"),
        ["GET /scalar/{documentName?}"] = Get("/scalar/"),
        ["GET /"] = Get("/"),
        ["POST /"] = Send(HttpMethod.Post, "/", new { }),
        ["GET /history"] = s => To(HttpMethod.Get, $"/history?at={s.Machine}"),
        ["POST /history"] = Send(HttpMethod.Post, "/history", new { }),
        ["GET /machine"] = s => To(HttpMethod.Get, $"/machine?at={s.Machine}"),
        ["POST /machine"] = Send(HttpMethod.Post, "/machine", new { }),
        ["GET /trends"] = s => To(HttpMethod.Get, $"/trends?at={s.Machine}"),
        ["POST /trends"] = Send(HttpMethod.Post, "/trends", new { }),
        ["GET /losses"] = s => To(HttpMethod.Get, $"/losses?at={s.Line}"),
        ["POST /losses"] = Send(HttpMethod.Post, "/losses", new { }),
        ["GET /plant"] = s => To(HttpMethod.Get, $"/plant?area={s.Area}"),
        ["POST /plant"] = Send(HttpMethod.Post, "/plant", new { }),
        ["GET /configure"] = Get("/configure"),
        ["POST /configure"] = Send(HttpMethod.Post, "/configure", new { }),
        ["GET /configure/{Tab}"] = Get("/configure/calendars"),
        ["POST /configure/{Tab}"] = Send(HttpMethod.Post, "/configure/calendars", new { }),
        ["GET /discovered"] = Get("/discovered"),
        ["POST /discovered"] = Send(HttpMethod.Post, "/discovered", new { }),
        ["GET /approvals"] = Get("/approvals?show=all"),
        ["POST /approvals"] = Send(HttpMethod.Post, "/approvals", new { }),
        ["GET /sign-in"] = Get("/sign-in"),
        ["POST /sign-in"] = Send(HttpMethod.Post, "/sign-in", new { }),
        ["GET /sign-in/done"] = Get("/sign-in/done?to=/x"),
        ["POST /sign-in/done"] = Send(HttpMethod.Post, "/sign-in/done", new { }),
        ["GET /setup"] = Get("/setup"),
        ["POST /setup"] = Send(HttpMethod.Post, "/setup", new { }),
        ["GET /account"] = Get("/account"),
        ["POST /account"] = Send(HttpMethod.Post, "/account", new { }),
        ["GET /audit"] = Get("/audit"),
        ["POST /audit"] = Send(HttpMethod.Post, "/audit", new { }),
        ["GET /password"] = Get("/password"),
        ["POST /password"] = Send(HttpMethod.Post, "/password", new { }),
        ["GET /_blazor/negotiate"] = Send(HttpMethod.Post, "/_blazor/negotiate?negotiateVersion=1", new { }),
        ["GET /_blazor"] = Get("/_blazor"),
        ["GET /_blazor/disconnect/"] = Send(HttpMethod.Post, "/_blazor/disconnect/", new { }),
        ["GET /_blazor/initializers/"] = Get("/_blazor/initializers/"),
        ["GET /_framework/opaque-redirect"] = Get("/_framework/opaque-redirect"),
        ["GET /{**path:file}"] = Get("/some/file.txt"),
        ["HEAD /{**path:file}"] = Send(HttpMethod.Head, "/some/file.txt", null),
        ["GET /dashboard/"] = Get("/dashboard/"),
        ["GET /dashboard/index.html"] = Get("/dashboard/index.html"),
        ["GET /dashboard/favicon.ico"] = Get("/dashboard/favicon.ico"),
        ["GET /dashboard/index.min.js"] = Get("/dashboard/index.min.js"),
        ["GET /dashboard/index.css"] = Get("/dashboard/index.css"),
        ["GET /dashboard/fonts/{**path}"] = Get("/dashboard/fonts/x"),
        ["GET /dashboard/img/{**path}"] = Get("/dashboard/img/x"),
        ["GET /dashboard/version"] = Get("/dashboard/version"),
        ["GET /dashboard/DashboardCounters"] = Get("/dashboard/DashboardCounters"),
        ["GET /dashboard/ClusterStats"] = Get("/dashboard/ClusterStats"),
        ["GET /dashboard/Reminders"] = Get("/dashboard/Reminders"),
        ["GET /dashboard/Reminders/{page:int}"] = Get("/dashboard/Reminders/1"),
        ["GET /dashboard/HistoricalStats/{*path}"] = OfSilo("HistoricalStats"),
        ["GET /dashboard/SiloProperties/{*address}"] = OfSilo("SiloProperties"),
        ["GET /dashboard/SiloMetadata/{*address}"] = OfSilo("SiloMetadata"),
        ["GET /dashboard/SiloStats/{*address}"] = OfSilo("SiloStats"),
        ["GET /dashboard/SiloCounters/{*address}"] = OfSilo("SiloCounters"),
        ["GET /dashboard/GrainStats/{*grainName}"] = Get("/dashboard/GrainStats/x"),
        ["GET /dashboard/TopGrainMethods"] = Get("/dashboard/TopGrainMethods"),
        ["GET /dashboard/GrainState"] = Get("/dashboard/GrainState"),
        ["GET /dashboard/LifecycleStages"] = Get("/dashboard/LifecycleStages"),
        ["GET /dashboard/GrainTypes"] = Get("/dashboard/GrainTypes"),
        ["GET /dashboard/Trace"] = Get("/dashboard/Trace"),
    };

    private Knock OfSilo(string what) => async _ =>
    {
        var counters = await plant.Admin.GetFromJsonAsync<System.Text.Json.JsonElement>("/dashboard/DashboardCounters");
        var silo = counters.GetProperty("hosts")[0].GetProperty("siloAddress").GetString();
        return await To(HttpMethod.Get, $"/dashboard/{what}/{silo}");
    };

    /// <summary>One that is there, made for this knock; of a calendar or reason no part of the plant has more than another.</summary>
    private Knock Existing(HttpMethod method, string list) => async _ =>
    {
        var id = New();
        object body = list switch
        {
            "calendars" => Calendar(id),
            "thresholds" => Threshold(id),
            "sources" => Source(id),
            _ => new { id },
        };
        using var made = await plant.Admin.PostAsJsonAsync($"/api/{list}", body);
        made.EnsureSuccessStatusCode();
        var changes = method != HttpMethod.Get;
        var request = await To(method, $"/api/{list}/{id}", changes && method != HttpMethod.Delete ? body : null);
        return changes ? Changing(request) : request;
    };

    private static object Threshold(string id) => new { id, machine = GuardedPlant.OwnMachine, kpi = "oee", below = 0.1 };

    private static object Source(string id) => new
    {
        id, edge_node = "doors/told", url = "sim://plant", tags = new[] { new { address = "counter", metric = "counter.good" } },
    };

    private static object Draft(Side side) => new
    {
        changes = new[] { new { op = "merge", part = "assets", id = side.Machine, value = new { name = New() } } },
    };

    /// <summary>An administrator's of the plant.</summary>
    private async Task<string> DraftAsync(Side side)
    {
        using var made = await plant.Admin.PostAsJsonAsync("/api/config/drafts", Draft(side));
        made.EnsureSuccessStatusCode();
        return (await made.Content.ReadFromJsonAsync<System.Text.Json.JsonElement>()).GetProperty("id").GetString()!;
    }

    private static object Calendar(string id) => new { id, shifts = new[] { new { name = "early", start = "06:00", end = "14:00" } } };

    private async Task<string> MachineAsync(Side side)
    {
        var id = New();
        using var made = await plant.Admin.PostAsJsonAsync("/api/assets", new { id, kind = "machine", parent_id = side.Line });
        made.EnsureSuccessStatusCode();
        return id;
    }

    private static HttpRequestMessage Changing(HttpRequestMessage request)
    {
        request.Headers.Add("If-Match", "*");
        return request;
    }

    private static string New() => $"n-{Guid.NewGuid():N}";

    private static string Fault(Side side) => Uri.EscapeDataString(GuardedPlant.FaultOf(side.Machine));

    private static object[] Grants(Side side) => [new { role = "dashboard", at = side.Area }];

    private async Task<string> UserAsync(Side side)
    {
        var name = New();
        using var made = await plant.Admin.PostAsJsonAsync("/api/users", new { name, password = "first password", grants = Grants(side) });
        made.EnsureSuccessStatusCode();
        return name;
    }

    private static Knock Get(string path) => _ => To(HttpMethod.Get, path);

    private static Knock Send(HttpMethod method, string path, object? body) => _ => To(method, path, body);

    private static Task<HttpRequestMessage> To(HttpMethod method, string path, object? body = null) => Task.FromResult(
        new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) });
}

/// <summary>The request, about one side or the other.</summary>
internal delegate Task<HttpRequestMessage> Knock(Side side);

/// <summary>An area, with a line and a machine of it.</summary>
internal sealed record Side(string Area, string Line, string Machine)
{
    public static Side Own { get; } = new("own", GuardedPlant.OwnLine, GuardedPlant.OwnMachine);

    public static Side Foreign { get; } = new("foreign", GuardedPlant.ForeignLine, GuardedPlant.ForeignMachine);
}
