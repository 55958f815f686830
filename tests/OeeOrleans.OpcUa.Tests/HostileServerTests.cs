using System.Net;
using System.Net.Sockets;
using System.Text;
using CsCheck;
using OeeOrleans.OpcUa.Binary;
using OeeOrleans.OpcUa.Transport;
using OeeOrleans.TestServers;

namespace OeeOrleans.OpcUa.Tests;

/// <summary>Servers that are broken or mean: bounded memory and time, and an error that says what it was.</summary>
public sealed class HostileServerTests
{
    private const uint Endpoints = 428;
    private const uint CreateSession = 461;
    private const uint ActivateSession = 467;
    private const uint Read = 631;
    private const uint CreateSubscription = 787;
    private const uint CreateItems = 751;
    private const uint Publish = 826;
    private const uint Browse = 527;

    public static TheoryData<string, string> Greetings() => new()
    {
        { "HTTP/1.1 400 Bad Request\r\n\r\n", "speaks no OPC UA" },
        { "SSH-2.0-OpenSSH_9.2\r\n", "speaks no OPC UA" },
        { "ACKF\xFF\xFF\xFF\x7F", "sends a chunk of 2147483647 bytes" },
        { "ACKF\x03\0\0\0", "sends a chunk of 3 bytes" },
        { "ACKF\x1C\0\0\0\0\0\0\0\x10\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0", "buffers of 16 and 16 bytes" },
        { "ERRF\x10\0\0\0\0\0\x7D\x80\0\0\0\0", "BadTcpServerTooBusy" },
        { "", "closed the connection" },
    };

