using OeeOrleans.OpcUa.Binary;

namespace OeeOrleans.OpcUa.Services;

/// <summary>OPC 10000-4, 5.4.4.</summary>
internal readonly record struct GetEndpointsRequest(string Url) : IRequest
{
    public static uint TypeId => 428;

    public void Write(UaWriter writer)
    {
        writer.String(Url);
        writer.Int32(0);
        writer.Int32(0);
    }

    public static List<EndpointDescription> Read(ref UaReader reader)
    {
        var endpoints = new List<EndpointDescription>();
        for (var left = reader.ArrayLength(32); left > 0; left--) endpoints.Add(ReadEndpoint(ref reader));
        return endpoints;
    }

    private static EndpointDescription ReadEndpoint(ref UaReader reader)
    {
        var url = reader.String();
        var applicationUri = reader.String();
        var productUri = reader.String();
        var name = reader.LocalizedText();
        reader.UInt32();
        reader.SkipBytes();
        reader.SkipBytes();
        for (var left = reader.ArrayLength(4); left > 0; left--) reader.SkipBytes();
        var certificate = reader.ByteString();
        var mode = (MessageSecurityMode)reader.UInt32();
        var policy = reader.String();
        var tokens = new List<UserTokenPolicy>();
        for (var left = reader.ArrayLength(20); left > 0; left--)
        {
            var id = reader.String();
            var kind = (UserTokenKind)reader.UInt32();
            reader.SkipBytes();
            reader.SkipBytes();
            tokens.Add(new UserTokenPolicy(id, kind, reader.String()));
        }

        var transport = reader.String();
        return new EndpointDescription(
            url ?? "", applicationUri, productUri, name.Text, certificate, mode, policy ?? "", tokens, transport, reader.Byte());
    }
}

/// <summary>OPC 10000-4, 5.6.2.</summary>
internal readonly record struct CreateSessionRequest(
    string ApplicationUri, string ApplicationName, string Url, string SessionName, byte[] Nonce, byte[]? Certificate, double TimeoutMs,
    uint MaxAnswer) : IRequest
{
    private const uint Client = 1;

    public static uint TypeId => 461;

    public void Write(UaWriter writer)
    {
        writer.String(ApplicationUri);
        writer.String("urn:OeeOrleans:OpcUa");
        writer.LocalizedText(new LocalizedText(ApplicationName));
        writer.UInt32(Client);
        writer.String(null);
        writer.String(null);
        writer.Int32(0);
        writer.String(null);
        writer.String(Url);
        writer.String(SessionName);
        writer.ByteString(Nonce);
        writer.ByteString(Certificate);
        writer.Double(TimeoutMs);
        writer.UInt32(MaxAnswer);
    }
}

/// <summary>A session, not yet activated.</summary>
internal sealed record CreateSessionAnswer(
    NodeId SessionId, NodeId Token, double TimeoutMs, byte[] Nonce, byte[] Certificate, List<EndpointDescription> Endpoints,
        byte[]? Signature)
{
    public static CreateSessionAnswer Read(ref UaReader reader)
    {
        var (session, token) = (reader.NodeId(), reader.NodeId());
        var timeout = reader.Double();
        var (nonce, certificate) = (reader.ByteString() ?? [], reader.ByteString() ?? []);
        var endpoints = GetEndpointsRequest.Read(ref reader);
        for (var left = reader.ArrayLength(8); left > 0; left--)
        {
            reader.SkipBytes();
            reader.SkipBytes();
        }

        reader.SkipBytes();
        return new CreateSessionAnswer(session, token, timeout, nonce, certificate, endpoints, reader.ByteString());
    }
}

/// <summary>A signature and its algorithm (OPC 10000-4, 7.36).</summary>
internal readonly record struct Signature(string? Algorithm, byte[]? Bytes)
{
    public void Write(UaWriter writer)
    {
        writer.String(Algorithm);
        writer.ByteString(Bytes);
    }
}

/// <summary>OPC 10000-4, 5.6.3.</summary>
internal readonly record struct ActivateSessionRequest(Signature Client, IdentityToken Identity, Signature User) : IRequest
{
    public static uint TypeId => 467;

    public void Write(UaWriter writer)
    {
        Client.Write(writer);
        writer.Int32(0);
        writer.Int32(0);
        Identity.Write(writer);
        User.Write(writer);
    }

    /// <summary>The server's next nonce.</summary>
    public static byte[] Read(ref UaReader reader) => reader.ByteString() ?? [];
}

/// <summary>Who the user is (OPC 10000-4, 7.41).</summary>
/// <param name="PolicyId">The server's id of the token policy.</param>
/// <param name="Kind">Which token.</param>
/// <param name="UserName">Of a user name token.</param>
/// <param name="Secret">The encrypted password, or the user's certificate.</param>
/// <param name="Algorithm">How the password is encrypted; null in clear.</param>
internal readonly record struct IdentityToken(string? PolicyId, UserTokenKind Kind, string? UserName, byte[]? Secret, string? Algorithm)
{
    private const uint Anonymous = 321;
    private const uint Name = 324;
    private const uint X509 = 327;

    public void Write(UaWriter writer)
    {
        var type = Kind switch { UserTokenKind.UserName => Name, UserTokenKind.Certificate => X509, _ => Anonymous };
        var start = writer.BeginExtensionObject(type);
        writer.String(PolicyId);
        if (Kind == UserTokenKind.UserName) writer.String(UserName);
        if (Kind is UserTokenKind.UserName or UserTokenKind.Certificate) writer.ByteString(Secret);
        if (Kind == UserTokenKind.UserName) writer.String(Algorithm);
        writer.EndExtensionObject(start);
    }
}

/// <summary>OPC 10000-4, 5.6.4.</summary>
internal readonly record struct CloseSessionRequest(bool DeleteSubscriptions) : IRequest
{
    public static uint TypeId => 473;

    public void Write(UaWriter writer) => writer.Boolean(DeleteSubscriptions);

    public static bool Read(ref UaReader reader) => true;
}
