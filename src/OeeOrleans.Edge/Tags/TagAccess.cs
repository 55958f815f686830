using Microsoft.Extensions.Logging;
using OeeOrleans.Cip;
using OeeOrleans.Edge.Sources.Cip;
using OeeOrleans.Edge.Sources.OpcUa;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Edge.Sources.S7;
using OeeOrleans.OpcUa;
using OeeOrleans.S7;

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

        if (!IsPolled(source))
        {
            return $"'{source}' is no source that this version speaks to; opc.tcp://host:4840/path, s7://host?rack=0&slot=1 and "
                + "cip://host/1,0?plc=controllogix are";
        }

        string wrong;
        var isRight = source.StartsWith("s7:", StringComparison.OrdinalIgnoreCase)
            ? S7ClientOptions.TryParse(source, out _, out wrong)
            : CipClientOptions.TryParse(source, out _, out wrong);
        if (!isRight) return wrong;
        url = new Uri(source);
        return null;
    }

    /// <summary>Why an address cannot be meant; null when it can.</summary>
    public static string? CheckAddress(Uri source, string address)
    {
        if (source.Scheme == "s7") return S7Address.TryParse(address, out _, out var reason) ? null : reason;
        if (source.Scheme == "cip") return CipAddress.TryParse(address, CipOf(source).Plc, out _, out var wrong) ? null : wrong;
        return ExpandedNodeId.TryParse(address, out _)
            ? null
            : $"'{address}' is no OPC UA node id; ns=2;s=Filler1.Temp, i=2258, nsu=http://example.org/;s=Temp, ns=2;g=GUID and "
                + "ns=2;b=BASE64 are";
    }

    /// <summary>Why a browse cannot begin there; null when it can.</summary>
    public static string? CheckStart(Uri source, string address)
    {
        if (source.Scheme == "cip" && CipTags.IsProgram(address)) return null;
        if (source.Scheme != "s7") return CheckAddress(source, address);
        return S7Tags.DbOf(address) is null ? $"'{address}' is no data block to begin at; DB10 is" : null;
    }

    /// <summary>Whether the first part of `ADDRESS=VALUE` can be an address already: node ids have a `=` of their own.</summary>
    public static bool IsWholeAddress(string source, string address) => IsPolled(source)
        ? !address.Contains('=', StringComparison.Ordinal)
        : ExpandedNodeId.TryParse(address, out var id) && id.NodeId.Identifier is not "";

    /// <exception cref="OpcUaException">There is no connection to be had; the message says what to do.</exception>
    /// <exception cref="PlcException">There is no connection to be had; the message says what to look at.</exception>
    /// <exception cref="ArgumentException">The settings cannot be used.</exception>
    public static async Task<ITagAccess> OpenAsync(
        Uri source, OpcUaSettings settings, string pki, ILogger log, CancellationToken cancellationToken)
    {
        if (source.Scheme == "cip") return await CipTags.OpenAsync(CipOf(source), cancellationToken);
        if (source.Scheme != "s7") return await OpcUaTags.OpenAsync(source, settings, pki, log, cancellationToken);
        if (!S7ClientOptions.TryParse(source.ToString(), out var options, out var reason)) throw new ArgumentException(reason);
        return await S7Tags.OpenAsync(options!, cancellationToken);
    }

    private static bool IsPolled(string source) =>
        source.StartsWith("s7:", StringComparison.OrdinalIgnoreCase) || source.StartsWith("cip:", StringComparison.OrdinalIgnoreCase);

    private static CipClientOptions CipOf(Uri source) =>
        CipClientOptions.TryParse(source.ToString(), out var options, out var reason) ? options! : throw new ArgumentException(reason);
}
