using System.Security.Cryptography.X509Certificates;

namespace OeeOrleans.OpcUa;

/// <summary>Which servers are believed.</summary>
public enum ServerTrust
{
    /// <summary>Those whose certificate, or its issuer's, lies in the trusted folder.</summary>
    Store,
    /// <summary>Those, and for a host of which none is known yet the one it shows now; it is remembered.</summary>
    OnFirstUse,
    /// <summary>All, unchecked; said as a warning at every connection.</summary>
    Everything,
}

/// <summary>Who the client is to the server.</summary>
public abstract record UserIdentity
{
    public static readonly UserIdentity Anonymous = new AnonymousUser();

    private UserIdentity()
    {
    }

    internal abstract UserTokenKind Kind { get; }

    /// <summary>A name and a password.</summary>
    /// <param name="Name">The name.</param>
    /// <param name="Password">The password; encrypted on the way.</param>
    /// <param name="AllowClearText">Send it even where the server has no way to encrypt it.</param>
    public sealed record UserName(string Name, string Password, bool AllowClearText = false) : UserIdentity
    {
        internal override UserTokenKind Kind => UserTokenKind.UserName;

        public override string ToString() => $"user {Name}";
    }

    /// <summary>A certificate of the user's own, with its key.</summary>
    public sealed record Certificate(X509Certificate2 WithKey) : UserIdentity
    {
        internal override UserTokenKind Kind => UserTokenKind.Certificate;

        public override string ToString() => $"user certificate {WithKey.Subject}";
    }

    private sealed record AnonymousUser : UserIdentity
    {
        internal override UserTokenKind Kind => UserTokenKind.Anonymous;

        public override string ToString() => "nobody (anonymous)";
    }
}

/// <summary>How a client connects. The defaults are secure, and refuse a server that is not.</summary>
public sealed record OpcUaClientOptions
{
    /// <summary>`opc.tcp://HOST[:4840][/PATH]`.</summary>
    public required string Url { get; init; }

    /// <summary>Null: the best the server offers, and never <see cref="OpcUa.SecurityPolicy.None"/>.</summary>
    public SecurityPolicy? SecurityPolicy { get; init; }

    /// <summary>Null: SignAndEncrypt where the server offers it, then Sign.</summary>
    public MessageSecurityMode? Mode { get; init; }

    public UserIdentity Identity { get; init; } = UserIdentity.Anonymous;

    /// <summary>Folder of our own certificate, and of the servers' trusted and rejected ones.</summary>
    public string PkiDirectory { get; init; } = "pki";

    public ServerTrust Trust { get; init; } = ServerTrust.Store;

    public string ApplicationName { get; init; } = "OeeOrleans";

    public string? SessionName { get; init; }

    /// <summary>For connecting, and for every call.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the server keeps a session that it does not hear of.</summary>
    public TimeSpan SessionTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>After this much silence the server is asked whether it is still there.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Life of a security token as asked for; renewed at three quarters of what the server grants.</summary>
    public TimeSpan TokenLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Longest answer, bytes.</summary>
    public int MaxMessageSize { get; init; } = 64 * 1024 * 1024;

    /// <summary>First pause after a server has refused; it doubles up to <see cref="MaxPause"/>.</summary>
    public TimeSpan MinPause { get; init; } = TimeSpan.FromSeconds(2);

    public TimeSpan MaxPause { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>A host that does not even take the connection costs nothing to ask: never more seldom than this.</summary>
    public TimeSpan MaxPauseUnreachable { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Publish requests that wait at the server at most.</summary>
    public int MaxPublishRequests { get; init; } = 5;

    /// <summary>Nodes in one call at most, where the server allows more or says nothing (an S7-1500 counts 1,000 over all calls).</summary>
    public int MaxNodesPerCall { get; init; } = 1_000;

    /// <exception cref="ArgumentException">One sentence per mistake.</exception>
    internal Uri Checked()
    {
        var mistakes = new List<string>();
        if (!OpcUaUrl.TryParse(Url, out var url, out var reason)) mistakes.Add(reason);
        if (SecurityPolicy == OpcUa.SecurityPolicy.None && Mode is MessageSecurityMode.Sign or MessageSecurityMode.SignAndEncrypt)
        {
            mistakes.Add($"the policy None protects nothing, and {Mode} was asked for");
        }

        if (SecurityPolicy is not (null or OpcUa.SecurityPolicy.None) && Mode == MessageSecurityMode.None)
        {
            mistakes.Add($"the mode None goes with the policy None only, and {SecurityPolicy} was asked for");
        }

        if (Timeout <= TimeSpan.Zero) mistakes.Add("Timeout must be more than nothing");
        if (KeepAlive <= TimeSpan.Zero) mistakes.Add("KeepAlive must be more than nothing");
        if (MaxMessageSize < 65_536) mistakes.Add("MaxMessageSize must be 65,536 bytes or more");
        if (MinPause <= TimeSpan.Zero || MaxPause < MinPause) mistakes.Add("MinPause must be more than nothing, and MaxPause no less");
        if (MaxPauseUnreachable <= TimeSpan.Zero) mistakes.Add("MaxPauseUnreachable must be more than nothing");
        if (MaxPublishRequests is < 1 or > 100) mistakes.Add("MaxPublishRequests must be 1 to 100");
        if (MaxNodesPerCall < 1) mistakes.Add("MaxNodesPerCall must be 1 or more");
        return mistakes.Count == 0 ? url! : throw new ArgumentException(string.Join("; ", mistakes), nameof(Url));
    }
}
