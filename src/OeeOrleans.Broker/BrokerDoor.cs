using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using MQTTnet.Server;
using OeeOrleans.Access.Keys;
using OeeOrleans.Access.Mqtt;
using OeeOrleans.Sparkplug.Topics;
using Prometheus;

namespace OeeOrleans.Broker;

/// <summary>
/// Who may connect to the broker, publish and subscribe. Until users and keys are known (<see cref="Open"/>) only this process itself may.
/// A session belongs to whoever made it: its client id gets nobody else in. Safe for concurrent use.
/// </summary>
public sealed class BrokerDoor(HostCredentials host)
{
    /// <summary>Client ids of this process begin so.</summary>
    private static readonly string[] OwnPrefixes = ["oee-", "results-", "sim-"];

    /// <summary>Client ids of our edge nodes begin so.</summary>
    private const string EdgePrefix = "edge-";

    /// <summary>Of no identity: a name has no space in it, and what is no user's name begins with its kind.</summary>
    private static readonly MqttGuest HostGuest = new("this process itself", MqttRights.Host);

    private const string GuestItem = "oee-guest";
    private const string VersionItem = "oee-version";
    private const string OriginItem = "oee-origin";

    private static readonly TimeSpan OpensWithin = TimeSpan.FromSeconds(30);

    private static readonly Counter Refused = Metrics.CreateCounter(
        "broker_refused_total", "What the embedded broker refused, by what: connect, publish, subscribe.", "what");

    private static readonly TimeSpan NotedAgain = TimeSpan.FromDays(1);

    /// <summary>Sign-ins that are remembered; beyond it they are noted again.</summary>
    private const int MaxNoted = 50_000;

