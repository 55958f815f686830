namespace OeeOrleans.OpcUa.Transport;

/// <summary>
/// Numbers of chunks (OPC 10000-6, 6.7.2.4): one more each time; past 4,294,966,271 the next may be anything below 1,024. They go on over
/// renewals of the token.
/// </summary>
internal struct SequenceNumbers
{
    private const uint LastBeforeWrap = 4_294_966_271;
    private const uint FirstAfterWrap = 1_024;

    private uint _last;
    private bool _any;

    /// <summary>The next one to send.</summary>
    public uint Next()
    {
        _last = _last >= LastBeforeWrap ? 1 : _last + 1;
        _any = true;
        return _last;
    }

    /// <summary>Whether a received one follows the last; the first may be any.</summary>
    public bool Accept(uint number)
    {
        var follows = !_any || number == _last + 1 || (_last >= LastBeforeWrap && number < FirstAfterWrap);
        (_last, _any) = (number, true);
        return follows;
    }

    /// <summary>Only for tests: as if this number had been the last.</summary>
    internal void Set(uint last) => (_last, _any) = (last, true);
}
