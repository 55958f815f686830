using System.Globalization;
using System.Web;

namespace OeeOrleans.Cip;

/// <summary>Families of controllers that must be spoken to in different ways.</summary>
public enum CipPlc
{
    ControlLogix,
    CompactLogix,
    Micro800,
    Plc5,
    Slc500,
    MicroLogix,
}

/// <summary>Which controller, and how it is spoken to.</summary>
public sealed record CipClientOptions
{
    public const int DefaultPort = 44_818;

    public required string Host { get; init; }

    public int Port { get; init; } = DefaultPort;

    public CipPlc Plc { get; init; } = CipPlc.ControlLogix;

    /// <summary>From the module that has the address to the controller; empty where the controller has it itself.</summary>
    public CipRoute Route { get; init; } = CipRoute.None;

    /// <summary>For the connection, and for answers: longer than this without one, and the controller is away. While it answers others, one
    /// may stay away five times as long.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Bytes of a connected message to ask for, 100..4002; what the controller does not grant is not used.</summary>
    public int ConnectionSize { get; init; } = 4_000;

    /// <summary>Requests in flight, 1..16, for controllers that take packed requests; others get one at a time.</summary>
    public int Jobs { get; init; } = 4;

    /// <summary>Whether to open a connection to the controller; PCCC controllers are always spoken to without one.</summary>
    public bool Connected { get; init; } = true;

    /// <summary>Where the controller's tags and structures are kept, so that the next start need not ask for them; null: nowhere. Where the
    /// controller has no counters of its changes, nothing is kept.</summary>
    public string? TableFile { get; init; }

    /// <summary>Whether plans address tags by their numbers in the controller, which it reads faster than names. That needs its list of
    /// tags; where it has none, or no counters of its changes, names are used.</summary>
    public bool ByNumber { get; init; }

    /// <summary>The controller drops a connection that is silent for 16 times this.</summary>
    internal TimeSpan PacketInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>It has data files, and no tags.</summary>
    public bool IsPccc => Plc is CipPlc.Plc5 or CipPlc.Slc500 or CipPlc.MicroLogix;

    internal string Name => $"{Host}:{Port}{(Route.IsEmpty ? "" : $"/{Route}")}";

    /// <summary>`cip://HOST[:44818][/ROUTE]?plc=controllogix`, `&amp;timeout_ms=3000`, `&amp;size=500`, `&amp;jobs=1`,
    /// `&amp;connected=false`. ROUTE is pairs of port and address: `1,0` is the backplane, slot 0.</summary>
    /// <param name="text">The URL.</param>
    /// <param name="options">What it says.</param>
    /// <param name="reason">A sentence when it cannot be used.</param>
    public static bool TryParse(string text, out CipClientOptions? options, out string reason)
    {
        options = null;
        reason = $"'{text}' is no CIP source; cip://HOST[:44818][/1,0]?plc=controllogix is";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme != "cip" || url.Host.Length == 0) return false;
        if (!CipRoute.TryParse(Uri.UnescapeDataString(url.AbsolutePath).Trim('/'), out var route, out var wrong))
        {
            reason = $"'{text}': {wrong}";
            return false;
        }

        var result = new CipClientOptions { Host = url.DnsSafeHost, Port = url.Port > 0 ? url.Port : DefaultPort, Route = route };
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

        if (result is { Plc: CipPlc.Micro800 or CipPlc.MicroLogix, Route.IsEmpty: false })
        {
            reason = $"'{text}': a {PlcName(result.Plc)} has no backplane, and so no route: cip://{url.Host}?plc={PlcName(result.Plc)}";
            return false;
        }

        options = result;
        reason = "";
        return true;
    }

    /// <exception cref="ArgumentException">Something cannot be used; the message says what would be.</exception>
    internal void Check()
    {
        var mistake = this switch
        {
            { Host: null or "" } => "a host is needed",
            { Port: < 1 or > 65_535 } => $"the port is 1 to 65535, not {Port}",
            { ConnectionSize: < 100 or > 4_002 } => $"ConnectionSize is 100 to 4002, not {ConnectionSize}",
            { Jobs: < 1 or > 16 } => $"Jobs is 1 to 16, not {Jobs}",
            _ when Timeout <= TimeSpan.Zero || Timeout > TimeSpan.FromMinutes(10) => $"Timeout is up to ten minutes, not {Timeout}",
            _ => null,
        };
        if (mistake is not null) throw new ArgumentException($"CIP: {mistake}");
    }

    private static string PlcName(CipPlc plc) => plc.ToString().ToLowerInvariant();

    private static CipClientOptions? Apply(CipClientOptions options, string key, string value, out string mistake)
    {
        if (key == "plc")
        {
            mistake = $"plc is controllogix, compactlogix, micro800, plc5, slc500 or micrologix, not '{value}'";
            var isKnown = Enum.TryParse<CipPlc>(value, ignoreCase: true, out var plc) && !int.TryParse(value, out _);
            return isKnown ? options with { Plc = plc } : null;
        }

        if (key == "connected")
        {
            mistake = $"connected is true or false, not '{value}'";
            return bool.TryParse(value, out var isConnected) ? options with { Connected = isConnected } : null;
        }

        var (least, most) = key switch
        {
            "size" => (100, 4_002),
            "jobs" => (1, 16),
            "timeout_ms" => (100, 60_000),
            _ => (0, -1),
        };
        mistake = most < 0
            ? $"'{key}' is nothing a CIP source knows; plc, timeout_ms, size, jobs and connected are"
            : $"{key} is a number from {least} to {most}, not '{value}'";
        if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < least || number > most)
        {
            return null;
        }

        return key switch
        {
            "size" => options with { ConnectionSize = number },
            "jobs" => options with { Jobs = number },
            _ => options with { Timeout = TimeSpan.FromMilliseconds(number) },
        };
    }
}
