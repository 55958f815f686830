using OeeOrleans.Cip;
using OeeOrleans.Edge.Sources.Polling;

namespace OeeOrleans.Edge.Sources.Cip;

/// <summary>A session with a plan for each group. A value is made anew only where its bytes changed.</summary>
internal sealed class CipConnection : IPlcConnection
{
    private readonly CipClient _client;
    private readonly CipDriver _driver;
    private readonly CipAddress[] _addresses;
    private readonly IReadOnlyList<int[]> _groups;
    private readonly CipReadPlan[] _plans;

    /// <summary>By tag: the bytes, the status and the type that its value was made of; no bytes before the first reading.</summary>
    private readonly byte[][] _bytes;
    private readonly CipStatus[] _statuses;
    private readonly CipType?[] _types;

    public CipConnection(CipClient client, CipDriver driver, CipAddress[] addresses, IReadOnlyList<int[]> groups, CipAddress? guard)
    {
        (_client, _driver, _addresses, _groups) = (client, driver, addresses, groups);
        _plans = [.. groups.Select(g => client.Plan([.. g.Select(i => addresses[i])], guard))];
        _bytes = [.. addresses.Select(_ => Array.Empty<byte>())];
        _statuses = new CipStatus[addresses.Length];
        Array.Fill(_statuses, CipStatus.None);
        _types = new CipType?[addresses.Length];
        Closed = ReasonAsync(client.Closed);
    }

    public Task<string> Closed { get; }

    /// <summary>Asks for everything once: what types the tags have, only the controller knows.</summary>
    public async Task LearnAsync(CancellationToken cancellationToken)
    {
        var told = new List<(int Tag, CipType? Type, string? Error)>();
        for (var group = 0; group < _groups.Count; group++)
        {
            var plan = _plans[group];
            await _client.ReadAsync(plan, cancellationToken);
            for (var i = 0; i < _groups[group].Length; i++) told.Add((_groups[group][i], plan.TypeOf(i), plan.StatusOf(i).ToString()));
        }

        _driver.Learn(told);
    }

    public async ValueTask ReadAsync(int group, PlcReadings into, CancellationToken cancellationToken)
    {
        var plan = _plans[group];
        try
        {
            await _client.ReadAsync(plan, cancellationToken);
        }
        catch (CipException error)
        {
            throw CipDriver.Translated(error);
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
            var result = await _client.WriteAsync(address, value, cancellationToken);
            var before = Published(tag, result.Before);
            if (result.Error is null) return before;
            throw new PlcException($"{address} was not written: {result.Error}") { Before = before };
        }
        catch (CipException error)
        {
            // Whatever ended the session, it is not known whether this was carried out.
            throw new PlcException(error.Message, error.Failure != CipFailure.Refused, error);
        }
    }

    public async Task<object?> ReadBackAsync(int tag, CancellationToken cancellationToken)
    {
        try
        {
            return Published(tag, (await _client.ReadAsync([_addresses[tag]], cancellationToken))[0].Value);
        }
        catch (CipException error)
        {
            throw CipDriver.Translated(error);
        }
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    /// <summary>Null when it is none of the type published: the write is what it is all the same.</summary>
    private object? Published(int tag, object? value)
    {
        try
        {
            return value is null ? null : CipValues.ToPublished(_driver.TypeOf(tag), value);
        }
        catch (Exception error) when (error is FormatException or InvalidCastException or OverflowException)
        {
            return null;
        }
    }

    private static async Task<string> ReasonAsync(Task<CipException> closed) => (await closed).Message;

    private void Take(CipReadPlan plan, int index, int tag, PlcReadings into)
    {
        var (status, type) = (plan.StatusOf(index), plan.TypeOf(index));
        var bytes = status.IsGood ? plan.BytesOf(index) : [];
        var isOtherType = !ReferenceEquals(type, _types[tag]);
        var isSame = !isOtherType && status == _statuses[tag] && status != CipStatus.None;
        if (isSame && bytes.SequenceEqual(_bytes[tag])) return;
        (_statuses[tag], _types[tag]) = (status, type);
        if (_bytes[tag].Length != bytes.Length) _bytes[tag] = new byte[bytes.Length];
        bytes.CopyTo(_bytes[tag]);
        (into.Values[tag], into.Qualities[tag], into.Errors[tag]) = (null, CipValues.QualityOf(status), null);
        if (!status.IsGood)
        {
            into.Errors[tag] = status.Sentence;
            return;
        }

        // After a download a tag may be of another type: its device is born anew with it.
        if (isOtherType && type is not null) _driver.Learn([(tag, type, null)]);
        try
        {
            into.Values[tag] = CipValues.ToPublished(_driver.TypeOf(tag), plan.ValueOf(index));
        }
        catch (Exception error) when (error is FormatException or InvalidCastException or OverflowException)
        {
            // Bytes that are no value of the type: bad, and nothing is made up.
            (into.Qualities[tag], into.Errors[tag]) = (0, error.Message);
        }
    }
}
