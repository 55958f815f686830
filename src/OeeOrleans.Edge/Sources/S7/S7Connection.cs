using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.S7;

namespace OeeOrleans.Edge.Sources.S7;

/// <summary>A connection with a plan for each group. A value is made anew only where its bytes changed.</summary>
internal sealed class S7Connection : IPlcConnection
{
    private readonly S7Client _client;
    private readonly S7Address[] _addresses;
    private readonly IReadOnlyList<int[]> _groups;
    private readonly S7ReadPlan[] _plans;

    /// <summary>By tag: the bytes and the status that its value was made of; no bytes before the first reading.</summary>
    private readonly byte[][] _bytes;
    private readonly S7Status[] _statuses;

    public S7Connection(S7Client client, S7Address[] addresses, IReadOnlyList<int[]> groups)
    {
        (_client, _addresses, _groups) = (client, addresses, groups);
        _plans = [.. groups.Select(g => client.Plan([.. g.Select(i => addresses[i])]))];
        _bytes = [.. addresses.Select(_ => Array.Empty<byte>())];
        _statuses = new S7Status[addresses.Length];
        Closed = ReasonAsync(client.Closed);
    }

    public Task<string> Closed { get; }

    public async ValueTask ReadAsync(int group, PlcReadings into, CancellationToken cancellationToken)
    {
        var plan = _plans[group];
        try
        {
            await _client.ReadAsync(plan, cancellationToken);
        }
        catch (S7Exception error)
        {
            throw S7Driver.Translated(error);
        }

        var tags = _groups[group];
        for (var i = 0; i < tags.Length; i++) Take(plan, i, tags[i], into);
    }

    public async Task<object?> WriteAsync(int tag, object? value, CancellationToken cancellationToken)
    {
        if (value is null) throw new ArgumentException("null cannot be written");
        var address = _addresses[tag];
        try
        {
            var before = await ReadOneAsync(address, cancellationToken);
            var status = (await _client.WriteAsync([(address, value)], cancellationToken))[0];
            if (status == S7Status.Good) return before;
            throw new PlcException($"{address} was not written: {S7Errors.Sentence(status)}") { Before = before };
        }
        catch (S7Exception error)
        {
            // Whatever ended the connection, it is not known whether this was carried out.
            throw new PlcException(error.Message, error.Failure != S7Failure.Refused, error);
        }
    }

    public async Task<object?> ReadBackAsync(int tag, CancellationToken cancellationToken)
    {
        try
        {
            return await ReadOneAsync(_addresses[tag], cancellationToken);
        }
        catch (S7Exception error)
        {
            throw S7Driver.Translated(error);
        }
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private async Task<object?> ReadOneAsync(S7Address address, CancellationToken cancellationToken)
    {
        var read = (await _client.ReadAsync([address], cancellationToken))[0];
        return read.Value is null ? null : S7Values.ToPublished(address, read.Value);
    }

    private static async Task<string> ReasonAsync(Task<S7Exception> closed) => (await closed).Message;

    private void Take(S7ReadPlan plan, int index, int tag, PlcReadings into)
    {
        var status = plan.StatusOf(index);
        var bytes = status == S7Status.Good ? plan.BytesOf(index) : [];
        if (status == _statuses[tag] && status != S7Status.None && bytes.SequenceEqual(_bytes[tag])) return;
        _statuses[tag] = status;
        if (_bytes[tag].Length != bytes.Length) _bytes[tag] = new byte[bytes.Length];
        bytes.CopyTo(_bytes[tag]);
        (into.Values[tag], into.Qualities[tag], into.Errors[tag]) = (null, S7Values.QualityOf(status), null);
        if (status != S7Status.Good)
        {
            into.Errors[tag] = S7Errors.Sentence(status);
            return;
        }

        try
        {
            into.Values[tag] = S7Values.ToPublished(_addresses[tag], S7Codec.Decode(_addresses[tag], bytes));
        }
        catch (FormatException error)
        {
            // Bytes that are no value of the type: bad, and nothing is made up.
            (into.Qualities[tag], into.Errors[tag]) = (0, error.Message);
        }
    }
}
