using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>What is asked for in the wrong way, by those who may come in.</summary>
[Collection(nameof(GuardedPlant))]
public sealed class MisuseTests(GuardedPlant plant)
{
    private static string FaultPath => $"/api/faults/{Uri.EscapeDataString(GuardedPlant.FaultOf(GuardedPlant.OwnMachine))}";

    [Fact]
    public async Task A_wrong_method_is_told_as_such_and_not_as_a_lack_of_rights()
    {
        using var response = await plant.Admin.DeleteAsync("/api/machines/status");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
    }

    [Fact]
    public async Task A_body_that_is_no_JSON_is_told_as_such_and_not_as_a_lack_of_rights()
    {
        using var text = new StringContent("name=x", Encoding.UTF8, "text/plain");
        using var response = await plant.Admin.PostAsync("/api/users", text);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
    }

    [Theory]
    [InlineData("""{"grants":[{"role":"dashboard","at":"plant"}]}""")]
    [InlineData("""{"items":null}""")]
    [InlineData("""{"items":[null]}""")]
    public async Task Grants_that_are_not_given_take_none_away(string body)
    {
        var (user, _) = await plant.UserAsync("dashboard", GuardedPlant.Site);
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await plant.Admin.PutAsync($"/api/users/{user}/grants", content);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        var grants = await plant.Admin.GetFromJsonAsync<JsonElement>($"/api/users/{user}/grants");
        Assert.Equal(1, grants.GetProperty("items").GetArrayLength());
    }

    [Theory]
    [InlineData("""{"comment":"a\u0000b"}""")]
    [InlineData("""{"by":"a\u0000b"}""")]
    [InlineData("""{"by":"anna (bea)"}""")]
    [InlineData("""{"by":"a\nb"}""")]
    [InlineData("""{"by":" "}""")]
    [InlineData(null)]
    public async Task What_may_not_be_kept_for_good_is_refused(string? body)
    {
        body ??= JsonSerializer.Serialize(new { comment = new string('x', 501) });
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await plant.Admin.PostAsync($"{FaultPath}/ack", content);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task Who_acted_in_another_ones_name_is_found_under_the_own()
    {
        var (user, password) = await plant.UserAsync("scada", GuardedPlant.Site);
        using var http = plant.Client(null);
        http.DefaultRequestHeaders.Add("Authorization", $"Bearer {(await plant.TokenAsync(user, password)).Access}");
        using var shelved = await http.PostAsJsonAsync($"{FaultPath}/shelve", new { until = (string?)null, by = "night shift" });
        Assert.Equal(HttpStatusCode.OK, shelved.StatusCode);
        var found = await plant.Admin.GetFromJsonAsync<JsonElement>($"/api/audit?actor={user}&action=fault.");
        Assert.Equal($"night shift ({user})", Assert.Single(found.GetProperty("items").EnumerateArray()).GetProperty("actor").GetString());
    }

    [Fact]
    public async Task A_key_of_the_configuration_is_taken_as_a_bearer_token_as_well()
    {
        using var http = plant.Client(null);
        http.DefaultRequestHeaders.Add("Authorization", $"Bearer {plant.KeyOf("dashboard at plant")}");
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/metrics")).StatusCode);
    }

    [Fact]
    public async Task The_log_stream_of_the_dashboard_ends_with_the_key_it_was_opened_with()
    {
        var (id, key) = await plant.NewKeyAsync("admin", GuardedPlant.Site);
        using var http = plant.Client(key);
        using var stream = await http.GetAsync("/dashboard/Trace", HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, stream.StatusCode);
        var reading = Task.Run(async () =>
        {
            await using var body = await stream.Content.ReadAsStreamAsync();
            var buffer = new byte[4096];
            try
            {
                while (await body.ReadAsync(buffer) > 0) { }
            }
            catch (IOException)
            {
                // Cut off.
            }
        });
        using var asked = await http.GetAsync("/api/me");
        Assert.False(reading.IsCompleted, "the stream ended by itself");
        using var revoked = await plant.Admin.DeleteAsync($"/api/keys/{id}");
        revoked.EnsureSuccessStatusCode();
        await reading.WaitAsync(TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task One_identity_has_two_hundred_live_connections_and_no_more()
    {
        var (_, key) = await plant.NewKeyAsync("dashboard", GuardedPlant.Site);
        var sockets = new List<ClientWebSocket>();
        try
        {
            for (var i = 0; i < 200; i++) Assert.Null(await OpenAsync());
            Assert.Equal(HttpStatusCode.TooManyRequests, await OpenAsync());
            // By another transport it is the same.
            using var http = plant.Client(key);
            http.DefaultRequestHeaders.Add("Accept", "text/event-stream");
            Assert.Equal(HttpStatusCode.TooManyRequests, (await http.GetAsync("/hubs/live")).StatusCode);
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
        }

        async Task<HttpStatusCode?> OpenAsync()
        {
            var socket = new ClientWebSocket();
            sockets.Add(socket);
            socket.Options.CollectHttpResponseDetails = true;
            socket.Options.SetRequestHeader(TestAccess.Header, key);
            try
            {
                await socket.ConnectAsync(new Uri(plant.Url.Replace("http", "ws", StringComparison.Ordinal) + "/hubs/live"), default);
                return null;
            }
            catch (WebSocketException)
            {
                return socket.HttpStatusCode;
            }
        }
    }
}
