using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using OeeOrleans.S7.Simulation;

namespace OeeOrleans.S7.Tests;

/// <summary>Servers that are broken or mean: bounded memory and time, and an error that says what it was.</summary>
public sealed class HostileTests
{
    public static TheoryData<string, string> Greetings() => new()
    {
        { "HTTP/1.1 400 Bad Request\r\n\r\n", "begins with 0x48" },
        { "\x03\0\0\x03", "sends a frame of 3 bytes" },
        { "\x03\0\0\x0B\x06\x50\0\0\0\0\0", "answers the connection request with 0x50" },
        { "\x03\0\0\x0B\x26\xD0\0\0\0\0\0", "with too few bytes" },
        { "", "closed the connection" },
    };

    [Theory]
    [MemberData(nameof(Greetings))]
    public async Task A_greeting_that_is_none_is_refused_with_what_it_was(string greeting, string said)
    {
        await using var server = new RawServer(async stream => await stream.WriteAsync(Encoding.Latin1.GetBytes(greeting)));
        var error = await Assert.ThrowsAsync<S7Exception>(() => server.ConnectAsync());
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_frame_that_comes_byte_by_byte_ends_by_the_time_limit()
    {
        await using var server = new RawServer(async stream =>
        {
            await stream.WriteAsync(new byte[] { 3, 0, 255, 255 });
            while (true)
            {
                await stream.WriteAsync(new byte[1]);
                await Task.Delay(50);
            }
        });
        var since = Stopwatch.GetTimestamp();
        var error = await Assert.ThrowsAsync<S7Exception>(() => server.ConnectAsync());
        Assert.Equal(S7Failure.Timeout, error.Failure);
        Assert.True(Stopwatch.GetElapsedTime(since) < TimeSpan.FromSeconds(5));
    }

    public static TheoryData<string, string> Answers() => new()
    {
        // From the S7 header on, behind the reference: parameters, data.
        { "more items than asked", "answers 1 items with 9" },
        { "no items", "answers 1 items with 0" },
        { "fewer items than it says", "answers with 0 items where it says 1" },
        { "a longer item than came", "of which 2 came" },
        { "another function", "answers a reading with something else" },
        { "a request instead of an answer", "to nothing that was asked" },
        { "another reference", "to nothing that was asked" },
        { "lengths that do not add up", "are no S7 PDU" },
        { "another protocol", "are no S7 PDU" },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task An_answer_that_lies_ends_the_connection_with_what_it_was(string lie, string said)
    {
        await using var plc = new SimulatedPlc();
        plc.AddDb(1, 100);
        plc.Start();
        await using var client = await S7Client.ConnectAsync(new S7ClientOptions { Host = "127.0.0.1", Port = plc.Port });
        plc.Faults.Mutate = pdu =>
        {
            switch (lie)
            {
                case "more items than asked": pdu[13] = 9; return pdu;
                case "no items": pdu[13] = 0; return pdu;
                case "fewer items than it says": (pdu[8], pdu[9]) = (0, 0); return pdu[..14];
                case "a longer item than came": pdu[16] = 0x70; return pdu;
                case "another function": pdu[12] = 5; return pdu;
                case "a request instead of an answer":
                    (pdu[1], pdu[6], pdu[7], pdu[8], pdu[9]) = (1, 0, 0, 0, 0);
                    return pdu[..10];
                case "another reference": pdu[5] ^= 0x55; return pdu;
                case "lengths that do not add up": pdu[9] = 99; return pdu;
                default: pdu[0] = 0x72; return pdu;
            }
        };
        var error = await Assert.ThrowsAsync<S7Exception>(() => client.ReadAsync([S7Address.Parse("DB1.DBW0")]));
        Assert.Equal(S7Failure.Protocol, error.Failure);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        await client.Closed.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task An_item_of_another_length_is_bad_and_no_value_is_made_up()
    {
        await using var plc = new SimulatedPlc();
        plc.AddDb(1, 100);
        plc.Start();
        await using var client = await S7Client.ConnectAsync(new S7ClientOptions { Host = "127.0.0.1", Port = plc.Port });
        // One byte less, in bits.
        plc.Faults.Mutate = pdu => [.. pdu[..8], 0, 5, .. pdu[10..16], 0, 8, pdu[18]];
        var read = (await client.ReadAsync([S7Address.Parse("DB1.DBW0")]))[0];
        Assert.Equal((S7Status.WrongLength, null), (read.Status, read.Value));
    }

    [Theory]
    [InlineData(false, "more than the 240 bytes that were agreed")]
    [InlineData(true, "sends an empty part")]
    public async Task Parts_without_end_are_cut_off(bool isEmpty, string said)
    {
        await using var server = new RawServer(async stream =>
        {
            await stream.WriteAsync(Convert.FromHexString("0300000B06D00000000100"));
            await stream.ReadAtLeastAsync(new byte[25], 25);
            await stream.WriteAsync(Convert.FromHexString("0300001B02F080320300000001000800000000F0000001000100F0"));
            while (true) await stream.WriteAsync(Convert.FromHexString(isEmpty ? "0300000702F000" : "0300000A02F000320300"));
        });
        await using var client = await server.ConnectAsync();
        Assert.Contains(said, (await client.Closed.WaitAsync(TimeSpan.FromSeconds(10))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answers_changed_at_random_end_in_an_error_or_a_value_and_never_in_a_hang()
    {
        // Ours; of tests/long.sh a million.
        var count = Environment.GetEnvironmentVariable("OEE_LONG") == "1" ? 1_000_000 : 20_000;
        await using var plc = new SimulatedPlc(new SimulatedPlcOptions { PduLength = 240 });
        plc.AddDb(1, 4_000);
        plc.Start();
        var random = new Random(11);
        S7Address[] tags =
            [.. Enumerable.Range(0, 10).Select(i => S7Address.Parse($"DB1.DBD{i * 100}:DINT")), S7Address.Parse("DB1.DBX0.0")];
        var (answers, reads, failures) = (0, 0, 0);
        plc.Faults.Mutate = pdu =>
        {
            // Not the greeting, or nothing would ever be asked.
            if (pdu.Length > 12 && pdu[12] == 0xF0) return pdu;
            // A connection may still be served while the next one is.
            lock (random)
            {
                answers++;
                for (var i = random.Next(3); i >= 0; i--) pdu[random.Next(pdu.Length)] = (byte)random.Next(256);
                return random.Next(10) == 0 ? pdu[..random.Next(pdu.Length)] : pdu;
            }
        };
        S7Client? client = null;
        while (answers < count)
        {
            client ??= await S7Client.ConnectAsync(
                new S7ClientOptions { Host = "127.0.0.1", Port = plc.Port, Timeout = TimeSpan.FromSeconds(5) });
            try
            {
                await client.ReadAsync(tags).WaitAsync(TimeSpan.FromSeconds(10));
                reads++;
            }
            catch (S7Exception)
            {
                failures++;
                if (!client.Closed.IsCompleted) continue;
                await client.DisposeAsync();
                client = null;
            }
        }

        if (client is not null) await client.DisposeAsync();
        Assert.True(reads > 0 && failures > 0, $"{reads} reads, {failures} failures");
    }

    /// <summary>A server that does one thing to whoever comes.</summary>
    private sealed class RawServer : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly Task _serving;

        public RawServer(Func<NetworkStream, Task> serve)
        {
            _listener.Start();
            _serving = ServeAsync(serve);
        }

        public Task<S7Client> ConnectAsync() => S7Client.ConnectAsync(
            new S7ClientOptions
            {
                Host = "127.0.0.1", Port = ((IPEndPoint)_listener.LocalEndpoint).Port, Timeout = TimeSpan.FromSeconds(1), PduLength = 240,
            });

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _serving;
        }

        private async Task ServeAsync(Func<NetworkStream, Task> serve)
        {
            try
            {
                using var socket = await _listener.AcceptSocketAsync();
                await using var stream = new NetworkStream(socket, ownsSocket: true);
                await stream.ReadAtLeastAsync(new byte[22], 22);
                await serve(stream);
            }
            catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
            {
                // The client has seen enough.
                return;
            }
        }
    }
}
