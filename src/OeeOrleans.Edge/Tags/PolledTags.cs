using System.Runtime.CompilerServices;
using System.Text.Json;
using OeeOrleans.Edge.Sources.Polling;

namespace OeeOrleans.Edge.Tags;

/// <summary>What is the same for all PLCs that are looked at by hand and tell nothing by themselves.</summary>
internal static class PolledTags
{
    /// <summary>OPC number of what could be read.</summary>
    public const int Good = 192;

    /// <summary>Each by itself: a value that fits nowhere must not keep the others from being written.</summary>
    /// <param name="values">In their order.</param>
    /// <param name="write">Writes one; a sentence when the PLC does not take it, null when it did.</param>
    public static async Task<IReadOnlyList<TagWriteResult>> WriteEachAsync(
        IReadOnlyList<(string Address, JsonElement Value)> values, Func<string, JsonElement, Task<string?>> write)
    {
        var results = new List<TagWriteResult>();
        foreach (var (address, value) in values)
        {
            string? error;
            try
            {
                error = await write(address, value);
            }
            catch (Exception wrong) when (wrong is ArgumentException or PlcException)
            {
                error = wrong.Message;
            }

            results.Add(new TagWriteResult(address, error is null, error));
        }

        return results;
    }

    /// <summary>What each shows now, and then every change of what it shows.</summary>
    /// <param name="count">How many there are.</param>
    /// <param name="interval">Between two readings.</param>
    /// <param name="read">Reads all of them.</param>
    /// <param name="reading">What the last reading brought of one.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async IAsyncEnumerable<TagReading> WatchAsync(
        int count, TimeSpan interval, Func<Task> read, Func<int, TagReading> reading,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var before = new string?[count];
        using var timer = new PeriodicTimer(interval);
        do
        {
            await read();
            for (var i = 0; i < count; i++)
            {
                var now = reading(i);
                // What it shows counts: the bits beside a BOOL, and what lies behind a text, are nobody's change.
                var shown = now.Error + TagJson.Write(json => TagJson.Write(json, now.Value));
                if (before[i] == shown) continue;
                before[i] = shown;
                yield return now;
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>A value to write: bool, string, long, ulong, double, an array of these, or null.</summary>
    /// <param name="json">As it was given.</param>
    /// <param name="wrong">What is said of anything else, behind it.</param>
    /// <param name="exact">Numbers are handed on as they are written, for types that hold more than a double.</param>
    /// <exception cref="ArgumentException">It is an object.</exception>
    public static object? Plain(JsonElement json, string wrong, bool exact = false) => json.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number when exact => json.GetRawText(),
        JsonValueKind.Number when json.TryGetInt64(out var whole) => whole,
        JsonValueKind.Number when json.TryGetUInt64(out var large) => large,
        JsonValueKind.Number => json.GetDouble(),
        JsonValueKind.Array => json.EnumerateArray().Select(e => Plain(e, wrong, exact)).ToArray(),
        JsonValueKind.Null => null,
        _ => throw new ArgumentException($"{json.GetRawText()} {wrong}"),
    };
}
