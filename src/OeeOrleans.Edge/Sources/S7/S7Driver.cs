using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.S7;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources.S7;

/// <summary>`s7://host?rack=0&amp;slot=1`: a Siemens PLC.</summary>
internal sealed class S7Driver : IPlcDriver
{
    private readonly S7ClientOptions _options;
    private readonly S7Address[] _addresses;

    /// <exception cref="ArgumentException">The URL or an address cannot be used.</exception>
    public S7Driver(EdgeSource source)
    {
        if (!S7ClientOptions.TryParse(source.Url.ToString(), out var options, out var reason)) throw new ArgumentException(reason);
        // What this PLC bears is remembered over its connections.
        _options = options! with { Window = new S7JobWindow() };
        _addresses = [.. source.Tags.Select(t => Parsed(t.Address))];
    }

    public SparkplugDataType TypeOf(int tag) => S7Values.TypeOf(_addresses[tag]);

    public async Task<IPlcConnection> ConnectAsync(IReadOnlyList<int[]> groups, CancellationToken cancellationToken)
    {
        try
        {
            return new S7Connection(await S7Client.ConnectAsync(_options, cancellationToken), _addresses, groups);
        }
        catch (S7Exception error)
        {
            throw Translated(error);
        }
    }

    public static PlcException Translated(S7Exception error) =>
        new(error.Message, error.Failure is S7Failure.NotConnected or S7Failure.Timeout, error);

    private static S7Address Parsed(string address) =>
        S7Address.TryParse(address, out var parsed, out var reason) ? parsed : throw new ArgumentException(reason);
}
