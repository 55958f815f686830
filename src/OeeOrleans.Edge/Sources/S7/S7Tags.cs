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
    private const string Writable = "is nothing an S7 PLC holds; numbers, true, false, texts and arrays are";

    /// <exception cref="PlcException">There is no connection to be had; the message says what to look at.</exception>
    public static Task<S7Tags> OpenAsync(S7ClientOptions options, CancellationToken cancellationToken) =>
        TranslatedAsync(async () => new S7Tags(await S7Client.ConnectAsync(options, cancellationToken)));

    public async Task<IReadOnlyList<TagReading>> ReadAsync(IReadOnlyList<string> addresses, CancellationToken cancellationToken)
    {
        var results = await TranslatedAsync(() => client.ReadAsync([.. addresses.Select(S7Address.Parse)], cancellationToken));
        return [.. results.Select((r, i) => Reading(addresses[i], r))];
    }

    public Task<IReadOnlyList<TagWriteResult>> WriteAsync(
        IReadOnlyList<(string Address, JsonElement Value)> values, CancellationToken cancellationToken) =>
        PolledTags.WriteEachAsync(values, async (text, json) =>
        {
            var address = S7Address.Parse(text);
            // A LTIME is to the nanosecond, which a double does not hold.
            var value = PolledTags.Plain(json, Writable, exact: address.Type == S7DataType.LTime)
                ?? throw new ArgumentException($"{text}: null cannot be written");
            var status = (await TranslatedAsync(() => client.WriteAsync([(address, value)], cancellationToken)))[0];
            return status == S7Status.Good ? null : S7Errors.Sentence(status);
        });

    public IAsyncEnumerable<TagReading> WatchAsync(
        IReadOnlyList<string> addresses, TimeSpan interval, CancellationToken cancellationToken)
    {
        var plan = client.Plan([.. addresses.Select(S7Address.Parse)]);
        Task ReadAsync() => TranslatedAsync(async () =>
        {
            await client.ReadAsync(plan, cancellationToken);
            return true;
        });
        return PolledTags.WatchAsync(addresses.Count, interval, ReadAsync, i => Reading(addresses[i], plan.ResultOf(i)), cancellationToken);
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
        var quality = result.Error is null ? PolledTags.Good : 0;
        return new TagReading(
            text, result.Value is null ? null : S7Values.ToJson(result.Value), result.Address.TypeName, quality, null, null, result.Error);
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
