using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Edge.Tags;
using OeeOrleans.S7;

namespace OeeOrleans.Edge.Sources.S7;

/// <summary>An S7 PLC's memory, to look at and to change by hand.</summary>
internal sealed class S7Tags(S7Client client) : ITagAccess
{
    private const int Good = 192;

    /// <exception cref="PlcException">There is no connection to be had; the message says what to look at.</exception>
    public static Task<S7Tags> OpenAsync(S7ClientOptions options, CancellationToken cancellationToken) =>
        TranslatedAsync(async () => new S7Tags(await S7Client.ConnectAsync(options, cancellationToken)));

    public async Task<IReadOnlyList<TagReading>> ReadAsync(IReadOnlyList<string> addresses, CancellationToken cancellationToken)
    {
        var results = await TranslatedAsync(() => client.ReadAsync([.. addresses.Select(S7Address.Parse)], cancellationToken));
        return [.. results.Select((r, i) => Reading(addresses[i], r))];
    }

    public async Task<IReadOnlyList<TagWriteResult>> WriteAsync(
        IReadOnlyList<(string Address, JsonElement Value)> values, CancellationToken cancellationToken)
    {
        var results = new List<TagWriteResult>();
        foreach (var (text, json) in values)
        {
            // Each by itself: a value that fits nowhere must not keep the others from being written.
            string? error = null;
            try
            {
                var address = S7Address.Parse(text);
                var value = FromJson(json, address.Type) ?? throw new ArgumentException($"{text}: null cannot be written");
                var status = (await TranslatedAsync(() => client.WriteAsync([(address, value)], cancellationToken)))[0];
                if (status != S7Status.Good) error = S7Errors.Sentence(status);
            }
            catch (Exception wrong) when (wrong is ArgumentException or PlcException)
            {
                error = wrong.Message;
            }

            results.Add(new TagWriteResult(text, error is null, error));
        }

        return results;
    }

    public async IAsyncEnumerable<TagReading> WatchAsync(
        IReadOnlyList<string> addresses, TimeSpan interval, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var plan = client.Plan([.. addresses.Select(S7Address.Parse)]);
        var before = new string?[addresses.Count];
        using var timer = new PeriodicTimer(interval);
        do
        {
            await TranslatedAsync(async () =>
            {
                await client.ReadAsync(plan, cancellationToken);
                return true;
            });
            for (var i = 0; i < addresses.Count; i++)
            {
                var reading = Reading(addresses[i], plan.ResultOf(i));
                // What it shows counts: the bits beside a BOOL, and what lies behind a text, are nobody's change.
                var shown = reading.Error + TagJson.Write(json => TagJson.Write(json, reading.Value));
                if (before[i] == shown) continue;
                before[i] = shown;
                yield return reading;
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>The blocks that the PLC lists: what lies in them only their program knows.</summary>
    public async IAsyncEnumerable<TagNode> BrowseAsync(
        string? from, int? depth, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var only = from is null ? null : DbOf(from);
        foreach (var block in await TranslatedAsync(() => client.ListBlocksAsync(cancellationToken)))
        {
            var isDb = block.Type == S7BlockType.DB;
            if (only is { } db && (!isDb || block.Number != db)) continue;
            var name = string.Create(CultureInfo.InvariantCulture, $"{block.Type.ToString().ToUpperInvariant()}{block.Number}");
            var type = block.Size is { } size ? string.Create(CultureInfo.InvariantCulture, $"BYTE[{size}]") : null;
            var address = isDb && block.Size > 0 ? $"{name}.DBB0:{type}" : name;
            yield return new TagNode(address, name, "block", type, isDb);
        }
    }

    public ValueTask DisposeAsync() => client.DisposeAsync();

    /// <summary>The data block a browse begins at: `DB10`, or an address in it; null when it is none.</summary>
    public static int? DbOf(string from)
    {
        if (S7Address.TryParse(from, out var address, out _) || S7Address.TryParse(from + ".DBB0", out address, out _))
        {
            return address.Area == S7Area.DataBlock ? address.Db : null;
        }

        return null;
    }

    private static TagReading Reading(string text, S7Result result)
    {
        // Whoever asks by hand sees one number for bad, and the sentence.
        var quality = result.Error is null ? Good : 0;
        return new TagReading(
            text, result.Value is null ? null : S7Values.ToJson(result.Value), result.Address.TypeName, quality, null, null, result.Error);
    }

    private static object? FromJson(JsonElement json, S7DataType type) => json.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number => Number(json, type),
        JsonValueKind.Array => json.EnumerateArray().Select(e => FromJson(e, type)).ToArray(),
        JsonValueKind.Null => null,
        _ => throw new ArgumentException($"{json.GetRawText()} is nothing an S7 PLC holds; numbers, true, false, texts and arrays are"),
    };

    private static object Number(JsonElement json, S7DataType type)
    {
        // To the nanosecond, which a double does not hold.
        if (type is S7DataType.LTime) return json.GetRawText();
        if (json.TryGetInt64(out var whole)) return whole;
        if (json.TryGetUInt64(out var large)) return large;
        return json.GetDouble();
    }

    private static async Task<T> TranslatedAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (S7Exception error)
        {
            throw S7Driver.Translated(error);
        }
    }
}
