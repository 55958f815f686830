using System.Reflection;
using System.Text;
using OeeOrleans.TestServers;

namespace OeeOrleans.Conformance.Tests;

/// <summary>`docs/sparkplug-conformance.md` says of every normative statement which test proves it, or why none does; this keeps it true.</summary>
public sealed class ConformanceTable
{
    private static readonly string[] Ids = [.. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "tck-ids.tsv")).Select(l => l.Split('\t')[0]).Where(i => i.Length > 0)];

    /// <summary>Statements that no test of ours proves, and why.</summary>
    private static readonly Dictionary<string, string> Reasons = new()
    {
        ["topic-structure-namespace-unique-edge-node-descriptor"] = "for the plant: group and edge node id are chosen in its configuration; two with the same client id would take the session from each other",
        ["topics-dcmd-topic"] = "the host sends no DCMD yet; our edge reads them (see dcmd-verb)",
        ["topics-dcmd-mqtt"] = "the host sends no DCMD yet",
        ["topics-dcmd-timestamp"] = "the host sends no DCMD yet",
        ["topics-dcmd-payload"] = "the host sends no DCMD yet",
        ["payloads-dcmd-timestamp"] = "the host sends no DCMD yet",
        ["payloads-dcmd-seq"] = "the host sends no DCMD yet",
        ["payloads-dcmd-qos"] = "the host sends no DCMD yet",
        ["payloads-dcmd-retain"] = "the host sends no DCMD yet",
        ["topics-nbirth-templates"] = "our edge publishes no templates; the codec reads and writes them (see payloads-template-*)",
        ["payloads-template-definition-nbirth-only"] = "our edge publishes no templates",
        ["payloads-template-definition-nbirth"] = "our edge publishes no templates",
        ["conformance-mqtt-aware-basic"] = "for brokers: we are none that is Sparkplug aware",
        ["conformance-mqtt-aware-store"] = "for brokers",
        ["conformance-mqtt-aware-nbirth-mqtt-retain"] = "for brokers",
        ["conformance-mqtt-aware-dbirth-mqtt-retain"] = "for brokers",
        ["conformance-mqtt-aware-ndeath-timestamp"] = "for brokers",
    };

    [Fact]
    public void Every_statement_is_proven_by_a_test_or_has_a_reason()
    {
        var proven = Proven();
        Assert.Equal([], Ids.Except(proven.Keys).Except(Reasons.Keys.Select(r => "tck-id-" + r)));
        Assert.Empty(proven.Keys.Except(Ids));
        Assert.Equal([], Reasons.Keys.Select(r => "tck-id-" + r).Intersect(proven.Keys));
    }

    [Fact]
    public void The_document_says_what_the_tests_say()
    {
        var file = Path.Combine(Repository.Root, "docs", "sparkplug-conformance.md");
        var text = Document();
        if (Environment.GetEnvironmentVariable("OEE_WRITE_DOCS") == "1") File.WriteAllText(file, text);
        Assert.Equal(text, File.ReadAllText(file));
    }

    private static string Short(string id) => id["tck-id-".Length..];

    private static Dictionary<string, List<string>> Proven()
    {
        var proven = new Dictionary<string, List<string>>();
        foreach (var method in typeof(ConformanceTable).Assembly.GetTypes().SelectMany(t => t.GetMethods()))
        {
            foreach (var id in method.GetCustomAttributes<TckAttribute>().SelectMany(t => t.Ids))
            {
                if (!proven.TryGetValue(id, out var tests)) proven[id] = tests = [];
                tests.Add($"{method.DeclaringType!.Name}.{method.Name}");
            }
        }

        return proven;
    }

    private static string Document()
    {
        var proven = Proven();
        var text = new StringBuilder(
            $"""
            # Sparkplug 3.0.0, statement by statement

            Made by the tests in `tests/OeeOrleans.Conformance.Tests`, which run once for every statement they prove, with its id in the name. {Ids.Count(proven.ContainsKey)} of {Ids.Length} statements are proven; of the others this says why not.
            Our edge publishes births and data at QoS 1 by default (`edge.qos: 0` is what the specification says): acknowledge-after-commit needs it.

            | statement | test, or why there is none |
            |---|---|

            """);
        foreach (var id in Ids)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"| {id} | {(proven.TryGetValue(id, out var tests) ? string.Join(", ", tests.Select(t => $"`{t}`")) : Reasons.GetValueOrDefault(Short(id), "?"))} |\n");
        }

        return text.ToString();
    }
}
