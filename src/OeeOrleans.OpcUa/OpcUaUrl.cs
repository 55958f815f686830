using System.Diagnostics.CodeAnalysis;

namespace OeeOrleans.OpcUa;

/// <summary>`opc.tcp://HOST[:4840][/PATH]`.</summary>
public static class OpcUaUrl
{
    /// <summary>IANA's port for OPC UA.</summary>
    public const int DefaultPort = 4840;

    private const string Scheme = "opc.tcp";

    /// <param name="text">The URL.</param>
    /// <param name="url">With the default port where none was given.</param>
    /// <param name="reason">Why it cannot be used.</param>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Uri? url, out string reason)
    {
        reason = "";
        if (!Uri.TryCreate(text, UriKind.Absolute, out url) || url.Scheme != Scheme || url.Host.Length == 0)
        {
            reason = $"'{text}' is no OPC UA server; opc.tcp://host:4840/path is";
            url = null;
            return false;
        }

        if (url.Port <= 0) url = new UriBuilder(url) { Port = DefaultPort }.Uri;
        return true;
    }
}
