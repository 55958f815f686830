using System.Diagnostics;

namespace OeeOrleans.TestServers;

/// <summary>Waits for a condition with a deadline; the message says what was awaited and what was there at the end.</summary>
public static class Eventually
{
    public static async Task<T> HoldsAsync<T>(string what, TimeSpan deadline, Func<Task<T>> probe, Func<T, bool> condition)
    {
        var started = Stopwatch.GetTimestamp();
        var last = "nothing";
        while (true)
        {
            try
            {
                var value = await probe();
                if (condition(value)) return value;
                last = value?.ToString() ?? "null";
            }
            catch (Exception error) when (Stopwatch.GetElapsedTime(started) < deadline)
            {
                last = error.Message;
            }

            if (Stopwatch.GetElapsedTime(started) > deadline)
            {
                throw new TimeoutException($"waited {deadline.TotalSeconds:0} s for: {what}; found at last: {last}");
            }

            await Task.Delay(50);
        }
    }

    public static Task TrueAsync(string what, TimeSpan deadline, Func<Task<bool>> probe) => HoldsAsync(what, deadline, probe, ok => ok);
}
