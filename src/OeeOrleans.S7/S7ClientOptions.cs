using System.Globalization;
using System.Web;

namespace OeeOrleans.S7;

/// <summary>Which PLC, and how it is spoken to.</summary>
public sealed record S7ClientOptions
{
    public const int DefaultPort = 102;
    private const ushort ProgrammingDevice = 0x0100;

    public required string Host { get; init; }

    public int Port { get; init; } = DefaultPort;

    /// <summary>0..7.</summary>
    public int Rack { get; init; }

    /// <summary>0..31: 1 for S7-1200 and 1500 (0 works too), 2 for 300 and 400.</summary>
    public int Slot { get; init; } = 1;

    /// <summary>Ours; of a LOGO! its project says.</summary>
    public ushort LocalTsap { get; init; } = ProgrammingDevice;

    /// <summary>The PLC's; null: 0x0100 + 0x20 × rack + slot. of a LOGO! its project says (often 0x0200 with 0x0100 as ours).</summary>
    public ushort? RemoteTsap { get; init; }

    /// <summary>Bytes of a PDU to ask for, 240..960; the PLC grants less.</summary>
    public int PduLength { get; init; } = 960;

    /// <summary>Requests in flight to ask for, 1..16; the PLC grants less.</summary>
    public int Jobs { get; init; } = 8;

    /// <summary>Items of one request at most. A PLC that answers fewer is asked for fewer.</summary>
    public int ItemsPerRequest { get; init; } = 20;

    /// <summary>For the connection, and for each answer: longer than this without one, and the PLC is away.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How many requests this PLC bears at a time, learnt over its connections; null: learnt anew by each.</summary>
    public S7JobWindow? Window { get; init; }

    /// <exception cref="ArgumentException">Something cannot be used; the message says what would be.</exception>
    internal void Check()
    {
        var mistake = this switch
        {
            { Host: null or "" } => "a host is needed",
            { Port: < 1 or > 65_535 } => $"the port is 1 to 65535, not {Port}",
            { PduLength: < 240 or > 960 } => $"PduLength is 240 to 960, not {PduLength}",
            { Jobs: < 1 or > 16 } => $"Jobs is 1 to 16, not {Jobs}",
            { ItemsPerRequest: < 1 or > 20 } => $"ItemsPerRequest is 1 to 20, not {ItemsPerRequest}",
            { Rack: < 0 or > 7 } or { Slot: < 0 or > 31 } => $"the rack is 0 to 7 and the slot 0 to 31, not {Rack} and {Slot}",
            _ when Timeout <= TimeSpan.Zero || Timeout > TimeSpan.FromMinutes(10) => $"Timeout is up to ten minutes, not {Timeout}",
            _ => null,
        };
        if (mistake is not null) throw new ArgumentException($"S7: {mistake}");
    }

    internal ushort Remote => RemoteTsap ?? (ushort)(ProgrammingDevice + (Rack * 0x20) + Slot);

    /// <summary>`s7://HOST[:102]?rack=0&amp;slot=1`, or `&amp;local_tsap=0x0100&amp;remote_tsap=0x0200`, `&amp;pdu=480`, `&amp;jobs=1`,
    /// `&amp;timeout_ms=3000`.</summary>
    /// <param name="text">The URL.</param>
    /// <param name="options">What it says.</param>
    /// <param name="reason">A sentence when it cannot be used.</param>
    public static bool TryParse(string text, out S7ClientOptions? options, out string reason)
    {
        options = null;
        reason = $"'{text}' is no S7 source; s7://HOST[:102]?rack=0&slot=1 is";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme != "s7" || url.Host.Length == 0) return false;
        if (url.AbsolutePath is not ("" or "/"))
        {
            reason = $"'{text}': an S7 source has no path; rack and slot stand behind a question mark: s7://{url.Host}?rack=0&slot=1";
            return false;
        }

        var result = new S7ClientOptions { Host = url.DnsSafeHost, Port = url.Port > 0 ? url.Port : DefaultPort };
        var query = HttpUtility.ParseQueryString(url.Query);
        foreach (var key in query.AllKeys)
        {
            if (Apply(result, key ?? "", query[key] ?? "", out var mistake) is { } applied)
            {
                result = applied;
                continue;
            }

            reason = $"'{text}': {mistake}";
            return false;
        }

        options = result;
        reason = "";
        return true;
    }

    private static S7ClientOptions? Apply(S7ClientOptions options, string key, string value, out string mistake)
    {
        var (least, most) = key switch
        {
            "rack" => (0, 7),
            "slot" => (0, 31),
            "local_tsap" or "remote_tsap" => (0, 0xFFFF),
            "pdu" => (240, 960),
            "jobs" => (1, 16),
            "timeout_ms" => (100, 60_000),
            _ => (0, -1),
        };
        mistake = most < 0
            ? $"'{key}' is nothing an S7 source knows; rack, slot, local_tsap, remote_tsap, pdu, jobs and timeout_ms are"
            : $"{key} is a number from {least} to {most}, not '{value}'";
        if (!TryNumber(value, out var number) || number < least || number > most) return null;
        return key switch
        {
            "rack" => options with { Rack = number },
            "slot" => options with { Slot = number },
            "local_tsap" => options with { LocalTsap = (ushort)number },
            "remote_tsap" => options with { RemoteTsap = (ushort)number },
            "pdu" => options with { PduLength = number },
            "jobs" => options with { Jobs = number },
            _ => options with { Timeout = TimeSpan.FromMilliseconds(number) },
        };
    }

    /// <summary>`512`, `0x0200` or, as it is written for TSAPs, `02.00`.</summary>
    private static bool TryNumber(string text, out int number)
    {
        if (text.Length == 5 && text[2] == '.') text = "0x" + text.Remove(2, 1);
        return text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? int.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number)
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
