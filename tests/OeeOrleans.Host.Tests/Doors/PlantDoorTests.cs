using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>Who administers a part of the plant changes that part and nothing else; whatever is sent, nothing breaks.</summary>
public sealed class PlantDoorTests(GuardedPlant plant) : IClassFixture<GuardedPlant>
{
    private HttpClient Own => plant.As("admin at own");

    [Fact]
    public async Task What_is_another_ones_is_answered_like_what_is_not_there()
    {
        foreach (var (method, path, body) in new (HttpMethod, string, object?)[]
        {
            (HttpMethod.Patch, "/api/assets/{0}", new { name = "x" }), (HttpMethod.Put, "/api/assets/{0}", new { name = "x" }),
            (HttpMethod.Delete, "/api/assets/{0}", null), (HttpMethod.Put, "/api/assets/{0}/tags", new { items = Array.Empty<object>() }),
        })
        {
            foreach (var id in new[] { GuardedPlant.ForeignMachine, GuardedPlant.ForeignLine, "none" })
            {
                Assert.Equal(HttpStatusCode.NotFound, await AskAsync(method, string.Format(null, path, id), body));
            }
        }

        foreach (var parent in new[] { GuardedPlant.ForeignLine, "none" })
        {
            Assert.Equal(
                HttpStatusCode.NotFound,
                await AskAsync(HttpMethod.Post, "/api/assets", new { id = $"n-{Guid.NewGuid():N}", kind = "machine", parent_id = parent }));
            Assert.Equal(
                HttpStatusCode.NotFound,
                await AskAsync(HttpMethod.Patch, $"/api/assets/{GuardedPlant.OwnMachine}", new { parent_id = parent }));
        }
    }

