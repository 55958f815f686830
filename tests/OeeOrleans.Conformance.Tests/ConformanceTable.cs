using System.Globalization;
using System.Reflection;
using System.Text;
using OeeOrleans.TestServers;

namespace OeeOrleans.Conformance.Tests;

/// <summary>
/// `docs/sparkplug-conformance.md` says of every normative statement which test proves it, or why none does; this keeps it true.
/// </summary>
public sealed class ConformanceTable
{
    private static readonly string[] Ids =
    [
        .. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "tck-ids.tsv")).Select(l => l.Split('\t')[0]).Where(i => i.Length > 0),
    ];

    /// <summary>Statements that no test of ours proves, and why.</summary>
    private static readonly Dictionary<string, string> Reasons = new()
    {
        ["principles-persistence-clean-session-50"] = "our edge speaks MQTT 3.1.1",
        ["message-flow-phid-sparkplug-clean-session-50"] = "our host speaks MQTT 3.1.1 where it has a STATE",
        ["payloads-ndeath-will-message-publisher-disconnect-mqtt50"] = "our edge speaks MQTT 3.1.1",
        ["topic-structure-namespace-unique-edge-node-descriptor"] = "for the plant: group and edge node id are chosen in its configuration",
        ["payloads-nbirth-edge-node-descriptor"] = "for the plant: group and edge node id are chosen in its configuration",
        ["operational-behavior-host-application-host-id"] = "for the plant: the host id is chosen in its configuration",
        ["operational-behavior-host-application-multi-server-timestamp"] = "our host is connected to one broker",
        ["host-topic-phid-death-payload-timestamp-disconnect-clean"] =
            "not so: the death has the time of its session's birth, so that the other silos of the same host can contradict it without "
                + "a new connection",
        ["host-topic-phid-death-payload-disconnect-clean"] = "not so: see host-topic-phid-death-payload-timestamp-disconnect-clean",
        ["host-topic-phid-death-payload-timestamp-disconnect-with-no-disconnect-packet"] =
            "our host never ends a connection on purpose without DISCONNECT",
        ["host-topic-phid-death-payload-disconnect-with-no-disconnect-packet"] =
            "our host never ends a connection on purpose without DISCONNECT",
        ["operational-behavior-host-reordering-param"] = "not so: the Reorder Timeout is 2 s and cannot be configured",
        ["operational-behavior-edge-node-termination-host-action-ndeath-node-tags-stale"] =
            "not so: metrics of a node itself belong to no machine, so they are not stored and have no quality",
        ["payloads-metric-datatype-not-req"] =
            "not so: our edge repeats the datatype in data, so that a record can be read without its birth",
        ["topics-dcmd-topic"] = "the host sends no DCMD yet; our edge reads them (see dcmd-verb)",
        ["topics-dcmd-mqtt"] = "the host sends no DCMD yet",
        ["topics-dcmd-timestamp"] = "the host sends no DCMD yet",
        ["topics-dcmd-payload"] = "the host sends no DCMD yet",
        ["payloads-dcmd-timestamp"] = "the host sends no DCMD yet",
        ["payloads-dcmd-seq"] = "the host sends no DCMD yet",
        ["payloads-dcmd-qos"] = "the host sends no DCMD yet",
        ["payloads-dcmd-retain"] = "the host sends no DCMD yet",
        ["topics-nbirth-templates"] = "our edge publishes no templates; the codec reads and writes them (see payloads-template-*)",
        ["payloads-template-definition-nbirth-only"] =
            "our edge publishes no templates; the codec does not compare instances with definitions",
        ["payloads-template-definition-nbirth"] = "our edge publishes no templates; the codec does not compare instances with definitions",
        ["payloads-template-definition-members"] = "our edge publishes no templates; the codec does not compare instances with definitions",
        ["payloads-template-definition-parameters"] =
            "our edge publishes no templates; the codec does not compare instances with definitions",
        ["payloads-template-instance-members"] = "our edge publishes no templates; the codec does not compare instances with definitions",
        ["payloads-template-instance-members-birth"] =
            "our edge publishes no templates; the codec does not compare instances with definitions",
        ["payloads-template-instance-members-data"] =
            "our edge publishes no templates; the codec does not compare instances with definitions",
        ["payloads-template-instance-parameters"] =
            "our edge publishes no templates; the codec does not compare instances with definitions",
        ["conformance-mqtt-aware-basic"] = "for brokers: we are none that is Sparkplug aware",
        ["conformance-mqtt-aware-store"] = "for brokers that are Sparkplug aware",
        ["conformance-mqtt-aware-nbirth-mqtt-topic"] = "for brokers that are Sparkplug aware",
        ["conformance-mqtt-aware-nbirth-mqtt-retain"] = "for brokers that are Sparkplug aware",
        ["conformance-mqtt-aware-dbirth-mqtt-topic"] = "for brokers that are Sparkplug aware",
        ["conformance-mqtt-aware-dbirth-mqtt-retain"] = "for brokers that are Sparkplug aware",
        ["conformance-mqtt-aware-ndeath-timestamp"] = "for brokers that are Sparkplug aware",
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

    /// <summary>Every `Statements` of a class of tests is run by its theory `Holds`, once per id.</summary>
    private static Dictionary<string, List<string>> Proven()
    {
        var proven = new Dictionary<string, List<string>>();
        foreach (var type in typeof(ConformanceTable).Assembly.GetTypes())
        {
            if (type.GetField("Statements", BindingFlags.NonPublic | BindingFlags.Static)?.GetValue(null) is not IStatements statements)
            {
                continue;
            }

            foreach (var id in statements.Ids)
            {
                if (!proven.TryGetValue(id, out var tests)) proven[id] = tests = [];
                tests.Add($"{type.Name}.Holds");
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

            Made by the tests in `tests/OeeOrleans.Conformance.Tests`, which hold an assertion of its own for every statement they prove,
            run it by its id, and fail with the statement's words. {Ids.Count(proven.ContainsKey)} of {Ids.Length} statements are proven;
            of the others this says why not. Our edge publishes births and data at QoS 1 by default: acknowledge-after-commit needs it.
            The statements about QoS 0 hold with `edge.qos: 0`.

            | statement | test, or why there is none |
            |---|---|

            """);
        foreach (var id in Ids)
        {
            var why = proven.TryGetValue(id, out var tests)
                ? string.Join(", ", tests.Select(t => $"`{t}`"))
                : Reasons.GetValueOrDefault(Short(id), "?");
            text.Append(CultureInfo.InvariantCulture, $"| {id} | {why} |\n");
        }

        return text.ToString();
    }
}
