using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using MQTTnet.Server;
using OeeOrleans.Access.Mqtt;
using Prometheus;

namespace OeeOrleans.Broker;

/// <summary>
/// Who may connect to the broker, publish and subscribe. Until users and keys are known (<see cref="Open"/>) only this process itself may. A
/// session belongs to whoever made it: its client id gets nobody else in. Safe for concurrent use.
/// </summary>
public sealed class BrokerDoor(HostCredentials host)
{
    /// <summary>Client ids of this process begin so.</summary>
    private const string OwnPrefix = "oee-";

    /// <summary>Of no identity: a name has no space in it, and what is no user's name begins with its kind.</summary>
    private static readonly MqttGuest HostGuest = new("this process itself", MqttRights.Host);

    private const string GuestItem = "oee-guest";
    private const string VersionItem = "oee-version";

    private static readonly TimeSpan OpensWithin = TimeSpan.FromSeconds(30);

    private static readonly Counter Refused = Metrics.CreateCounter(
        "broker_refused_total", "What the embedded broker refused, by what: connect, publish, subscribe.", "what");

    private readonly ConcurrentDictionary<string, string> _owners = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile MqttDoor? _door;

    public HostCredentials Host => host;

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
        if (guest is null) return Refuse(MqttConnectReasonCode.BadUserNameOrPassword, args, origin, log);
        var isOwn = ReferenceEquals(guest, HostGuest);
        if (!isOwn && args.ClientId.StartsWith(OwnPrefix, StringComparison.Ordinal))
        {
            return Refuse(MqttConnectReasonCode.ClientIdentifierNotValid, args, origin, log);
        }

        // Whoever takes a client id over gets that one's session, and ends its connection (MQTT 5, 3.1.4).
        if (_owners.GetOrAdd(args.ClientId, guest.Label) != guest.Label)
        {
            return Refuse(MqttConnectReasonCode.ClientIdentifierNotValid, args, origin, log);
        }

        args.SessionItems[GuestItem] = guest;
        args.SessionItems[VersionItem] = args.ProtocolVersion;
        return null;
    }

    internal void SessionEnded(string clientId) => _owners.TryRemove(clientId, out _);

    /// <summary>
    /// MQTT 5 has a reason code for it (3.4.2.1). Before, an answer means delivered: whoever cannot be told is sent away instead.
    /// </summary>
    internal bool MayPublish(InterceptingPublishEventArgs args, ILogger log)
    {
        if (GuestOf(args.SessionItems) is { } guest && guest.Rights.MayPublish(args.ApplicationMessage.Topic)) return true;
        Refused.WithLabels("publish").Inc();
        Log.PublishRefused(log, args.ClientId, args.ApplicationMessage.Topic);
        args.ProcessPublish = false;
        args.Response.ReasonCode = MqttPubAckReasonCode.NotAuthorized;
        args.CloseConnection = args.ApplicationMessage.QualityOfServiceLevel != MqttQualityOfServiceLevel.AtMostOnce
            && args.SessionItems[VersionItem] is not MqttProtocolVersion.V500;
        return false;
    }

    internal Task SubscribingAsync(InterceptingSubscriptionEventArgs args, ILogger log)
    {
        if (GuestOf(args.SessionItems) is { } guest && guest.Rights.MaySubscribe(args.TopicFilter.Topic)) return Task.CompletedTask;
        Refused.WithLabels("subscribe").Inc();
        Log.SubscriptionRefused(log, args.ClientId, args.TopicFilter.Topic);
        args.ProcessSubscription = false;
        args.Response.ReasonCode = MqttSubscribeReasonCode.NotAuthorized;
        return Task.CompletedTask;
    }

    /// <summary>Sessions whose clients may not stay, or not with what they have; the others have their rights as they are now.</summary>
    internal IEnumerable<MqttSessionStatus> NotWelcome(IEnumerable<MqttSessionStatus> sessions)
    {
        foreach (var session in sessions)
        {
            if (GuestOf(session.Items) is not { } guest || ReferenceEquals(guest, HostGuest)) continue;
            var rights = _door?.Again(guest);
            // Whoever lost something comes again, and its subscriptions are looked at anew.
            if (rights is null || !Same(rights, guest.Rights)) yield return session;
        }
    }

    private static bool Same(MqttRights a, MqttRights b) => a.Publish.SequenceEqual(b.Publish) && a.Subscribe.SequenceEqual(b.Subscribe);

    private static MqttGuest? GuestOf(System.Collections.IDictionary? items) => items?[GuestItem] as MqttGuest;

    private async Task<MqttGuest?> AdmitAsync(ValidatingConnectionEventArgs args, string origin)
    {
        // After a restart edge nodes are here before users and keys are read. They wait: many a client takes a refusal for final.
        await _opened.Task.WaitAsync(OpensWithin, args.CancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_door is not { } door) return null;
        var password = args.RawPassword is { } raw ? Encoding.UTF8.GetString(raw) : null;
        var name = args.ClientCertificate?.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        return await door.AdmitAsync(args.UserName, password, name, origin, args.CancellationToken);
    }

    private static MqttConnectReasonCode Refuse(
        MqttConnectReasonCode code, ValidatingConnectionEventArgs args, string origin, ILogger log)
    {
        Refused.WithLabels("connect").Inc();
        Log.ConnectionRefused(log, args.ClientId, args.UserName ?? "nobody", origin, code);
        return code;
    }
}
