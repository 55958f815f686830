using OeeOrleans.Access.Audit;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;

namespace OeeOrleans.Access.Mqtt;

/// <summary>A client of the broker.</summary>
/// <param name="Label">Who, for logs and the ownership of sessions.</param>
/// <param name="Rights">What it may do.</param>
public sealed record MqttGuest(string Label, MqttRights Rights)
{
    /// <summary>To look again whether it may stay.</summary>
    internal Func<Identity?> Now { get; init; } = () => null;

    /// <summary>It may not stay: what it still says does not count, but that it is gone.</summary>
    public bool IsOut { get; set; }

    public bool Publishes => Rights.Publish.Count > 0;

    /// <summary>Of those who publish it is as what, so that a new key takes up the session of an old one.</summary>
    public string Owner { get; } = Rights.Publish.Count > 0 ? string.Join(' ', Rights.Publish) : Label;

    /// <summary>Whether it is for this edge node, by its grant.</summary>
    public bool IsEdge(string group, string node) => Rights.MayPublish($"spBv1.0/{group}/NBIRTH/{node}");
}

/// <summary>
/// Lets clients of the embedded broker in: an edge node with its API key or its certificate, programs with their keys, people with their
/// passwords, and nobody else. Safe for concurrent use.
/// </summary>
public sealed class MqttDoor(AccessDirectory directory, SignIn signIn, RefusalLog refusals, string? resultsNode)
{
    /// <summary>Users, keys or grants are others than before.</summary>
    public event Action? Changed
    {
        add => directory.Changed += value;
        remove => directory.Changed -= value;
    }

    /// <summary>Who this is; null when nobody may come in so.</summary>
    /// <param name="userName">Of an API key its name, or the edge node it is for (`group/node`); or a user's name.</param>
    /// <param name="password">The key, or the user's password.</param>
    /// <param name="certificateName">Common name of a certificate that was checked; null: none.</param>
    /// <param name="origin">From where.</param>
    /// <param name="cancellationToken">The client is gone.</param>
    public async ValueTask<MqttGuest?> AdmitAsync(
        string? userName, string? password, string? certificateName, string origin, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(userName) && string.IsNullOrEmpty(password))
        {
            if (certificateName is null) return Guest(directory.Anonymous(), directory.Anonymous);
            var grant = new Grant(Role.Edge, certificateName);
            var isNode = !certificateName.Contains('*', StringComparison.Ordinal)
                && AccessKeeper.GrantProblem(grant, directory.Tree) is null;
            var edge = new Identity(IdentityKind.Key, certificateName, [grant]);
            return isNode ? Guest(edge, () => edge) : null;
        }

        if (userName is null || password is null) return null;
        if (directory.FindKey(password) is { } key)
        {
            var isMeant = key.Name == userName || key.Grants.Any(g => g.Role == Role.Edge && g.At == userName);
            return isMeant ? Guest(key, () => directory.FindKeyById(key.KeyId!)) : null;
        }

        // One that is none any more costs no hash.
        if (password.StartsWith(AccessKeeper.KeyPrefix, StringComparison.Ordinal)) return null;
        var (result, user) = await signIn.CheckAsync(userName, password, origin, cancellationToken);
        if (result != SignInResult.Ok || user is null || user.MustChange) return null;
        return Guest(
            directory.FindUser(user.Name), () => directory.Stored(user.Name)?.Stamp == user.Stamp ? directory.FindUser(user.Name) : null);
    }

    /// <summary>Whether the plant has this edge node.</summary>
    public bool IsEdgeNode(string group, string node) => directory.Tree.EdgeNodes.Contains($"{group}/{node}");

    /// <summary>For the audit log: what was refused to whom.</summary>
    /// <param name="who">Its label, or as whom it came, which nobody checked.</param>
    /// <param name="action">`mqtt.connect`, `mqtt.publish`, `mqtt.subscribe`.</param>
    /// <param name="target">Client id, topic or filter.</param>
    /// <param name="origin">From where.</param>
    /// <param name="why">In a word.</param>
    public void NoteRefusal(string who, string action, string target, string origin, string why) =>
        refusals.Note(who, action + ".refused", target, origin, why);

    /// <summary>For the audit log: somebody came in. False: there were so many that it is counted among others.</summary>
    public bool NoteSignIn(string who, string clientId, string origin) => refusals.NoteSignIn(who, "mqtt.sign_in", clientId, origin);

    /// <summary>Its rights as they are now; null when it may not stay.</summary>
    public MqttRights? Again(MqttGuest guest) => guest.Now() is { } identity ? RightsOf(identity) : null;

    private MqttGuest? Guest(Identity? identity, Func<Identity?> now) =>
        identity is null ? null : new MqttGuest(identity.Label, RightsOf(identity)) { Now = now };

    private MqttRights RightsOf(Identity identity) => MqttRights.Of(directory.ScopeOf(identity), resultsNode);
}
