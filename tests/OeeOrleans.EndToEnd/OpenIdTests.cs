using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Playwright;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>
/// A provider of somebody else (npm oidc-provider), a browser, and a gateway that believes it; and our tokens, checked by npm jose.
/// </summary>
public sealed class OpenIdTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-oidc-").FullName;
    private readonly int _providerPort = ServerProcess.FreePort();
    private readonly int _port = ServerProcess.FreePort();
    private ServerProcess _provider = null!;
    private Oee _oee = null!;

    private string Issuer => $"http://localhost:{_providerPort}";

    public async Task InitializeAsync()
    {
        _provider = ServerProcess.Start(
            "node", [Path.Combine(Oee.Peers, "oidc-provider.mjs"), $"{_providerPort}", $"http://127.0.0.1:{_port}/sign-in/oidc"]);
        await Eventually.TrueAsync("the provider to listen", TimeSpan.FromSeconds(20), () => _provider.HasExited
            ? throw new InvalidOperationException(_provider.Output)
            : Task.FromResult(_provider.Output.Contains("listening", StringComparison.Ordinal)));
        var secret = Path.Combine(_directory, "client-secret");
        await File.WriteAllTextAsync(secret, "a-secret-of-the-client\n");
        var config = Path.Combine(_directory, "plant.yaml");
        var access = TestAccess.Section("plant").TrimEnd().TrimEnd('}');
        await File.WriteAllTextAsync(config,
            $$"""
            site: { id: plant, name: Oidc, time_zone: UTC }
            {{access}}, oidc: {
                authority: "{{Issuer}}", audience: oee-api, client_id: oee, client_secret_file: {{secret}}, claim: realm.roles,
                roles: {
                  plant-operators: { role: scada, at: own }, plant-admins: { role: admin }, plant-readers: { role: dashboard } } } }
            areas:
              - { id: own, lines: [ { id: l1, machines: [ { id: m1 } ] } ] }
              - { id: foreign, lines: [ { id: l2, machines: [ { id: m2 } ] } ] }
            data_dir: {{_directory}}
            """);
        _oee = await Oee.StartAsync("run", _port, "--config", config, "--mqtt-port", "0");
    }

    public async Task DisposeAsync()
    {
        await _oee.DisposeAsync();
        await _provider.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Somebody_whom_the_provider_signs_in_sees_what_its_claims_grant()
    {
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await Chromium.LaunchAsync(playwright);
        var page = await SignInAsync(browser, "anna");
        await page.Locator("#machine-m1").WaitForAsync();
        Assert.Equal(0, await page.Locator("#machine-m2").CountAsync());
        Assert.Equal("anna", await page.Locator(".who a").First.InnerTextAsync());
        var me = await page.EvaluateAsync<JsonElement>("fetch('/api/me').then(r => r.json())");
        Assert.Equal("external", me.GetProperty("kind").GetString());
        Assert.Equal("scada", me.GetProperty("grants")[0].GetProperty("role").GetString());

        // Signed out, the cookie is worth nothing, though the provider would sign in again.
        await page.GotoAsync(_oee.Url + "/account");
        await page.Locator("button[type=submit]").ClickAsync();
        await page.Locator("input[autocomplete=username]").WaitForAsync();
        var audit = (await _oee.GetAsync("/api/audit?actor=external:anna")).GetProperty("items").EnumerateArray().ToList();
        Assert.Equal(["sign_out", "sign_in"], audit.Select(a => a.GetProperty("action").GetString()));
    }

    [Theory]
    [InlineData("a.b.c")]
    [InlineData("eyJ.e30.x")]
    [InlineData("..")]
    public async Task What_only_looks_like_a_token_is_none(string token)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Add("Authorization", $"Bearer {token}");
        using var response = await http.GetAsync(new Uri(_oee.Url + "/api/me"));
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    [Fact]
    public async Task Nobody_elses_link_signs_anybody_out()
    {
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        foreach (var path in new[] { "/signout-oidc", "/signout-callback-oidc" })
        {
            using var response = await http.GetAsync(new Uri(_oee.Url + path));
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        }
    }

    [Fact]
    public async Task Somebody_to_whom_nothing_is_granted_is_told_so()
    {
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await Chromium.LaunchAsync(playwright);
        var page = await SignInAsync(browser, "nobody-here");
        Assert.Contains("nothing is granted", await page.Locator("[role=alert]").InnerTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_that_nobody_asked_for_signs_nobody_in()
    {
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        using var response = await http.GetAsync(new Uri($"{_oee.Url}/sign-in/oidc?code=stolen&state=made-up"));
        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
        Assert.Contains("failed", response.Headers.Location!.OriginalString, StringComparison.Ordinal);
        var cookies = response.Headers.TryGetValues("Set-Cookie", out var set) ? set : [];
        Assert.DoesNotContain(cookies, c => c.StartsWith("oee-session=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_API_takes_access_tokens_of_the_provider_that_are_for_it_and_no_others()
    {
        using var http = new HttpClient();
        async Task<string> TokenAsync(string? resource)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"{Issuer}/token");
            request.Headers.Add(
                "Authorization", "Basic " + Convert.ToBase64String(Encoding.ASCII.GetBytes("robot:a-secret-of-the-robot")));
            var form = new Dictionary<string, string> { ["grant_type"] = "client_credentials", ["scope"] = "api" };
            if (resource is not null) form["resource"] = resource;
            request.Content = new FormUrlEncodedContent(form);
            using var response = await http.SendAsync(request);
            var json = await response.Content.ReadFromJsonAsync<JsonElement>();
            return json.TryGetProperty("access_token", out var token) ? token.GetString()! : throw new InvalidOperationException($"{json}");
        }

        async Task<HttpStatusCode> AskAsync(string path, string token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, _oee.Url + path);
            request.Headers.Add("Authorization", $"Bearer {token}");
            using var response = await http.SendAsync(request);
            return response.StatusCode;
        }

        var good = await TokenAsync(null);
        Assert.Equal(HttpStatusCode.OK, await AskAsync("/api/machines/status", good));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync("/api/users", good));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync("/api/machines/status", await TokenAsync("urn:somebody-else")));
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync("/api/machines/status", good[..^4] + "AAAA"));
    }

    [Fact]
    public async Task Our_access_tokens_are_good_to_whoever_has_our_public_keys()
    {
        var password = "first password";
        using var made = await _oee.Http.PostAsJsonAsync(
            new Uri(_oee.Url + "/api/users"), new { name = "bea", password, grants = new[] { new { role = "dashboard", at = "plant" } } });
        made.EnsureSuccessStatusCode();
        using var signed = await _oee.Http.PostAsJsonAsync(new Uri(_oee.Url + "/api/auth/token"), new { user = "bea", password });
        var token = (await signed.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("access_token").GetString()!;
        var verdict = await CheckAsync("oee-api:plant", token);
        Assert.Equal("bea", verdict.GetProperty("payload").GetProperty("sub").GetString());
        Assert.Equal("ES256", verdict.GetProperty("protectedHeader").GetProperty("alg").GetString());
        Assert.Equal("ERR_JWT_CLAIM_VALIDATION_FAILED", (await CheckAsync("another", token)).GetProperty("error").GetString());
        Assert.Equal(
            "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
            (await CheckAsync("oee-api:plant", token[..^6] + "AAAAAA")).GetProperty("error").GetString());
    }

    private async Task<JsonElement> CheckAsync(string audience, string token)
    {
        await using var process = ServerProcess.Start(
            "node", [Path.Combine(Oee.Peers, "jwt.mjs"), _oee.Url + "/.well-known/jwks.json", "oee:plant", audience, token]);
        await process.WaitForExitAsync(TimeSpan.FromSeconds(20));
        return JsonDocument.Parse(process.Output).RootElement;
    }

    private async Task<IPage> SignInAsync(IBrowser browser, string name)
    {
        var page = await browser.NewPageAsync();
        await page.GotoAsync(_oee.Url + "/sign-in");
        await page.GetByText("Sign in with the company's account").ClickAsync();
        await page.Locator("input[name=login]").FillAsync(name);
        await page.Locator("input[name=password]").FillAsync("anything");
        await page.Locator("button[type=submit]").ClickAsync();
        // It asks whether the gateway may know who one is.
        await page.GetByText("Continue").ClickAsync();
        return page;
    }
}
