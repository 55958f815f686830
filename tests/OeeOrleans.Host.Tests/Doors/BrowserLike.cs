using System.Net;
using System.Text.RegularExpressions;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>Has a cookie, and sends it along as a browser does, whoever's page asks.</summary>
internal sealed partial class BrowserLike : IDisposable
{
    private readonly HttpClient _http;

    private BrowserLike(HttpClient http, CookieContainer cookies) => (_http, Cookies) = (http, cookies);

    public CookieContainer Cookies { get; }

    public HttpClient Http => _http;

    public static async Task<BrowserLike> SignInAsync(GuardedPlant plant, string user, string password)
    {
        var cookies = new CookieContainer();
        var http = new HttpClient(new HttpClientHandler { CookieContainer = cookies, AllowAutoRedirect = false })
        {
            BaseAddress = new Uri(plant.Url),
        };
        var browser = new BrowserLike(http, cookies);
        using var response = await browser.PostFormAsync("/sign-in", new() { ["Form.User"] = user, ["Form.Password"] = password });
        if (response.StatusCode == HttpStatusCode.Redirect) return browser;
        throw new InvalidOperationException($"{response.StatusCode} {await response.Content.ReadAsStringAsync()}");
    }

    /// <summary>Sends a page's form back with its hidden fields.</summary>
    public async Task<HttpResponseMessage> PostFormAsync(string path, Dictionary<string, string> fields, string? origin = null)
    {
        var page = await _http.GetStringAsync(path);
        foreach (Match hidden in Hidden().Matches(page)) fields.TryAdd(hidden.Groups["name"].Value, hidden.Groups["value"].Value);
        return await SendAsync(HttpMethod.Post, path, new FormUrlEncodedContent(fields), origin);
    }

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, HttpContent? content, string? origin = null)
    {
        var request = new HttpRequestMessage(method, path) { Content = content };
        if (origin is not null) request.Headers.Add("Origin", origin);
        return _http.SendAsync(request);
    }

    public void Dispose() => _http.Dispose();

    [GeneratedRegex("<input type=\"hidden\" name=\"(?<name>[^\"]*)\" value=\"(?<value>[^\"]*)\"")]
    private static partial Regex Hidden();
}
