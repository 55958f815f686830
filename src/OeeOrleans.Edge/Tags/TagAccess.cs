using Microsoft.Extensions.Logging;
using OeeOrleans.Edge.Sources.OpcUa;
using OeeOrleans.OpcUa;

namespace OeeOrleans.Edge.Tags;

/// <summary>Opens PLCs by their URL, whatever the protocol.</summary>
public static class TagAccess
{
    /// <summary>Why a source cannot be spoken to; null when it can.</summary>
    public static string? CheckSource(string source, out Uri? url)
    {
        url = null;
        if (source.StartsWith("opc.tcp:", StringComparison.OrdinalIgnoreCase))
        {
            return OpcUaUrl.TryParse(source, out url, out var reason) ? null : reason;
        }

        return $"'{source}' is no source that this version speaks to; opc.tcp://host:4840/path is";
    }

    /// <summary>Why an address cannot be meant; null when it can.</summary>
    public static string? CheckAddress(Uri source, string address) => ExpandedNodeId.TryParse(address, out _)
        ? null
        : $"'{address}' is no OPC UA node id; ns=2;s=Filler1.Temp, i=2258, nsu=http://example.org/;s=Temp, ns=2;g=GUID and "
            + "ns=2;b=BASE64 are";

    /// <exception cref="OpcUaException">There is no connection to be had; the message says what to do.</exception>
    /// <exception cref="ArgumentException">The settings cannot be used.</exception>
    public static async Task<ITagAccess> OpenAsync(
        Uri source, OpcUaSettings settings, string pki, ILogger log, CancellationToken cancellationToken) =>
        await OpcUaTags.OpenAsync(source, settings, pki, log, cancellationToken);
}