    [Fact]
    public async Task An_edge_node_of_another_part_is_not_taken()
    {
        var change = new { edge_node = "foreign/edge1", device = "unknown" };
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(HttpMethod.Patch, $"/api/assets/{GuardedPlant.OwnMachine}", change));
        var mine = new { edge_node = "own/edge1", device = "second" };
        Assert.Equal(HttpStatusCode.OK, await AskAsync(HttpMethod.Patch, $"/api/assets/{GuardedPlant.OwnMachine}", mine));
        Assert.Equal(
            HttpStatusCode.OK, await AskAsync(HttpMethod.Patch, $"/api/assets/{GuardedPlant.OwnMachine}", new { device = (string?)null }));
    }

    [Fact]
    public async Task A_draft_of_ones_own_part_is_tried_and_activated_and_one_that_reaches_out_is_none()
    {
        using var made = await Own.PostAsJsonAsync("/api/config/drafts", Draft(GuardedPlant.OwnMachine));
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        var id = (await made.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString();
        Assert.Equal(HttpStatusCode.OK, await AskAsync(HttpMethod.Get, $"/api/config/drafts/{id}", null));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(HttpMethod.Get, $"/api/config/drafts/{id}/trial?days=1", null));
        var foreign = Draft(GuardedPlant.ForeignMachine);
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(HttpMethod.Put, $"/api/config/drafts/{id}", foreign));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(HttpMethod.Post, $"/api/config/drafts/{id}/activate", new { }));
        Assert.Equal(HttpStatusCode.NotFound, await AskAsync(HttpMethod.Post, "/api/config/drafts", foreign));
    }

    [Theory]
    [InlineData("own", HttpStatusCode.Created)]
    [InlineData("foreign", HttpStatusCode.Forbidden)]
    public async Task A_draft_may_go_on_with_what_it_makes_itself_where_its_author_may_make_it(string area, HttpStatusCode answer)
    {
        var (line, machine) = ($"l-{Guid.NewGuid():N}", $"m-{Guid.NewGuid():N}");
        var draft = new
        {
            changes = new object[]
            {
                new { op = "add", part = "assets", id = line, value = new { kind = "line", parent_id = area } },
                new { op = "add", part = "assets", id = machine, value = new { kind = "machine", parent_id = line } },
                new { op = "merge", part = "assets", id = line, value = new { name = "New" } },
            },
        };
        using var made = await Own.PostAsJsonAsync("/api/config/drafts", draft);
        Assert.Equal(answer, made.StatusCode);
        // And the same for who may everything.
        using var all = await plant.Admin.PostAsJsonAsync("/api/config/drafts", draft);
        Assert.Equal(HttpStatusCode.Created, all.StatusCode);
    }

    [Fact]
    public async Task Of_two_who_change_the_same_at_once_one_wins()
    {
        using var read = await plant.Admin.GetAsync($"/api/assets/{GuardedPlant.ForeignMachine}");
        var tag = read.Headers.ETag!.ToString();
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(
            i => AskAsync(plant.Admin, HttpMethod.Patch, $"/api/assets/{GuardedPlant.ForeignMachine}", new { name = $"name {i}" }, tag)));
        Assert.Single(answers, a => a == HttpStatusCode.OK);
        Assert.Equal(5, answers.Count(a => a == HttpStatusCode.PreconditionFailed));
    }

    [Fact]
    public async Task Of_many_who_change_different_things_at_once_all_win()
    {
        var ids = Enumerable.Range(0, 5).Select(_ => $"r-{Guid.NewGuid():N}").ToList();
        var answers = await Task.WhenAll(ids.Select(id => AskAsync(plant.Admin, HttpMethod.Post, "/api/reasons", new { id }, null)));
        Assert.All(answers, a => Assert.Equal(HttpStatusCode.Created, a));
        var reasons = await plant.Admin.GetFromJsonAsync<JsonElement>("/api/reasons");
        Assert.Empty(ids.Except(reasons.GetProperty("items").EnumerateArray().Select(r => r.GetProperty("id").GetString()!)));
    }

    public static TheoryData<string> Bodies() =>
    [
        "", "null", "[]", "1", "{", "{\"a\":", "{\"name\":{}}", "{\"name\":[]}", "{\"name\":1}", "{\"tags\":{}}", "{\"tags\":[1]}",
        "{\"tags\":[{\"metric\":{}}]}", "{\"id\":{}}", "{\"id\":[]}", "{\"kind\":[]}", "{\"kind\":{}}", "{\"parent_id\":{}}",
        "{\"parent_id\":[]}", "{\"position\":{}}", "{\"position\":1e999}", "{\"position\":\"x\"}", "{\"valid_from\":{}}",
        "{\"valid_from\":\"9999-99-99\"}", "{\"products\":[]}", "{\"products\":{\"a\":1}}", "{\"state_map\":[]}",
        "{\"state_map\":{\"1\":{}}}", "{\"faults\":{\"E\":[]}}", "{\"faults\":7}", "{\"edge_node\":{}}", "{\"edge_node\":[]}",
        "{\"device\":{}}", "{\"ideal_cycle_s\":{}}",
        "{\"ideal_cycle_s\":1e400}", "{\"name\":\"a\",\"name\":\"b\"}", "{\"name\":\"\\ud800\"}", "{\"name\":\"\\u0000\"}",
        "{\"shifts\":{}}", "{\"shifts\":[{}]}", "{\"exceptions\":[{\"date\":\"9999-12-31\",\"closed\":true}]}", "{\"items\":{}}",
        "{\"items\":[null]}", "{\"changes\":[]}", "{\"changes\":[{}]}", "{\"changes\":[{\"op\":{},\"part\":[],\"id\":{}}]}",
        "{\"revision\":{}}", "{\"revision\":99999999999999999999}", "{\"comment\":{}}", "{\"machine\":{}}",
    ];

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task Whatever_is_sent_is_refused_with_a_reason(string body)
    {
        var id = $"n-{Guid.NewGuid():N}";
        var machine = new { id, kind = "machine", parent_id = GuardedPlant.ForeignLine };
        Assert.Equal(HttpStatusCode.Created, await AskAsync(plant.Admin, HttpMethod.Post, "/api/assets", machine, null));
        foreach (var (method, path) in new[]
        {
            (HttpMethod.Post, "/api/assets"), (HttpMethod.Put, $"/api/assets/{id}"),
            (HttpMethod.Patch, $"/api/assets/{id}"), (HttpMethod.Put, $"/api/assets/{id}/tags"),
            (HttpMethod.Post, "/api/calendars"), (HttpMethod.Post, "/api/thresholds"), (HttpMethod.Post, "/api/config/drafts"),
            (HttpMethod.Post, "/api/config/rollback"),
        })
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var request = new HttpRequestMessage(method, path) { Content = content };
            request.Headers.TryAddWithoutValidation("If-Match", "*");
            using var response = await plant.Admin.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            Assert.True((int)response.StatusCode < 500, $"{method} {path} {body}: {(int)response.StatusCode} {text}");
            if (response.IsSuccessStatusCode) continue;
            Assert.False(string.IsNullOrEmpty(JsonDocument.Parse(text).RootElement.GetProperty("detail").GetString()), text);
        }
    }

    private static object Draft(string machine) => new
    {
        changes = new[]
        {
            new { op = "merge", part = "assets", id = machine, value = new { ideal_cycle_s = Random.Shared.Next(1, 1_000) } },
        },
    };

    private Task<HttpStatusCode> AskAsync(HttpMethod method, string path, object? body) => AskAsync(Own, method, path, body, "*");

    private static async Task<HttpStatusCode> AskAsync(HttpClient client, HttpMethod method, string path, object? body, string? tag)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : JsonContent.Create(body) };
        if (tag is not null) request.Headers.TryAddWithoutValidation("If-Match", tag);
        using var response = await client.SendAsync(request);
        return response.StatusCode;
    }
}
