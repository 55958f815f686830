using System.Net;
using System.Net.Sockets;
using System.Text;
using OeeOrleans.Cip.Simulation;

namespace OeeOrleans.Cip.Tests;

/// <summary>Servers that are broken or mean: bounded memory and time, and an error that says what it was.</summary>
public sealed class HostileTests
{
    /// <summary>Where the CIP answer begins in a connected message.</summary>
    private const int Message = 46;

    public static TheoryData<string, string> Greetings() => new()
    {
        { "HTTP/1.1 400 Bad Request\r\n" + new string(' ', 30_000), "answers the greeting with command 0x5448" },
        { "\x65\0\x04\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0", "refuses a session" },
        { "", "closed the connection" },
    };

    [Theory]
    [MemberData(nameof(Greetings))]
    public async Task A_greeting_that_is_none_is_refused_with_what_it_was(string greeting, string said)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, greeting);
        var error = await Assert.ThrowsAsync<CipException>(() => CipClient.ConnectAsync(
            new CipClientOptions
            {
                Host = "127.0.0.1", Port = ((IPEndPoint)listener.LocalEndpoint).Port, Timeout = TimeSpan.FromSeconds(1),
            }));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        await serving;
    }

    public static TheoryData<string, string> Answers() => new()
    {
        { "another service", "to nothing that was asked" },
        { "another sequence", "to nothing that was asked" },
        { "no items", "hold no CIP message" },
        { "an item longer than came", "hold no CIP message" },
        { "an encapsulation status", "encapsulation status 0x64" },
        { "fewer packed answers", "packed requests with fewer" },
        { "packed answers beyond the end", "packed requests with fewer" },
        { "another packed service", "answers a reading with service" },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task An_answer_that_lies_ends_the_session_with_what_it_was(string lie, string said)
    {
        await using var plc = new SimulatedController();
        plc.AddTag("A", CipDataType.Dint);
        plc.AddTag("B", CipDataType.Dint);
        plc.Start();
        await using var client = await CipClient.ConnectAsync(LogixTests.Options(plc.Port));
        await client.ReadAsync([LogixTests.Parse("A")]);
        plc.Faults.Mutate = frame =>
        {
            switch (lie)
            {
                case "another service": frame[Message] ^= 1; return frame;
                case "another sequence": frame[Message - 1] ^= 0x55; return frame;
                case "no items": frame[30] = 0; return frame;
                case "an item longer than came": frame[Message - 3] = 0x70; return frame;
                case "an encapsulation status": frame[8] = 0x64; return frame;
                case "fewer packed answers": frame[Message + 4] = 1; return frame;
                case "packed answers beyond the end": frame[Message + 9] = 0x70; return frame;
                default: frame[Message + 10] ^= 1; return frame;
            }
        };
        var error = await Assert.ThrowsAsync<CipException>(() => client.ReadAsync([LogixTests.Parse("A"), LogixTests.Parse("B")]));
        Assert.Equal(CipFailure.Protocol, error.Failure);
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        await client.Closed.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_value_of_another_length_is_bad_and_none_is_made_up()
    {
        await using var plc = new SimulatedController();
        plc.AddTag("A", CipDataType.Dint);
        plc.Start();
        await using var client = await CipClient.ConnectAsync(LogixTests.Options(plc.Port));
        plc.Faults.Mutate = frame =>
        {
            var cut = frame[..^1];
            (cut[2], cut[42]) = ((byte)(cut.Length - 24), (byte)(cut[42] - 1));
            return cut;
        };
        var read = (await client.ReadAsync([LogixTests.Parse("A")]))[0];
        Assert.Equal((CipStatus.WrongLength, null), (read.Status, read.Value));
    }

    [Fact]
    public async Task Fragments_without_end_are_cut_off()
    {
        await using var plc = new SimulatedController();
        plc.AddTag("A", CipDataType.Dint, 2_000);
        plc.Start();
        await using var client = await CipClient.ConnectAsync(LogixTests.Options(plc.Port));
        var fragments = 0;
        // Every answer brings an element, and says that more is to come.
        plc.Faults.Mutate = frame =>
        {
            fragments++;
            byte[] answer = [.. frame[..Message], (byte)(frame[Message] | 0x80), 0, 6, 0, 0xC4, 0, 1, 2, 3, 4];
            (answer[2], answer[3], answer[42], answer[43]) = ((byte)(answer.Length - 24), 0, 12, 0);
            return answer;
        };
        var read = (await client.ReadAsync([LogixTests.Parse("A{100}")]))[0];
        Assert.Equal((CipStatus.WrongLength, null), (read.Status, read.Value));
        Assert.Equal(101, fragments);
    }

    [Fact]
    public void A_template_that_would_be_billions_of_values_is_none()
    {
        var type = new CipType(CipDataType.Sint);
        for (ushort i = 0; i < 4; i++)
        {
            var inner = type;
            var members = Enumerable.Range(0, 1_000).Select(m => new CipMember($"M{m}", inner, 0)).ToList();
            var template = new CipTemplate($"T{i}", (ushort)(0x1000 + i), 4, members);
            type = new CipType(CipDataType.Structure, template.Handle) { Template = template };
        }

        var error = Assert.Throws<FormatException>(() => CipCodec.Decode(type, new byte[4]));
        Assert.Contains("more than 1000000 values", error.Message, StringComparison.Ordinal);
        var many = new CipTemplate("Many", 1, 65_536, [new CipMember("A", new CipType(CipDataType.Sint), 0)]);
        var outer = new CipTemplate(
            "Outer", 2, 4, [new CipMember("All", new CipType(CipDataType.Structure, 1) { Template = many }, 0, 65_535)]);
        Assert.Throws<FormatException>(() => CipCodec.Decode(
            new CipType(CipDataType.Structure, 2) { Template = outer }, new byte[4]));
    }

    [Fact]
    public async Task Answers_changed_at_random_end_in_an_error_or_a_value_and_never_in_a_hang()
    {
        // Ours; of tests/long.sh a million.
        var count = Environment.GetEnvironmentVariable("OEE_LONG") == "1" ? 1_000_000 : 20_000;
        await using var plc = new SimulatedController();
        plc.AddTag("Machine", Texts.Machine(), 3);
        plc.AddTag("Counts", CipDataType.Dint, 2_000);
        plc.AddTag("Flags", CipDataType.Bool, 64);
        plc.AddTag("Text", Texts.Logix);
        plc.Start();
        CipAddress[] tags =
        [
            .. new[] { "Machine[1]", "Machine{3}", "Counts[7]", "Counts{1500}", "Flags[40]", "Text", "Nobody", "Machine[2].Nested.Speed" }
                .Select(LogixTests.Parse),
        ];
        var (random, answers, reads, failures) = (new Random(13), 0, 0, 0);
        plc.Faults.Mutate = frame =>
        {
            // Not the greeting, or nothing would ever be asked.
            if (frame[0] == 0x65) return frame;
            lock (random)
            {
                answers++;
                // The number of a connection seldom: to another one nobody answers.
                if (frame[0] == 0x6F && random.Next(50) > 0) return frame;
                // The length of a frame seldom: waiting for what does not come takes as long as it may.
                for (var i = random.Next(3); i >= 0; i--) frame[random.Next(24, frame.Length)] = (byte)random.Next(256);
                if (random.Next(2_000) == 0) frame[random.Next(24)] = (byte)random.Next(256);
                return random.Next(2_000) == 0 ? frame[..random.Next(frame.Length)] : frame;
            }
        };
        CipClient? client = null;
        var options = LogixTests.Options(plc.Port) with { Timeout = TimeSpan.FromSeconds(1) };
        while (answers < count)
        {
            try
            {
                client ??= await CipClient.ConnectAsync(options);
                if (reads % 50 == 0) await client.ForgetTagsAsync();
                await client.ReadAsync(tags).WaitAsync(TimeSpan.FromSeconds(10));
                if (reads % 100 == 7) await client.ListTagsAsync(null).WaitAsync(TimeSpan.FromSeconds(10));
                reads++;
            }
            catch (CipException)
            {
                failures++;
                if (client is null || !client.Closed.IsCompleted) continue;
                await client.DisposeAsync();
                client = null;
            }
        }

        if (client is not null) await client.DisposeAsync();
        Assert.True(reads > 0 && failures > 0, $"{reads} reads, {failures} failures");
    }

    private static async Task ServeAsync(TcpListener listener, string greeting)
    {
        using var socket = await listener.AcceptSocketAsync();
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        await stream.ReadAtLeastAsync(new byte[28], 28);
        await stream.WriteAsync(Encoding.Latin1.GetBytes(greeting));
    }
}
