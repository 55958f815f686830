using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OeeOrleans.TestServers;

namespace OeeOrleans.OpcUa.Tests;

/// <summary>Every policy, mode and identity against a server nobody here wrote.</summary>
[Collection(nameof(PeerCollection))]
public sealed class SecurityTests(PeerFixture peer)
{
    private static readonly NodeId ServerTime = new(2258);

    public static TheoryData<SecurityPolicy, MessageSecurityMode, UserTokenKind> All()
    {
        var all = new TheoryData<SecurityPolicy, MessageSecurityMode, UserTokenKind>();
        foreach (var user in (UserTokenKind[])[UserTokenKind.Anonymous, UserTokenKind.UserName, UserTokenKind.Certificate])
        {
            all.Add(SecurityPolicy.None, MessageSecurityMode.None, user);
            foreach (var policy in Enum.GetValues<SecurityPolicy>().Where(p => p != SecurityPolicy.None))
            {
                all.Add(policy, MessageSecurityMode.Sign, user);
                all.Add(policy, MessageSecurityMode.SignAndEncrypt, user);
            }
        }

        return all;
    }

    [Theory]
    [MemberData(nameof(All))]
    public async Task A_session_is_made_and_answers(SecurityPolicy policy, MessageSecurityMode mode, UserTokenKind user)
    {
        await using var client =
            await OpcUaClient.ConnectAsync(peer.Options with { SecurityPolicy = policy, Mode = mode, Identity = User(user) });
        Assert.Equal(mode, client.Endpoint.Mode);
        Assert.IsType<DateTime>((await client.ReadAsync(ServerTime)).Value.Value);
    }

    [Fact]
    public async Task Without_a_word_the_strongest_endpoint_is_taken()
    {
        await using var client = await OpcUaClient.ConnectAsync(peer.Options);
        Assert.Equal(MessageSecurityMode.SignAndEncrypt, client.Endpoint.Mode);
        Assert.EndsWith("Aes256_Sha256_RsaPss", client.Endpoint.SecurityPolicyUri, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_is_refused_with_what_to_look_at()
    {
        var error = await Assert.ThrowsAsync<OpcUaException>(
            () => OpcUaClient.ConnectAsync(peer.Options with { Identity = new UserIdentity.UserName("operator", "wrong") }));
        Assert.Equal(StatusCodes.BadUserAccessDenied, error.Status.Code);
        Assert.Contains("user name, password", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_untrusted_server_is_refused_before_anything_secret_is_sent()
    {
        var error = await Assert.ThrowsAsync<OpcUaException>(
            () => OpcUaClient.ConnectAsync(
                peer.Options with { Trust = ServerTrust.Store, PkiDirectory = Path.Combine(peer.Pki, "empty") }));
        Assert.Equal(StatusCodes.BadCertificateUntrusted, error.Status.Code);
    }

    [Fact]
    public async Task A_certificate_that_has_expired_by_our_clock_is_refused()
    {
        var error = await Assert.ThrowsAsync<OpcUaException>(
            () => OpcUaClient.ConnectAsync(peer.Options, null, new ShiftedClock(TimeSpan.FromDays(365 * 60))));
        Assert.Equal(StatusCodes.BadCertificateTimeInvalid, error.Status.Code);
    }

    [Fact]
    public async Task What_the_server_does_not_offer_is_refused_with_what_it_does()
    {
        await using var only = await OpcUaPeer.StartAsync("\"counters\": 1, \"policies\": [\"None\"], \"modes\": [1]");
        var error = await Assert.ThrowsAsync<OpcUaException>(() => OpcUaClient.ConnectAsync(peer.Options with { Url = only.Url }));
        Assert.Equal(StatusCodes.BadSecurityPolicyRejected, error.Status.Code);
        Assert.Contains("these can be used: None; without any protection it can be used by asking for the policy None (--security None)",
            error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_there_is_no_server_the_error_says_so()
    {
        var error = await Assert.ThrowsAsync<OpcUaException>(
            () => OpcUaClient.ConnectAsync($"opc.tcp://127.0.0.1:{ServerProcess.FreePort()}/UA"));
        Assert.Equal(StatusCodes.BadNotConnected, error.Status.Code);
        Assert.Contains("is the server running", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_whose_sessions_are_all_taken_says_so()
    {
        await using var small = await OpcUaPeer.StartAsync("\"counters\": 1, \"maxSessions\": 1");
        var options = peer.Options with { Url = small.Url, SecurityPolicy = SecurityPolicy.None };
        await using var first = await OpcUaClient.ConnectAsync(options);
        await first.ReadAsync(ServerTime);
        var error = await Assert.ThrowsAsync<OpcUaException>(() => OpcUaClient.ConnectAsync(options));
        Assert.Equal(StatusCodes.BadTooManySessions, error.Status.Code);
        Assert.Contains("close others", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Renewed_tokens_interrupt_nothing()
    {
        // Renewed every 3 s: three times while 600 reads go out.
        await using var client = await OpcUaClient.ConnectAsync(
            peer.Options with { SecurityPolicy = SecurityPolicy.Basic256Sha256, TokenLifetime = TimeSpan.FromSeconds(2) });
        var until = DateTime.UtcNow.AddSeconds(6);
        while (DateTime.UtcNow < until) Assert.True((await client.ReadAsync(ServerTime)).Status.IsGood);
        Assert.Equal(0, client.Counters.Reconnects);
        Assert.True(client.TokenRenewals >= 2, $"{client.TokenRenewals} renewals");
    }

    [Theory]
    [InlineData(SecurityPolicy.Basic256Sha256)]
    [InlineData(SecurityPolicy.Aes256Sha256RsaPss)]
    public async Task A_server_whose_key_is_twice_as_long_as_ours_is_spoken_to(SecurityPolicy policy)
    {
        var directory = Directory.CreateTempSubdirectory("oee-4096").FullName;
        using (var key = RSA.Create(4096))
        {
            var request = new CertificateRequest("CN=long", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            var names = new SubjectAlternativeNameBuilder();
            names.AddUri(new Uri("urn:long:key"));
            names.AddIpAddress(System.Net.IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
            using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
            await File.WriteAllTextAsync(Path.Combine(directory, "c.pem"), made.ExportCertificatePem());
            await File.WriteAllTextAsync(Path.Combine(directory, "k.pem"), key.ExportPkcs8PrivateKeyPem());
        }

        await using var server = await OpcUaPeer.StartAsync(
            $"\"counters\": 1, \"applicationUri\": \"urn:long:key\", \"certificateFile\": \"{directory}/c.pem\", "
            + $"\"privateKeyFile\": \"{directory}/k.pem\"");
        await using var client = await OpcUaClient.ConnectAsync(
            peer.Options with
            {
                Url = server.Url,
                PkiDirectory = Path.Combine(directory, "pki"),
                SecurityPolicy = policy,
                Identity = User(UserTokenKind.UserName),
            });
        Assert.True((await client.ReadAsync(ServerTime)).Status.IsGood);
        Directory.Delete(directory, recursive: true);
    }

    private static UserIdentity User(UserTokenKind kind) => kind switch
    {
        UserTokenKind.UserName => new UserIdentity.UserName("operator", "pä55 wörd"),
        UserTokenKind.Certificate => new UserIdentity.Certificate(UserCertificate()),
        _ => UserIdentity.Anonymous,
    };

    private static X509Certificate2 UserCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=operator", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(
                X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation | X509KeyUsageFlags.DataEncipherment, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
    }

    private sealed class ShiftedClock(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
