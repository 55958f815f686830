using System.Runtime.CompilerServices;
using System.Text.Json;
using OeeOrleans.Cip;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Edge.Tags;

namespace OeeOrleans.Edge.Sources.Cip;

/// <summary>A Rockwell controller's tags or data files, to look at and to change by hand.</summary>
internal sealed class CipTags(CipClient client) : ITagAccess
{
    private const string Writable = "cannot be written; numbers, true, false, texts and arrays can, and a structure member by member";
    private const int NestedAtMost = 16;

    /// <summary>Of one scope: no controller has as many members, and one that lies is not believed for ever.</summary>
    private const int MostNodes = 1_000_000;

    /// <exception cref="PlcException">There is no connection to be had; the message says what to look at.</exception>
    public static Task<CipTags> OpenAsync(CipClientOptions options, CancellationToken cancellationToken) =>
        TranslatedAsync(async () => new CipTags(await CipClient.ConnectAsync(options, cancellationToken)));

    public async Task<IReadOnlyList<TagReading>> ReadAsync(IReadOnlyList<string> addresses, CancellationToken cancellationToken)
    {
        var results = await TranslatedAsync(() => client.ReadAsync([.. addresses.Select(Parse)], cancellationToken));
        return [.. results.Select(Reading)];
    }

    public Task<IReadOnlyList<TagWriteResult>> WriteAsync(
        IReadOnlyList<(string Address, JsonElement Value)> values, CancellationToken cancellationToken) =>
        PolledTags.WriteEachAsync(values, async (text, json) =>
        {
            var value = PolledTags.Plain(json, Writable) ?? throw new ArgumentException($"{text}: null cannot be written");
            return (await TranslatedAsync(() => client.WriteAsync(Parse(text), value, cancellationToken))).Error;
        });

    public IAsyncEnumerable<TagReading> WatchAsync(
        IReadOnlyList<string> addresses, TimeSpan interval, CancellationToken cancellationToken)
    {
        var plan = client.Plan([.. addresses.Select(Parse)]);
        Task ReadAsync() => TranslatedAsync(async () =>
        {
            await client.ReadAsync(plan, cancellationToken);
            return true;
        });
        return PolledTags.WatchAsync(addresses.Count, interval, ReadAsync, i => Reading(plan.ResultOf(i)), cancellationToken);
    }

    /// <summary>The controller's tags, then those of its programs; below a structure its members.</summary>
    public async IAsyncEnumerable<TagNode> BrowseAsync(
        string? from, int? depth, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var levels = depth ?? int.MaxValue;
        var only = from is null || IsProgram(from) ? null : from;
        if (from is null || !IsProgram(from))
        {
            var isProgram = only?.StartsWith("Program:", StringComparison.OrdinalIgnoreCase) == true;
            var nodes = isProgram ? [] : await NodesAsync(null, only, levels, cancellationToken);
            if (nodes.Count == 0 && only is not null && !isProgram) throw new PlcException($"there is no tag '{only}' to begin at");
            foreach (var node in nodes) yield return node;
        }

        if (only is not null && !only.StartsWith("Program:", StringComparison.OrdinalIgnoreCase)) yield break;
        foreach (var program in await TranslatedAsync(() => client.ListProgramsAsync(cancellationToken)))
        {
            var name = $"Program:{program}";
            var isAsked = from is null || from.Equals(name, StringComparison.OrdinalIgnoreCase)
                || from.StartsWith(name + ".", StringComparison.OrdinalIgnoreCase);
            if (!isAsked) continue;
            if (from is null) yield return new TagNode(name, program, "program", null, false);
            if (from is null && levels < 2) continue;
            foreach (var node in await NodesAsync(program, only, from is null ? levels - 1 : levels, cancellationToken)) yield return node;
        }
    }

    public ValueTask DisposeAsync() => client.DisposeAsync();

    /// <summary>`Program:Main`: a browse may begin there.</summary>
    public static bool IsProgram(string from) =>
        from.StartsWith("Program:", StringComparison.OrdinalIgnoreCase) && !from.Contains('.', StringComparison.Ordinal);

    private async Task<List<TagNode>> NodesAsync(string? program, string? only, int depth, CancellationToken cancellationToken)
    {
        var nodes = new List<TagNode>();
        foreach (var tag in await TranslatedAsync(() => client.ListTagsAsync(program, cancellationToken)))
        {
            var isAbove = only?.StartsWith($"{tag.Address}.", StringComparison.OrdinalIgnoreCase) == true;
            if (only is not null && !isAbove && !tag.Address.Equals(only, StringComparison.OrdinalIgnoreCase)) continue;
            // From a member of it: its levels count from there.
            var levels = isAbove ? int.MaxValue : depth;
            var type = tag.Type.Name + (tag.Dimensions.Count > 0 ? $"[{string.Join(',', tag.Dimensions)}]" : "");
            nodes.Add(new TagNode(tag.Address, tag.Name, KindOf(tag.Type, "variable"), type, !tag.Type.IsStructure || tag.Type.IsText));
            if (tag.Dimensions.Count == 0) Add(tag.Address, tag.Type, levels - 1, 0, nodes);
        }

        if (only is null) return nodes;
        nodes.RemoveAll(n => !n.Address.Equals(only, StringComparison.OrdinalIgnoreCase)
            && !(n.Address.StartsWith($"{only}.", StringComparison.OrdinalIgnoreCase)
                && n.Address.AsSpan(only.Length).Count('.') < depth));
        return nodes;
    }

    private static void Add(string address, CipType type, int depth, int level, List<TagNode> into)
    {
        if (depth <= 0 || level > NestedAtMost || into.Count > MostNodes || type.IsText || type.Template is not { } template) return;
        foreach (var member in template.Members.Where(m => !m.IsHidden))
        {
            var name = $"{address}.{member.Name}";
            var shown = member.Type.Name + (member.ArrayLength > 0 ? $"[{member.ArrayLength}]" : "");
            into.Add(new TagNode(name, member.Name, KindOf(member.Type, "member"), shown, !member.Type.IsStructure || member.Type.IsText));
            if (member.ArrayLength == 0) Add(name, member.Type, depth - 1, level + 1, into);
        }
    }

    private static string KindOf(CipType type, string otherwise) => type is { IsStructure: true, IsText: false } ? "structure" : otherwise;

    private CipAddress Parse(string text) => CipAddress.Parse(text, client.Plc);

    private static TagReading Reading(CipResult result)
    {
        // Whoever asks by hand sees one number for bad, and the sentence.
        var quality = result.Error is null ? PolledTags.Good : 0;
        var type = result.Type is null ? null : result.Type.Name + (result.Address.Count is null ? "" : "[]");
        return new TagReading(result.Address.Text, CipValues.ToJson(result.Value), type, quality, null, null, result.Error);
    }

    private static async Task<T> TranslatedAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (CipException error)
        {
            throw CipDriver.Translated(error);
        }
    }
}