    private readonly SessionOwners _owners = new(TimeProvider.System);
    private readonly ConcurrentDictionary<string, MqttGuest> _arriving = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Who, string Client, string Origin), long> _noted = [];
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile MqttDoor? _door;

    public HostCredentials Host => host;

    /// <summary>Ends a session, with the connection that has it.</summary>
    internal Func<string, Task> EndSession { get; set; } = _ => Task.CompletedTask;

    /// <summary>From now on everybody who is known may come in.</summary>
    public void Open(MqttDoor door)
    {
        _door = door;
        _opened.TrySetResult();
    }

    /// <summary>Null: it may; otherwise the reason code.</summary>
    internal async Task<MqttConnectReasonCode?> WhyNotAsync(ValidatingConnectionEventArgs args, ILogger log)
    {
        var origin = (args.RemoteEndPoint as IPEndPoint)?.Address.ToString() ?? "unknown";
        var guest = host.Admits(args.UserName, args.RawPassword) ? HostGuest : await AdmitAsync(args, origin);
        if (guest is null) return Refuse(MqttConnectReasonCode.BadUserNameOrPassword, args, origin, log, "nobody");
        if (!MayBeCalled(guest, args.ClientId))
        {
            return Refuse(MqttConnectReasonCode.ClientIdentifierNotValid, args, origin, log, "reserved_id");
        }

        // Whoever takes a client id over gets that one's session, and ends its connection (MQTT 5, 3.1.4).
        switch (_owners.Take(args.ClientId, guest.Owner, guest.Publishes))
        {
            case SessionOwners.Answer.Taken: return Refuse(MqttConnectReasonCode.ClientIdentifierNotValid, args, origin, log, "taken_id");
            case SessionOwners.Answer.TooMany: return Refuse(MqttConnectReasonCode.QuotaExceeded, args, origin, log, "sessions");
            case SessionOwners.Answer.YesInPlaceOfListener: await EndSession(args.ClientId); break;
            default: break;
        }

        args.SessionItems[GuestItem] = guest;
        args.SessionItems[VersionItem] = args.ProtocolVersion;
        args.SessionItems[OriginItem] = origin;
        _arriving[args.ClientId] = guest;
        if (!ReferenceEquals(guest, HostGuest)) NoteSignIn(guest.Label, args.ClientId, origin);
        return null;
    }

    /// <summary>
    /// A connection has its session, which may be one from before: it gets who has it now. False: it is somebody else's, or who has it may
    /// not stay any more, and it must end.
    /// </summary>
    internal bool HasSession(ClientConnectedEventArgs args)
    {
        if (!_arriving.TryRemove(args.ClientId, out var guest)) return true;
        if (GuestOf(args.SessionItems) is { } before && before.Owner != guest.Owner) return false;
        if (!ReferenceEquals(guest, HostGuest) && _door?.Again(guest) is null) return false;
        args.SessionItems[GuestItem] = guest;
        args.SessionItems[VersionItem] = args.ProtocolVersion;
        return true;
    }

    internal void SessionEnded(string clientId, System.Collections.IDictionary items)
    {
        if (GuestOf(items) is { } guest) _owners.End(clientId, guest.Owner);
    }

    /// <summary>
    /// MQTT 5 has a reason code for it (3.4.2.1). Before, an answer means delivered: whoever cannot be told is sent away instead.
    /// </summary>
    internal bool MayPublish(InterceptingPublishEventArgs args, ILogger log)
    {
        var guest = GuestOf(args.SessionItems);
        if (guest?.Rights.MayPublish(args.ApplicationMessage.Topic) == true && (!guest.IsOut || IsDeath(args.ApplicationMessage.Topic)))
        {
            // Kept for whoever comes later, it would outlive whoever said it.
            if (!ReferenceEquals(guest, HostGuest)) args.ApplicationMessage.Retain = false;
            return true;
        }

        Refused.WithLabels("publish").Inc();
        Log.PublishRefused(log, args.ClientId, args.ApplicationMessage.Topic);
        Note(guest, args.SessionItems, "mqtt.publish", args.ApplicationMessage.Topic);
        args.ProcessPublish = false;
        args.Response.ReasonCode = MqttPubAckReasonCode.NotAuthorized;
        args.CloseConnection = args.ApplicationMessage.QualityOfServiceLevel != MqttQualityOfServiceLevel.AtMostOnce
            && args.SessionItems[VersionItem] is not MqttProtocolVersion.V500;
        return false;
    }

    internal Task SubscribingAsync(InterceptingSubscriptionEventArgs args, ILogger log)
    {
        var guest = GuestOf(args.SessionItems);
        if (guest is { IsOut: false } && guest.Rights.MaySubscribe(args.TopicFilter.Topic)) return Task.CompletedTask;
        Refused.WithLabels("subscribe").Inc();
        Log.SubscriptionRefused(log, args.ClientId, args.TopicFilter.Topic);
        Note(guest, args.SessionItems, "mqtt.subscribe", args.TopicFilter.Topic);
        args.ProcessSubscription = false;
        args.Response.ReasonCode = MqttSubscribeReasonCode.NotAuthorized;
        return Task.CompletedTask;
    }

    /// <summary>Sessions whose clients may not stay, or not with what they have; the others have their rights as they are now.</summary>
    internal IEnumerable<MqttSessionStatus> NotWelcome(IList<MqttSessionStatus> sessions)
    {
        foreach (var clientId in _owners.Keep(sessions.Select(s => s.Id).ToHashSet(StringComparer.Ordinal)))
        {
            _arriving.TryRemove(clientId, out _);
        }

        foreach (var session in sessions)
        {
            if (GuestOf(session.Items) is not { } guest || ReferenceEquals(guest, HostGuest)) continue;
            var rights = _door?.Again(guest);
            if (rights?.SameAs(guest.Rights) == true) continue;
            // Whoever lost something comes again, and its subscriptions are looked at anew.
            guest.IsOut = rights is null;
            yield return session;
        }
    }

    /// <summary>Sessions of guests for which more waits than they will ever fetch.</summary>
    internal static IEnumerable<MqttSessionStatus> TooFarBehind(IEnumerable<MqttSessionStatus> sessions, long most) =>
        sessions.Where(
            s => s.PendingApplicationMessagesCount > most && GuestOf(s.Items) is { } guest && !ReferenceEquals(guest, HostGuest));

    /// <summary>
    /// Names of our own clients are for nobody else, though he came first: those of this process for this process, `edge-GROUP-NODE` of an
    /// edge node of the plant for whoever publishes as that one.
    /// </summary>
    private bool MayBeCalled(MqttGuest guest, string clientId)
    {
        if (ReferenceEquals(guest, HostGuest)) return true;
        if (Array.Exists(OwnPrefixes, p => clientId.StartsWith(p, StringComparison.Ordinal))) return false;
        if (!clientId.StartsWith(EdgePrefix, StringComparison.Ordinal)) return true;
        // Group and node may hold dashes themselves.
        var isAnothers = false;
        for (var dash = clientId.IndexOf('-', EdgePrefix.Length); dash > 0; dash = clientId.IndexOf('-', dash + 1))
        {
            var (group, node) = (clientId[EdgePrefix.Length..dash], clientId[(dash + 1)..]);
            if (guest.IsEdge(group, node)) return true;
            isAnothers |= _door?.IsEdgeNode(group, node) == true;
        }

        return !isAnothers;
    }

    private static bool IsDeath(string topic) =>
        SparkplugTopic.TryParse(topic, out var parsed, out _) && parsed.Type == SparkplugMessageType.NDeath;

    private void Note(MqttGuest? guest, System.Collections.IDictionary items, string action, string target) =>
        _door?.NoteRefusal(guest?.Label ?? "unknown", action, target, items[OriginItem] as string ?? "unknown", "not_authorized");

    private void NoteSignIn(string who, string clientId, string origin)
    {
        var now = Environment.TickCount64;
        if (_noted.TryGetValue((who, clientId, origin), out var at) && now - at < NotedAgain.TotalMilliseconds) return;
        if (_noted.Count >= MaxNoted) _noted.Clear();
        // One that was counted among others is noted when it comes again.
        if (_door?.NoteSignIn(who, clientId, origin) == true) _noted[(who, clientId, origin)] = now;
    }

    private static MqttGuest? GuestOf(System.Collections.IDictionary? items) => items?[GuestItem] as MqttGuest;

    private async Task<MqttGuest?> AdmitAsync(ValidatingConnectionEventArgs args, string origin)
    {
        // After a restart edge nodes are here before users and keys are read. They wait: many a client takes a refusal for final.
        await _opened.Task.WaitAsync(OpensWithin, args.CancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_door is not { } door) return null;
        var password = args.RawPassword is { } raw ? Encoding.UTF8.GetString(raw) : null;
        var name = args.ClientCertificate is { } certificate ? CertificateAuthority.CommonName(certificate) : null;
        return await door.AdmitAsync(args.UserName, password, name, origin, args.CancellationToken);
    }

    private MqttConnectReasonCode Refuse(
        MqttConnectReasonCode code, ValidatingConnectionEventArgs args, string origin, ILogger log, string why)
    {
        Refused.WithLabels("connect").Inc();
        // Nobody has checked that it is this one.
        _door?.NoteRefusal("unknown", "mqtt.connect", $"{args.UserName ?? "nobody"} as {args.ClientId}", origin, why);
        Log.ConnectionRefused(log, args.ClientId, args.UserName ?? "nobody", origin, code);
        return code;
    }
}
