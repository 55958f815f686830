using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using OeeOrleans.Edge.Tags;
using OeeOrleans.Model;

namespace OeeOrleans.Host.Commands;

/// <summary>A piece of plant.yaml for what was found in a PLC: the edge's source with its tags.</summary>
internal static class PlantFragment
{
    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A tag without a known meaning gets its own name as metric; it is in the fragment all the same, to be taken out or
    /// named.</summary>
    public static string Write(string source, string device, IReadOnlyList<TagNode> found)
    {
        var blocks = found.Where(n => n.Kind == "block").ToList();
        if (blocks.Count > 0) return Blocks(source, device, blocks);
        var tags = found
            .Where(n => n is { Kind: "variable" or "member", Type: not null } && !IsOfTheServer(n.Address) && !IsCounted(n.Type))
            .Select(n => (Node: n, Signal: SignalProposal.Of(n.Name, n.Type)))
            .ToList();
        // Signals' own names are for signals: a tag that only happens to be called like one must not become it.
        var taken = new HashSet<string>(SignalProposal.Signals, StringComparer.OrdinalIgnoreCase);
        var free = new HashSet<string>(SignalProposal.Signals, StringComparer.OrdinalIgnoreCase);
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"# {tags.Count} tags found.");
        text.AppendLine("# Signals are guessed from names: look at each before you rely on it.");
        AppendSource(text, source, device);
        foreach (var (node, signal) in tags.OrderByDescending(t => t.Signal is not null))
        {
            // A signal has one source: the second that looks like it keeps its own name.
            var metric = signal is not null && free.Remove(signal) ? signal : Unique(node, taken);
            var note = metric == signal ? "" : $"   # {Quoted(node.Type!)}";
            text.AppendLine(
                CultureInfo.InvariantCulture,
                    $"        - {{ address: {Quoted(node.LastingAddress ?? node.Address)}, metric: {Quoted(metric)} }}{note}");
        }

        return text.ToString();
    }

    /// <summary>A PLC that has memory and no names: its blocks, and one address in each as a start.</summary>
    private static string Blocks(string source, string device, IReadOnlyList<TagNode> blocks)
    {
        var text = new StringBuilder();
        var readable = blocks.Where(b => b is { Writable: true, Type: not null }).ToList();
        text.AppendLine(CultureInfo.InvariantCulture, $"# {blocks.Count} blocks found, {readable.Count} of them with data.");
        if (readable.Count == 0) return text.ToString();
        text.AppendLine("# This PLC keeps no names: what lies where says its program. One address a block stands here as a start; put in");
        text.AppendLine("# yours, such as DB1.DBX0.0 for state.run and DB1.DBD4:DINT for counter.good.");
        AppendSource(text, source, device);
        foreach (var block in readable)
        {
            var address = $"{block.Name}.DBB0";
            text.AppendLine(
                CultureInfo.InvariantCulture, $"        - {{ address: {Quoted(address)}, metric: {Quoted(address)} }}   # {block.Type}");
        }

        return text.ToString();
    }

    private static void AppendSource(StringBuilder text, string source, string device)
    {
        text.AppendLine("edge:");
        text.AppendLine("  sources:");
        text.AppendLine(CultureInfo.InvariantCulture, $"    - id: {Quoted(device + "-plc")}");
        text.AppendLine(CultureInfo.InvariantCulture, $"      url: {Quoted(source)}");
        text.AppendLine("      interval_ms: 250");
        text.AppendLine(CultureInfo.InvariantCulture, $"      device: {Quoted(device)}");
        text.AppendLine("      tags:");
    }

    /// <summary>An array whose address alone is its first element.</summary>
    private static bool IsCounted(string type) => type.EndsWith(']') && !type.EndsWith("[]", StringComparison.Ordinal);

    /// <summary>What every server says of itself.</summary>
    private static bool IsOfTheServer(string address) => address.StartsWith("i=", StringComparison.Ordinal);

    private static string Unique(TagNode node, HashSet<string> taken)
    {
        var name = new string([.. node.Name.Select(c => c is '+' or '#' ? '_' : c)]);
        if (name.Length == 0) name = node.Address;
        var unique = name;
        for (var i = 2; !taken.Add(unique); i++) unique = string.Create(CultureInfo.InvariantCulture, $"{name}_{i}");
        return unique;
    }

    /// <summary>As JSON writes it, which YAML reads: quotes, backslashes and control characters escaped.</summary>
    private static string Quoted(string text) => JsonSerializer.Serialize(text, Json);
}
