using Microsoft.Extensions.Logging;
using OeeOrleans.Cip;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources.Cip;

/// <summary>
/// `cip://host/1,0?plc=controllogix`: a Rockwell controller. Types are the controller's word; they are kept in a file, so that a device is
/// born as it was before its controller answers.
/// </summary>
internal sealed class CipDriver : IPlcDriver
{
    /// <summary>For connecting, the list of its tags, and the first reading.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly CipClientOptions _options;
    private readonly CipAddress[] _addresses;
    private readonly CipAddress? _guard;
    private readonly SparkplugDataType[] _types;
    private readonly SourceMemory _memory;
    private readonly string _id;
    private readonly ILogger _log;
    private volatile int _version;

    /// <exception cref="ArgumentException">The URL or an address cannot be used.</exception>
    public CipDriver(EdgeSource source, EdgeOptions options, ILogger log)
    {
        (_id, _log) = (source.Id, log);
        if (!CipClientOptions.TryParse(source.Url.ToString(), out var parsed, out var reason)) throw new ArgumentException(reason);
        _options = parsed! with
        {
            ByNumber = true,
            TableFile = Path.Combine(options.DataDir, $"cip-{options.Group}-{options.Node}-{source.Id}.tags.json"),
        };
        _addresses = [.. source.Tags.Select(t => Parsed(t.Address))];
        _guard = source.Guard is null ? null : Parsed(source.Guard);
        _memory = new SourceMemory(Path.Combine(options.DataDir, $"cip-{options.Group}-{options.Node}-{source.Id}.json"));
        if (_memory.IsLost is { } lost) Log.MemoryLost(log, source.Id, lost);
        _types = [.. _addresses.Select(a => a.KnownType is { } known ? CipValues.TypeOf(a, known) : _memory.TypeOf(a.Text))];
    }

    public SparkplugDataType TypeOf(int tag) => _types[tag];

    public int TypesVersion => _version;

    public async Task<IPlcConnection> ConnectAsync(IReadOnlyList<int[]> groups, CancellationToken cancellationToken)
    {
        CipClient? client = null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            client = await CipClient.ConnectAsync(_options, limit.Token);
            var connection = new CipConnection(client, this, _addresses, groups, _guard);
            await connection.LearnAsync(limit.Token);
            if (client.TableNotKept is { } reason) Log.TableNotKept(_log, _id, reason);
            return connection;
        }
        catch (Exception error)
        {
            if (client is not null) await client.DisposeAsync();
            if (error is CipException refused) throw Translated(refused);
            if (error is not OperationCanceledException || cancellationToken.IsCancellationRequested) throw;
            throw new PlcException($"{_options.Host} did not tell all its tags within {Limit.TotalMinutes} min", isAway: true);
        }
    }

    /// <summary>What the controller said of the types; null: nothing.</summary>
    public void Learn(IReadOnlyList<(int Tag, CipType? Type, string? Error)> told)
    {
        var isChanged = false;
        foreach (var (tag, type, error) in told)
        {
            var before = _types[tag];
            if (type is null && before != SparkplugDataType.Unknown) continue;
            // Not there now: as most are, so that it is seen to be bad.
            _types[tag] = type is null ? SparkplugDataType.Double : CipValues.TypeOf(_addresses[tag], type);
            if (type is null) Log.TypeUnknown(_log, _id, _addresses[tag].Text, error ?? "");
            else _memory.SetType(_addresses[tag].Text, _types[tag]);
            isChanged |= _types[tag] != before;
        }

        if (!isChanged) return;
        DurableFile.TrySave(_memory.Save, _log, _id);
        _version++;
    }

    public static PlcException Translated(CipException error) =>
        new(error.Message, error.Failure is CipFailure.NotConnected or CipFailure.Timeout, error);

    private CipAddress Parsed(string address) =>
        CipAddress.TryParse(address, _options.Plc, out var parsed, out var reason) ? parsed! : throw new ArgumentException(reason);
}
