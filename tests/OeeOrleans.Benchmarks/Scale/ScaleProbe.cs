using System.Diagnostics;
using System.Net;
using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.Benchmarks.Scale;

/// <summary>Looks at a plant from outside, as a user of the API does.</summary>
internal sealed class ScaleProbe(Rig rig, int machines) : IDisposable
{
    public const string Allocated = "system_runtime_dotnet_gc_heap_total_allocated";
    public const string Exceptions = "system_runtime_exception_count_total";

    private const int Asked = 20;

    private readonly HttpClient _http = TestAccess.Client();

    /// <summary>Answers 503 since this was asked last.</summary>
    public int Unavailable
    {
        get
        {
            var seen = field;
            field = 0;
            return seen;
        }

        private set;
    }

    /// <summary>Seconds until every machine says that it was heard of after an instant; NaN when the limit came first.</summary>
    public async Task<double> UntilAllSeenAsync(long sinceUs, long started, TimeSpan limit)
    {
        // Asking for ten thousand machines is work as well: not more often than needed.
        var pause = TimeSpan.FromMilliseconds(machines > 1_000 ? 500 : 100);
        while (Stopwatch.GetElapsedTime(started) < limit)
        {
            if (await SeenAsync(sinceUs) == machines) return Stopwatch.GetElapsedTime(started).TotalSeconds;
            await Task.Delay(pause);
        }

        return double.NaN;
    }

    public async Task StatusOfAllAsync() => await SeenAsync(0);

    public async Task LatenciesAsync(ScaleResult result)
    {
        result.StatusOfAllP95Ms = await P95Async("/api/machines/status");
        result.StatusOfLineP95Ms = await P95Async("/api/machines/status?line_id=line0");
        result.DashboardP95Ms = await P95Async("/dashboard/ClusterStats");
        result.MetricsKb = (await _http.GetByteArrayAsync(rig.Url + "/metrics")).Length / 1024.0;
    }

    /// <summary>Published values that are not in the store; negative: rows too many.</summary>
    public async Task<long> LostAsync(long published, TimeSpan limit)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            // A death that was told twice is a row that nobody published.
            var stored = await rig.ScalarAsync<long>("select count(*) from sample where quality >= 64");
            if (stored >= published || Stopwatch.GetElapsedTime(started) > limit) return published - stored;
            await Task.Delay(500);
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<int> SeenAsync(long sinceUs)
    {
        using var answer = await GetAsync("/api/machines/status");
        if (answer is null) return 0;
        using var document = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync());
        var seen = 0;
        foreach (var item in document.RootElement.GetProperty("items").EnumerateArray())
        {
            var last = item.GetProperty("last_seen");
            if (last.ValueKind == JsonValueKind.Null || item.GetProperty("state").GetString() == "unknown") continue;
            if (last.GetDateTimeOffset().ToUnixTimeMilliseconds() * 1000 >= sinceUs) seen++;
        }

        return seen;
    }

    private async Task<HttpResponseMessage?> GetAsync(string path)
    {
        try
        {
            var answer = await _http.GetAsync(rig.Url + path);
            if (answer.IsSuccessStatusCode) return answer;
            if (answer.StatusCode == HttpStatusCode.ServiceUnavailable) Unavailable = Unavailable + 1;
            answer.Dispose();
            return null;
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
        {
            // Not up yet.
            return null;
        }
    }

    private async Task<double> P95Async(string path)
    {
        var times = new List<double>();
        for (var i = 0; i < Asked; i++)
        {
            var started = Stopwatch.GetTimestamp();
            using var answer = await GetAsync(path);
            if (answer is not null) await answer.Content.ReadAsByteArrayAsync();
            times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            await Task.Delay(100);
        }

        times.Sort();
        return times[(int)(Asked * 0.95) - 1];
    }
}
