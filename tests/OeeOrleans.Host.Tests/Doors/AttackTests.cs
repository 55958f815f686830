using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>Attacks on a running gateway. Each is what somebody would try, and fails when its defence is taken away.</summary>
[Collection(nameof(GuardedPlant))]
public sealed class AttackTests(GuardedPlant plant)
{
    private const string Evil = "http://evil.example";

    private static string FaultPath => $"/api/faults/{Uri.EscapeDataString(GuardedPlant.FaultOf(GuardedPlant.OwnMachine))}";

    [Fact]
    public async Task A_token_that_says_it_needs_no_signature_lets_nobody_in()
    {
        var (user, password) = await plant.UserAsync("scada", GuardedPlant.Site);
        var (access, _) = await plant.TokenAsync(user, password);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(access));
        var parts = access.Split('.');
        var header = Convert.ToBase64String("{\"alg\":\"none\",\"typ\":\"at+jwt\"}"u8).TrimEnd('=');
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync($"{header}.{parts[1]}."));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync($"{parts[0]}.{parts[1]}.{parts[2][..^2]}AA"));
    }

    [Fact]
    public async Task A_refresh_token_used_twice_ends_the_sign_in_of_the_thief_and_of_its_owner()
    {
        var (user, password) = await plant.UserAsync("dashboard", GuardedPlant.Site);
        var (_, stolen) = await plant.TokenAsync(user, password);
        async Task<(HttpStatusCode Status, JsonElement Json)> RefreshAsync(string refresh_token)
        {
            using var response = await plant.As("nobody").PostAsJsonAsync("/api/auth/refresh", new { refresh_token });
            return (response.StatusCode, await response.Content.ReadFromJsonAsync<JsonElement>());
        }

        var (first, pair) = await RefreshAsync(stolen);
        Assert.Equal(HttpStatusCode.OK, first);
        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(stolen)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(pair.GetProperty("refresh_token").GetString()!)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(pair.GetProperty("access_token").GetString()!));
    }

    [Fact]
    public async Task A_page_of_somebody_else_cannot_use_the_cookie_of_ours()
    {
        var (user, password) = await plant.UserAsync("scada", GuardedPlant.Site);
        using var browser = await BrowserLike.SignInAsync(plant, user, password);
        async Task<HttpStatusCode> AckAsync(string? origin)
        {
            using var response = await browser.SendAsync(HttpMethod.Post, FaultPath + "/shelve", Json("""{"until":null}"""), origin);
            return response.StatusCode;
        }

        Assert.Equal(HttpStatusCode.Forbidden, await AckAsync(Evil));
        Assert.Equal(HttpStatusCode.Forbidden, await AckAsync("null"));
        Assert.Equal(HttpStatusCode.Forbidden, await AckAsync($"http://127.0.0.1:{plant.Port + 1}"));
        Assert.Equal(HttpStatusCode.OK, await AckAsync(plant.Url));
        var cookie = browser.Cookies.GetCookies(new Uri(plant.Url))["oee-session"]!;
        Assert.True(cookie.HttpOnly);
        foreach (var path in new[] { "/hubs/live", "/_blazor" })
        {
            Assert.Equal(HttpStatusCode.Forbidden, await SocketAsync(path, browser.Cookies, Evil));
            Assert.NotEqual(HttpStatusCode.Forbidden, await SocketAsync(path, browser.Cookies, plant.Url));
        }
    }

    [Fact]
    public async Task The_cookie_is_strict_and_a_form_without_its_token_does_nothing()
    {
        var (user, password) = await plant.UserAsync("scada", GuardedPlant.Site);
        using var http = plant.Client(null);
        using var raw = await http.PostAsync(
            "/sign-in", new FormUrlEncodedContent([new("_handler", "sign-in"), new("Form.User", user), new("Form.Password", password)]));
        Assert.Equal(HttpStatusCode.BadRequest, raw.StatusCode);
        using var browser = await BrowserLike.SignInAsync(plant, user, password);
        using var page = await browser.PostFormAsync("/sign-in", new() { ["Form.User"] = user, ["Form.Password"] = password });
        var set = page.Headers.GetValues("Set-Cookie").Single(c => c.StartsWith("oee-session=", StringComparison.Ordinal));
        Assert.Contains("samesite=strict", set, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("httponly", set, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task After_the_sign_out_the_cookie_that_somebody_copied_is_worth_nothing()
    {
        var (user, password) = await plant.UserAsync("dashboard", GuardedPlant.Site);
        using var browser = await BrowserLike.SignInAsync(plant, user, password);
        var copied = new CookieContainer();
        copied.Add(browser.Cookies.GetAllCookies());
        using var thief = new HttpClient(new HttpClientHandler { CookieContainer = copied, AllowAutoRedirect = false });
        Assert.Equal(HttpStatusCode.OK, (await thief.GetAsync(new Uri(plant.Url + "/api/me"))).StatusCode);
        using var signedOut = await browser.PostFormAsync("/account", []);
        Assert.Equal(HttpStatusCode.Redirect, signedOut.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await thief.GetAsync(new Uri(plant.Url + "/api/me"))).StatusCode);
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("//evil.example")]
    [InlineData("/\\evil.example")]
    [InlineData("evil")]
    public async Task The_sign_in_leads_to_nobody_elses_page(string to)
    {
        var (user, password) = await plant.UserAsync("dashboard", GuardedPlant.Site);
        using var browser = await BrowserLike.SignInAsync(plant, user, password);
        using var response = await browser.PostFormAsync(
            "/sign-in?to=" + Uri.EscapeDataString(to), new() { ["Form.User"] = user, ["Form.Password"] = password });
        Assert.Equal("/", response.Headers.Location?.OriginalString);
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("evil.example:8080")]
    [InlineData("127.0.0.1.evil.example")]
    [InlineData("")]
    public async Task A_name_that_was_made_to_lead_here_is_not_ours(string host)
    {
        foreach (var path in new[] { "/", "/api/machines/status", "/health/live", "/sign-in" })
        {
            var text = await SendRawAsync($"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Api-Key: {plant.KeyOf("admin at plant")}\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 400", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Ten_thousand_sign_ins_find_no_password_and_leave_the_plant_its_processor()
    {
        // A plant of its own: who attacks one from an address keeps everybody at that address from signing in for a minute.
        var attacked = new GuardedPlant();
        await attacked.InitializeAsync();
        await using var ending = new Ending(attacked);
        var answers = new System.Collections.Concurrent.ConcurrentDictionary<HttpStatusCode, int>();
        using var http = attacked.Client(null);
        var attack = Parallel.ForEachAsync(Enumerable.Range(0, 10_000), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, c) =>
        {
            using var response = await http.PostAsJsonAsync("/api/auth/token", new { user = $"user{i % 50}", password = $"guess {i}" }, c);
            answers.AddOrUpdate(response.StatusCode, 1, (_, n) => n + 1);
        });
        var looks = 0;
        while (!attack.IsCompleted)
        {
            using var look = await attacked.Admin.GetAsync("/api/machines/status");
            Assert.Equal(HttpStatusCode.OK, look.StatusCode);
            looks++;
            // As fast as a board, and slower than the limit of one identity.
            await Task.Delay(20);
        }

        await attack;
        Assert.True(looks > 0);
        Assert.Equal([HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests], answers.Keys.Order());
        // The limit of this plant is a thousand a minute; the rest cost next to nothing.
        Assert.True(answers[HttpStatusCode.TooManyRequests] > 5_000, $"{answers[HttpStatusCode.TooManyRequests]} were sent away");
        await Eventually.HoldsAsync(
            "the attack in the audit", TimeSpan.FromSeconds(75), () => CountAuditAsync(attacked), n => n is > 0 and < 700);
    }

    [Fact]
    public async Task Whatever_is_asked_for_is_data_and_neither_sql_nor_a_line_of_the_log()
    {
        const string Line = "\r\n00:00:00.000 crit: forged";
        foreach (var text in new[] { "' or 1=1 --", "'; drop table audit_log; --", $"x{Line}", "\0", "%00", "{0} %s", "\u202e" })
        {
            var q = Uri.EscapeDataString(text);
            foreach (var path in new[]
            {
                $"/api/trend?machine_id={q}&name={q}", $"/api/kpi/current?line_id={q}", $"/api/assets/{q}",
                $"/api/audit?target={q}&actor={q}&action={q}", $"/api/faults/history?machine_id={q}",
                $"/api/users/{q}", $"/sign-in?to={q}", $"/setup?word={q}", $"/?wall={q}",
            })
            {
                using var response = await plant.Admin.GetAsync(path);
                Assert.True((int)response.StatusCode < 500, $"{path}: {response.StatusCode}");
            }

            using var token = await plant.As("nobody").PostAsJsonAsync("/api/auth/token", new { user = text, password = text });
            Assert.Equal(HttpStatusCode.Unauthorized, token.StatusCode);
        }

        Assert.Equal(HttpStatusCode.OK, (await plant.Admin.GetAsync("/api/audit")).StatusCode);
        Assert.DoesNotContain(plant.Process.Output.Split('\n'), l => l.StartsWith("00:00:00.000 crit", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_body_of_a_gigabyte_is_refused_before_it_is_read()
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, plant.Port);
        await using var stream = tcp.GetStream();
        var head = $"POST {FaultPath}/ack HTTP/1.1\r\nHost: 127.0.0.1:{plant.Port}\r\nX-Api-Key: {plant.KeyOf("admin at plant")}\r\n"
            + "Content-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n";
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head));
        var sent = 0L;
        var block = new byte[64 << 10];
        try
        {
            while (sent < 1L << 30)
            {
                await stream.WriteAsync(block);
                sent += block.Length;
            }
        }
        catch (IOException)
        {
            // Closed in the middle: that is what is wanted.
            Assert.True(sent < 64 << 20, $"{sent >> 20} MB went through");
            return;
        }

        Assert.Fail("a gigabyte was taken");
    }

    [Fact]
    public async Task A_body_that_is_a_little_too_large_is_refused_too()
    {
        using var response = await plant.Admin.PostAsJsonAsync($"{FaultPath}/ack", new { comment = new string('x', 1 << 20) });
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task Connections_that_say_their_headers_letter_by_letter_are_closed()
    {
        var slow = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 200; i++)
            {
                var tcp = new TcpClient();
                await tcp.ConnectAsync(IPAddress.Loopback, plant.Port);
                await tcp.GetStream().WriteAsync("GET / HTTP/1.1\r\nX: "u8.ToArray());
                slow.Add(tcp);
            }

            using var look = await plant.Admin.GetAsync("/api/machines/status");
            Assert.Equal(HttpStatusCode.OK, look.StatusCode);
            await Eventually.HoldsAsync("all of them to be closed", TimeSpan.FromSeconds(25), async () =>
            {
                var open = 0;
                foreach (var tcp in slow) if (await IsOpenAsync(tcp)) open++;
                return open;
            }, open => open == 0);
        }
        finally
        {
            foreach (var tcp in slow) tcp.Dispose();
        }
    }

    [Fact]
    public async Task No_secret_is_in_the_process_list_or_in_the_log()
    {
        var (user, password) = await plant.UserAsync("dashboard", GuardedPlant.Site);
        var (access, refresh) = await plant.TokenAsync(user, password);
        var (_, key) = await plant.NewKeyAsync("dashboard", GuardedPlant.Site);
        using var used = plant.Client(key);
        Assert.Equal(HttpStatusCode.OK, (await used.GetAsync("/api/me")).StatusCode);
        using var wrong = await plant.As("nobody").GetAsync($"/api/me?access_token={access}");
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        var commandLine = await File.ReadAllTextAsync($"/proc/{plant.Process.Id}/cmdline");
        foreach (var secret in new[] { password, access, refresh, key, plant.KeyOf("admin at plant") })
        {
            Assert.DoesNotContain(secret, plant.Process.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, commandLine, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_hub_tells_of_no_line_and_no_machine_outside_of_the_grants()
    {
        // What there is to call; another method has to be knocked at here.
        var methods = typeof(OeeOrleans.Gateway.Live.LiveHub).GetMethods()
            .Where(m => m.GetBaseDefinition().DeclaringType == typeof(OeeOrleans.Gateway.Live.LiveHub) && !m.IsStatic).Select(m => m.Name);
        Assert.Equal(["SubscribeLine", "SubscribeMachine"], methods.Order(StringComparer.Ordinal));
        var rows = new[] { ("dashboard at own", true, false), ("admin at plant", true, true), ("edge", false, false) };
        foreach (var (who, own, other) in rows)
        {
            Assert.Equal(own, await SubscribesAsync(who, "SubscribeLine", GuardedPlant.OwnLine));
            Assert.Equal(other, await SubscribesAsync(who, "SubscribeLine", GuardedPlant.ForeignLine));
            Assert.Equal(own, await SubscribesAsync(who, "SubscribeMachine", GuardedPlant.OwnMachine));
            Assert.Equal(other, await SubscribesAsync(who, "SubscribeMachine", GuardedPlant.ForeignMachine));
        }
    }

    [Fact]
    public async Task A_hub_connection_of_a_key_that_is_revoked_is_closed()
    {
        var (id, key) = await plant.NewKeyAsync("dashboard", GuardedPlant.Site);
        using var socket = await HubAsync(key);
        await CallAsync(socket, "SubscribeLine", GuardedPlant.OwnLine);
        using var revoked = await plant.Admin.DeleteAsync($"/api/keys/{id}");
        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        while (socket.State == WebSocketState.Open && await ReceiveAsync(socket, limit.Token) is not null) { }
        Assert.False(limit.IsCancellationRequested, "the connection is open still");
    }

    private sealed class Ending(GuardedPlant plant) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => new(plant.DisposeAsync());
    }

    private static async Task<bool> IsOpenAsync(TcpClient tcp)
    {
        if (!tcp.Connected) return false;
        try
        {
            // A letter more, as slow clients do.
            await tcp.GetStream().WriteAsync("a"u8.ToArray());
            return !(tcp.Client.Poll(0, SelectMode.SelectRead) && tcp.Client.Available == 0);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private async Task<bool> SubscribesAsync(string who, string method, string asset)
    {
        try
        {
            using var socket = await HubAsync(plant.KeyOf(who));
            return await CallAsync(socket, method, asset);
        }
        catch (WebSocketException)
        {
            return false;
        }
    }

    private async Task<ClientWebSocket> HubAsync(string key)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader(TestAccess.Header, key);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{plant.Port}/hubs/live"), limit.Token);
        await SendAsync(socket, """{"protocol":"json","version":1}""", limit.Token);
        await ReceiveAsync(socket, limit.Token);
        return socket;
    }

    private static async Task<bool> CallAsync(ClientWebSocket socket, string method, string asset)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await SendAsync(socket, $$"""{"type":1,"invocationId":"1","target":"{{method}}","arguments":["{{asset}}"]}""", limit.Token);
        while (await ReceiveAsync(socket, limit.Token) is { } text)
        {
            if (!text.Contains("\"invocationId\":\"1\"", StringComparison.Ordinal)) continue;
            return !text.Contains("\"error\"", StringComparison.Ordinal);
        }

        return false;
    }

    private static Task SendAsync(ClientWebSocket socket, string text, CancellationToken cancellationToken) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(text + "\u001e"), WebSocketMessageType.Text, true, cancellationToken);

    /// <summary>Null: the connection is over.</summary>
    private static async Task<string?> ReceiveAsync(ClientWebSocket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 << 10];
        try
        {
            var result = await socket.ReceiveAsync(buffer, cancellationToken);
            return result.MessageType == WebSocketMessageType.Close ? null : Encoding.UTF8.GetString(buffer, 0, result.Count);
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException)
        {
            return null;
        }
    }

    private async Task<HttpStatusCode> SocketAsync(string path, CookieContainer cookies, string origin)
    {
        using var socket = new ClientWebSocket();
        socket.Options.Cookies = cookies;
        socket.Options.SetRequestHeader("Origin", origin);
        socket.Options.CollectHttpResponseDetails = true;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        try
        {
            await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{plant.Port}{path}"), limit.Token);
        }
        catch (WebSocketException)
        {
            // The status says it.
        }

        return socket.HttpStatusCode;
    }

    private static async Task<int> CountAuditAsync(GuardedPlant attacked)
    {
        var page = await attacked.Admin.GetFromJsonAsync<JsonElement>("/api/audit?limit=1000&action=sign_in.refused");
        return page.GetProperty("items").GetArrayLength();
    }

    private async Task<HttpStatusCode> StatusAsync(string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/machines/status");
        request.Headers.Add("Authorization", $"Bearer {token}");
        using var response = await plant.As("nobody").SendAsync(request);
        return response.StatusCode;
    }

    private async Task<string> SendRawAsync(string text)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, plant.Port);
        await using var stream = tcp.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(text));
        var buffer = new byte[4096];
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var read = await stream.ReadAsync(buffer, limit.Token);
        return Encoding.ASCII.GetString(buffer, 0, read);
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");
}
