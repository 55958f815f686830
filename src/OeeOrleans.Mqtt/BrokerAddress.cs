namespace OeeOrleans.Mqtt;

/// <summary>Where a broker is, and who we are there. The URL never holds credentials, so it may be logged and shown.</summary>
public sealed record BrokerAddress
{
    private const int PlainPort = 1883;
    private const int TlsPort = 8883;

    /// <param name="url">`mqtt://host:port` or `mqtts://host:port`; `user:password@` in it becomes the credentials.</param>
    public BrokerAddress(Uri url)
    {
        if (url.UserInfo.Length > 0)
        {
            var parts = url.UserInfo.Split(':', 2);
            Username = Uri.UnescapeDataString(parts[0]);
            Password = parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : null;
        }

        Url = url.UserInfo.Length == 0 ? url : new UriBuilder(url) { UserName = "", Password = "" }.Uri;
    }

    public Uri Url { get; private init; }

    public string? Username { get; init; }

    public string? Password { get; init; }

    /// <summary>PEM file of the authorities that may have signed the broker's certificate; with mqtts only, as the next two.</summary>
    public string? CaFile { get; init; }

    public string? CertificateFile { get; init; }

    public string? KeyFile { get; init; }

    public bool IsTls => Url.Scheme == "mqtts";

    public int Port => Url.Port > 0 ? Url.Port : DefaultPort;

    private int DefaultPort => IsTls ? TlsPort : PlainPort;

    /// <summary>
    /// Another broker of the same plant: its own URL, and where that names nobody, the credentials and files of this one.
    /// </summary>
    public BrokerAddress At(Uri url)
    {
        var other = new BrokerAddress(url);
        return this with
        {
            Url = other.Url,
            Username = other.Username ?? Username,
            Password = other.Username is null ? Password : other.Password,
        };
    }

    /// <summary>Reads a URL. The reason of a refusal repeats no credentials.</summary>
    public static bool TryParse(string? text, out BrokerAddress address, out string reason)
    {
        address = Loopback;
        reason = "";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("mqtt" or "mqtts") || url.Host.Length == 0)
        {
            reason = $"'{Redact(text)}' is not mqtt://host:port or mqtts://host:port";
            return false;
        }

        if (url.AbsolutePath is not ("" or "/") || url.Query.Length > 0 || url.Fragment.Length > 0)
        {
            reason =
                $"'{Redact(text)}' has more than host and port; in a user name or password, '#', '?' and '/' are written %23, %3F and %2F";
            return false;
        }

        address = new BrokerAddress(url);
        return true;
    }

    public static BrokerAddress Loopback { get; } = new(new Uri("mqtt://127.0.0.1:1883"));

    public override string ToString() => Url.ToString().TrimEnd('/');

    /// <summary>A text that may be a URL with a password in it, without that.</summary>
    public static string Redact(string? text)
    {
        if (text is null) return "";
        var at = text.LastIndexOf('@');
        if (at < 0) return text;
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        return scheme >= 0 && scheme < at ? $"{text[..(scheme + 3)]}...{text[at..]}" : $"...{text[at..]}";
    }
}