    [Theory]
    [MemberData(nameof(Greetings))]
    public async Task A_greeting_that_is_none_is_refused_with_what_it_was(string greeting, string said)
    {
        await using var server = new FakeServer
        {
            OnConnect = async stream =>
            {
                await stream.ReadAtLeastAsync(new byte[8], 8);
                await stream.WriteAsync(Encoding.Latin1.GetBytes(greeting));
            },
        };
        var error = await Assert.ThrowsAsync<OpcUaException>(() => OpcUaClient.GetEndpointsAsync(server.Url));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_drips_byte_by_byte_ends_by_the_time_limit()
    {
        await using var server = new FakeServer
        {
            OnConnect = async stream =>
            {
                for (var i = 0; i < 1_000; i++)
                {
                    await stream.WriteAsync("ACKF\x1C\0\0\0"u8.Slice(i < 8 ? i : 7, 1).ToArray());
                    await Task.Delay(50);
                }
            },
        };
        var error = await Assert.ThrowsAsync<OpcUaException>(
            () => OpcUaClient.ConnectAsync(Options(server) with { Timeout = TimeSpan.FromSeconds(1) }));
        Assert.Equal(StatusCodes.BadTimeout, error.Status.Code);
    }

    [Fact]
    public async Task Chunks_without_end_are_cut_off_at_the_limit()
    {
        var sent = 0L;
        await using var server = new FakeServer
        {
            OnRequest = async (connection, type, request) =>
            {
                if (type != Endpoints) return;
                var body = new byte[60_000];
                while (true)
                {
                    await connection.SendAsync(connection.Chunk(request, body, Frame.Intermediate));
                    sent += body.Length;
                }
            },
        };
        var error = await Assert.ThrowsAsync<OpcUaException>(
            () => OpcUaClient.ConnectAsync(Options(server) with { MaxMessageSize = 1_000_000 }));
        Assert.Equal(StatusCodes.BadResponseTooLarge, error.Status.Code);
        Assert.InRange(sent, 1, 20_000_000);
    }

    [Fact]
    public async Task Empty_chunks_without_end_are_cut_off_as_well()
    {
        await using var server = new FakeServer
        {
            OnRequest = async (connection, type, request) =>
            {
                while (type == Endpoints) await connection.SendAsync(connection.Chunk(request, [], Frame.Intermediate));
            },
        };
        var error = await Assert.ThrowsAsync<OpcUaException>(() => OpcUaClient.GetEndpointsAsync(server.Url));
        Assert.Equal(StatusCodes.BadResponseTooLarge, error.Status.Code);
    }

    [Theory]
    [InlineData(1u)]
    [InlineData(3u)]
    [InlineData(4_000_000_000u)]
    public async Task A_chunk_with_a_number_that_is_not_the_next_closes_the_channel(uint sequence)
    {
        await using var server = new FakeServer
        {
            OnRequest = (connection, _, request) =>
                connection.SendAsync(connection.Chunk(request, new byte[10], Frame.Final, sequence)),
        };
        var error = await Assert.ThrowsAsync<OpcUaException>(() => OpcUaClient.GetEndpointsAsync(server.Url));
        Assert.Equal(StatusCodes.BadSequenceNumberInvalid, error.Status.Code);
    }

    [Fact]
    public async Task A_token_nobody_gave_closes_the_channel()
    {
        await using var server = new FakeServer
        {
            OnRequest = (connection, _, request) =>
                connection.SendAsync(connection.Chunk(request, new byte[10], Frame.Final, token: 99)),
        };
        var error = await Assert.ThrowsAsync<OpcUaException>(() => OpcUaClient.GetEndpointsAsync(server.Url));
        Assert.Equal(StatusCodes.BadTcpSecureChannelUnknown, error.Status.Code);
    }

    [Fact]
    public async Task An_answer_given_up_halfway_fails_its_call_and_no_other()
    {
        var calls = 0;
        await using var server = new FakeServer
        {
            OnRequest = async (connection, type, request) =>
            {
                if (type != Read || Interlocked.Increment(ref calls) != 2)
                {
                    await ServeAsync(connection, type, request);
                    return;
                }

                await connection.SendAsync(connection.Chunk(request, new byte[100], Frame.Intermediate));
                using var reason = new UaWriter();
                reason.UInt32(StatusCodes.BadResponseTooLarge);
                reason.String("too much");
                await connection.SendAsync(connection.Chunk(request, reason.Written, Frame.Aborted));
            },
        };
        await using var client = await OpcUaClient.ConnectAsync(Options(server));
        var error = await Assert.ThrowsAsync<OpcUaException>(() => client.ReadAsync(new NodeId(1)));
        Assert.Contains("too much", error.Message, StringComparison.Ordinal);
        Assert.Equal(7, (int)(await client.ReadAsync(new NodeId(1))).Value.AsDouble()!);
    }

    [Fact]
    public async Task An_answer_of_another_kind_is_no_answer()
    {
        await using var server = new FakeServer { OnRequest = (connection, _, request) => connection.AnswerAsync(request, Read + 3) };
        var error = await Assert.ThrowsAsync<OpcUaException>(() => OpcUaClient.GetEndpointsAsync(server.Url));
        Assert.Equal(StatusCodes.BadUnknownResponse, error.Status.Code);
    }

    [Fact]
    public async Task Fewer_results_than_were_asked_for_are_never_taken_for_those_of_others()
    {
        await using var server = new FakeServer { OnRequest = ServeAsync };
        await using var client = await OpcUaClient.ConnectAsync(Options(server));
        var error = await Assert.ThrowsAsync<OpcUaException>(() => client.ReadAsync([new NodeId(1), new NodeId(2)]));
        Assert.Contains("for 2 nodes with 1 results", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Random_answers_end_in_an_error_and_never_in_a_hang()
    {
        var random = new Random(3);
        await using var server = new FakeServer
        {
            OnRequest = (connection, _, request) =>
            {
                var body = new byte[random.Next(0, 300)];
                random.NextBytes(body);
                return connection.SendAsync(connection.Chunk(request, body, Frame.Final));
            },
        };
        for (var i = 0; i < 200; i++) await Assert.ThrowsAnyAsync<OpcUaException>(() => OpcUaClient.GetEndpointsAsync(server.Url));
    }

    [Fact]
    public async Task A_subscription_that_looks_alive_and_is_silent_is_made_anew_and_counted()
    {
        // Everything is answered but Publish.
        await using var server = new FakeServer
        {
            OnRequest = (connection, type, request) => type == Publish ? Task.CompletedTask : ServeAsync(connection, type, request),
        };
        await using var client = await OpcUaClient.ConnectAsync(Options(server));
        var gaps = 0;
        await using var subscription = await client.SubscribeAsync(
            SubscriptionOptions.Default with { KeepAlive = TimeSpan.FromMilliseconds(200), OnGap = _ => Interlocked.Increment(ref gaps) },
            (_, _) => ValueTask.CompletedTask, [(new NodeId(1), MonitoredItemOptions.Default, null)]);
        await Eventually.TrueAsync("the silence to be noticed", TimeSpan.FromSeconds(20), () =>
            Task.FromResult(client.Counters.Silent > 0 && gaps > 0));
        Assert.Equal(ConnectionState.Connected, client.State);
    }

    [Fact]
    public async Task A_server_that_is_silent_altogether_is_given_up()
    {
        var silent = false;
        await using var server = new FakeServer
        {
            OnRequest = (connection, type, request) => silent ? Task.CompletedTask : ServeAsync(connection, type, request),
        };
        await using var client = await OpcUaClient.ConnectAsync(
            Options(server) with { KeepAlive = TimeSpan.FromMilliseconds(500), Timeout = TimeSpan.FromSeconds(1) });
        silent = true;
        await Eventually.TrueAsync("the silence to be noticed", TimeSpan.FromSeconds(20), () =>
            Task.FromResult(client.State == ConnectionState.Reconnecting));
    }

    [Fact]
    public async Task A_server_that_stops_reading_ends_the_call_by_its_time_limit()
    {
        var deaf = false;
        await using var server = new FakeServer
        {
            OnRequest = (connection, type, request) =>
                deaf ? Task.Delay(Timeout.Infinite, connection.Ended) : ServeAsync(connection, type, request),
        };
        await using var client = await OpcUaClient.ConnectAsync(Options(server) with { Timeout = TimeSpan.FromSeconds(1) });
        deaf = true;
        // More than the buffers of two sockets hold.
        var writes = Enumerable.Range(0, 20).Select(_ => client.WriteAsync(new NodeId(1), new string('x', 1_000_000))).ToList();
        foreach (var write in writes)
        {
            var error = await Assert.ThrowsAsync<OpcUaException>(() => write);
            Assert.Contains(
                error.Status.Code, (uint[])[StatusCodes.BadTimeout, StatusCodes.BadConnectionClosed, StatusCodes.BadServerNotConnected]);
        }
    }

    [Fact]
    public async Task Better_endpoints_that_someone_on_the_way_left_out_are_noticed()
    {
        await using var peer = await OpcUaPeer.StartAsync("\"counters\": 1");
        var directory = Directory.CreateTempSubdirectory("oee-middle").FullName;
        var offered = await OpcUaClient.GetEndpointsAsync(peer.Url);
        var left = offered.Single(e => e.Mode == MessageSecurityMode.Sign
            && e.SecurityPolicyUri.EndsWith("Basic256Sha256", StringComparison.Ordinal));
        await using var middle = new FakeServer();
        middle.OnRequest = async (connection, _, request) =>
        {
            await connection.AnswerAsync(request, Endpoints + 3, w => WriteEndpoint(w, left));
            middle.OnConnect = stream => RelayAsync(stream, peer.Port);
        };
        var error = await Assert.ThrowsAsync<OpcUaException>(
            () => OpcUaClient.ConnectAsync(
                new OpcUaClientOptions { Url = middle.Url, PkiDirectory = directory, Trust = ServerTrust.OnFirstUse }));
        Directory.Delete(directory, recursive: true);
        Assert.Contains("offers in the session what it did not offer before", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nodes_for_which_no_continuation_point_was_left_are_asked_for_once_more()
    {
        var asked = new List<int>();
        await using var server = new FakeServer
        {
            OnRequest = (connection, type, request) =>
            {
                if (type != Browse) return ServeAsync(connection, type, request);
                asked.Add(asked.Count);
                return connection.AnswerAsync(request, type + 3, w =>
                {
                    w.Int32(1);
                    w.UInt32(asked.Count < 3 ? StatusCodes.BadNoContinuationPoints : 0);
                    w.ByteString((byte[]?)null);
                    w.Int32(0);
                    w.Int32(0);
                });
            },
        };
        await using var client = await OpcUaClient.ConnectAsync(Options(server));
        await foreach (var _ in client.BrowseAsync(new NodeId(85))) Assert.Fail("there is nothing");
        Assert.Equal(3, asked.Count);
    }

    private static async Task RelayAsync(NetworkStream client, int port)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, port);
        var server = socket.GetStream();
        await Task.WhenAny(client.CopyToAsync(server), server.CopyToAsync(client));
    }

    private static OpcUaClientOptions Options(FakeServer server) => new() { Url = server.Url, SecurityPolicy = SecurityPolicy.None };

    /// <summary>As much of a server as a session needs.</summary>
    private static Task ServeAsync(FakeConnection connection, uint type, uint request) =>
        connection.AnswerAsync(request, type + 3, type switch
        {
            Endpoints => w => WriteEndpoints(w),
            CreateSession => w =>
            {
                w.NodeId(new NodeId(1));
                w.NodeId(new NodeId(2));
                w.UInt64(BitConverter.DoubleToUInt64Bits(60_000));
                w.ByteString(new byte[32]);
                w.ByteString((byte[]?)null);
                WriteEndpoints(w);
                w.Int32(0);
                w.String(null);
                w.ByteString((byte[]?)null);
                w.UInt32(0);
            }
            ,
            ActivateSession => w =>
            {
                w.ByteString(new byte[32]);
                w.Int32(0);
                w.Int32(0);
            }
            ,
            Read => w =>
            {
                w.Int32(1);
                w.DataValue(new DataValue(7));
                w.Int32(0);
            }
            ,
            CreateSubscription => w =>
            {
                w.UInt32(1);
                w.UInt64(BitConverter.DoubleToUInt64Bits(100));
                w.UInt32(60);
                w.UInt32(2);
            }
            ,
            CreateItems => w =>
            {
                w.Int32(1);
                w.UInt32(0);
                w.UInt32(1);
                w.UInt64(BitConverter.DoubleToUInt64Bits(100));
                w.UInt32(1);
                w.ExtensionObject(null);
                w.Int32(0);
            }
            ,
            _ => w => w.Int32(0),
        });

    private static void WriteEndpoints(UaWriter writer) => WriteEndpoint(
        writer,
        new EndpointDescription(
            "opc.tcp://fake", "urn:fake", null, "fake", null, MessageSecurityMode.None,
            "http://opcfoundation.org/UA/SecurityPolicy#None",
            [new UserTokenPolicy("anonymous", UserTokenKind.Anonymous, null)],
            "http://opcfoundation.org/UA-Profile/Transport/uatcp-uasc-uabinary", 0));

    private static void WriteEndpoint(UaWriter writer, EndpointDescription endpoint)
    {
        writer.Int32(1);
        writer.String(endpoint.Url);
        writer.String(endpoint.ApplicationUri);
        writer.String(null);
        writer.LocalizedText(new LocalizedText(endpoint.ApplicationName));
        writer.UInt32(0);
        writer.String(null);
        writer.String(null);
        writer.Int32(0);
        writer.ByteString(endpoint.Certificate);
        writer.UInt32((uint)endpoint.Mode);
        writer.String(endpoint.SecurityPolicyUri);
        writer.Int32(endpoint.UserTokens.Count);
        foreach (var token in endpoint.UserTokens)
        {
            writer.String(token.PolicyId);
            writer.UInt32((uint)token.Kind);
            writer.String(null);
            writer.String(null);
            writer.String(token.SecurityPolicyUri);
        }

        writer.String(endpoint.TransportProfileUri);
        writer.Byte(0);
    }
}
