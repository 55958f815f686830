using System.Globalization;
using System.Text;
using OeeOrleans.Access.Grants;

namespace OeeOrleans.Access.Mqtt;

/// <summary>
/// The rules of the embedded broker in the words of others, for a plant that has a broker of its own. User names are those of keys; an edge
/// node's is the node itself (`group/node`), the host's that of `broker.username`. Passwords are that broker's own business.
/// </summary>
public static class MqttAcl
{
    /// <summary>User names with what they may.</summary>
    /// <param name="tree">The plant; each of its edge nodes has a rule.</param>
    /// <param name="identities">Names and grants of keys and users.</param>
    /// <param name="resultsNode">See <see cref="MqttRights.Of"/>.</param>
    /// <param name="hostUser">The host's user name.</param>
    public static IReadOnlyList<(string User, MqttRights Rights)> Rules(
        AssetTree tree, IEnumerable<(string Name, IReadOnlyList<Grant> Grants)> identities, string? resultsNode,
        string hostUser)
    {
        MqttRights Of(IReadOnlyList<Grant> grants) => MqttRights.Of(new AccessScope(tree, grants), resultsNode);
        var rules = new SortedDictionary<string, MqttRights>(StringComparer.Ordinal) { [hostUser] = MqttRights.Host };
        foreach (var node in tree.EdgeNodes) rules[node] = Of([new Grant(Role.Edge, node)]);
        foreach (var (name, grants) in identities)
        {
            var rights = Of(grants);
            if (rights.Publish.Count + rights.Subscribe.Count == 0) continue;
            // A user and a key may have one name; their broker knows one of it.
            rules[name] = rules.TryGetValue(name, out var known)
                ? new MqttRights([.. known.Publish.Union(rights.Publish)], [.. known.Subscribe.Union(rights.Subscribe)])
                {
                    Denied = [.. known.Denied.Union(rights.Denied)],
                }
                : rights;
        }

        return [.. rules.Select(r => (r.Key, r.Value))];
    }

    /// <summary>An `acl_file` of mosquitto.</summary>
    public static string Mosquitto(IReadOnlyList<(string User, MqttRights Rights)> rules)
    {
        var text = new StringBuilder("# Written by 'oee acl export --format mosquitto'; with allow_anonymous false and a password_file.\n");
        foreach (var (user, rights) in rules)
        {
            text.Append(CultureInfo.InvariantCulture, $"\nuser {user}\n");
            // Mosquitto looks at these first, wherever they stand.
            foreach (var filter in rights.Denied) text.Append(CultureInfo.InvariantCulture, $"topic deny {filter}\n");
            foreach (var filter in rights.Publish) text.Append(CultureInfo.InvariantCulture, $"topic write {filter}\n");
            foreach (var filter in rights.Subscribe) text.Append(CultureInfo.InvariantCulture, $"topic read {filter}\n");
        }

        return text.ToString();
    }

    /// <summary>An `acl.conf` of EMQX (its file authorizer); what is not allowed is denied by the last rule.</summary>
    public static string Emqx(IReadOnlyList<(string User, MqttRights Rights)> rules)
    {
        var text = new StringBuilder("%% Written by 'oee acl export --format emqx'.\n");
        foreach (var (user, rights) in rules)
        {
            Add(text, user, "deny", "publish", rights.Denied);
            Add(text, user, "allow", "publish", rights.Publish);
            Add(text, user, "allow", "subscribe", rights.Subscribe);
        }

        return text.Append("{deny, all}.\n").ToString();
    }

    private static void Add(StringBuilder text, string user, string permission, string what, IReadOnlyList<string> filters)
    {
        if (filters.Count == 0) return;
        var list = string.Join(", ", filters.Select(Quote));
        text.Append(CultureInfo.InvariantCulture, $"{{{permission}, {{username, {Quote(user)}}}, {what}, [{list}]}}.\n");
    }

    /// <summary>A string of Erlang.</summary>
    private static string Quote(string text) =>
        $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
