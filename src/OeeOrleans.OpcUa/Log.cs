using Microsoft.Extensions.Logging;

namespace OeeOrleans.OpcUa;

/// <summary>Every log line of this room.</summary>
internal static partial class Log
{
    [LoggerMessage(
        9001, LogLevel.Warning, "{Url}: the server's certificate ({Subject}) is accepted UNCHECKED, as asked; anyone may pose as this "
            + "server")]
    public static partial void TrustsEverything(ILogger log, Uri url, string subject);

    [LoggerMessage(9002, LogLevel.Warning, "{Url}: the server's certificate ({Subject}, SHA-1 {Thumbprint}) is trusted from now on")]
    public static partial void TrustedOnFirstUse(ILogger log, Uri url, string subject, string thumbprint);

    [LoggerMessage(9003, LogLevel.Warning, "{Url}: the server's certificate is made out to {Hosts}; it was accepted for this host")]
    public static partial void HostNotInCertificate(ILogger log, Uri url, string hosts);

    [LoggerMessage(
        9004, LogLevel.Warning, "{Url}: the server calls itself {ApplicationUri} and its certificate {Uri}; it was accepted for this host")]
    public static partial void UriNotInCertificate(ILogger log, Uri url, string applicationUri, string uri);

    [LoggerMessage(9005, LogLevel.Information, "{Url}: {From} -> {To} ({Why})")]
    public static partial void StateChanged(ILogger log, Uri url, ConnectionState from, ConnectionState to, string why);

    [LoggerMessage(9006, LogLevel.Warning, "{Reason}; tried again in {Seconds:0.0} s")]
    public static partial void ConnectFailed(ILogger log, string reason, double seconds);

    [LoggerMessage(9007, LogLevel.Error, "{Url}: an error of ours; tried again in {Seconds} s")]
    public static partial void ConnectBroke(ILogger log, Uri url, double seconds, Exception error);

    [LoggerMessage(
        9008, LogLevel.Warning, "{Url}: the server names its endpoint {Theirs}, which is another host; ours is used (the server's is "
            + "often unknown outside)")]
    public static partial void EndpointHost(ILogger log, Uri url, string theirs);

    [LoggerMessage(9009, LogLevel.Warning, "{Url}: subscription {Subscription} was silent for {Seconds} s past its keep-alive; it is "
        + "made anew")]
    public static partial void SilentSubscription(ILogger log, Uri url, uint subscription, double seconds);

    [LoggerMessage(9010, LogLevel.Warning, "{Url}: {What} between {From:O} and {To:O} were lost: {Why}")]
    public static partial void Gap(ILogger log, Uri url, string what, DateTime from, DateTime to, string why);

    [LoggerMessage(9011, LogLevel.Warning, "{Url}: {Node} is not there: {Status}; tried again every {Seconds} s")]
    public static partial void ItemRefused(ILogger log, Uri url, string node, string status, double seconds);

    [LoggerMessage(9012, LogLevel.Information, "{Url}: {Node} is there again")]
    public static partial void ItemBack(ILogger log, Uri url, string node);

    [LoggerMessage(9013, LogLevel.Warning, "{Url}: {Node} takes no deadband there ({Status}); it is watched without")]
    public static partial void FilterRefused(ILogger log, Uri url, string node, string status);

    [LoggerMessage(9014, LogLevel.Error, "{Url}: a handler of notifications failed; the notification is not acknowledged and comes again")]
    public static partial void HandlerFailed(ILogger log, Uri url, Exception error);

    [LoggerMessage(9015, LogLevel.Warning, "{Url}: the server's clock is {Skew} away from ours; its times are kept as they are")]
    public static partial void ClockSkew(ILogger log, Uri url, TimeSpan skew);

    [LoggerMessage(9016, LogLevel.Warning, "{Url}: the server's namespaces changed; addresses by URI, and those seen before, are found "
        + "anew")]
    public static partial void NamespacesChanged(ILogger log, Uri url);

    [LoggerMessage(9017, LogLevel.Information, "{Url}: subscription {Subscription}: {What}")]
    public static partial void SubscriptionRecovered(ILogger log, Uri url, uint subscription, string what);

    [LoggerMessage(
        9019, LogLevel.Warning,
        "{Url}: without security nobody proves who the server is; the password is encrypted for {Subject}, whoever that may be")]
    public static partial void PasswordForUnchecked(ILogger log, Uri url, string subject);

    [LoggerMessage(9018, LogLevel.Warning, "{Url}: the password goes over the wire in clear, as asked")]
    public static partial void PasswordInClear(ILogger log, Uri url);
}
