namespace OeeOrleans.S7;

/// <summary>
/// How many requests a PLC is given at a time: weak ones grant more than they bear. It grows by one when as many answers came in a row as
/// it
/// is wide, up to what the PLC grants. A connection that ends with several under way halves it, and from then on it stays below what was
/// too much; only after thousands of answers one more is tried.
/// </summary>
public sealed class S7JobWindow
{
    private const int TryMoreAfter = 10_000;

    private readonly Lock _lock = new();
    private int _width = 2;
    private int _granted = 16;

    /// <summary>Was too much once.</summary>
    private int _tooMuch = int.MaxValue;
    private int _good;
    private int _goodAtMost;

    /// <summary>Requests at a time now.</summary>
    public int Width
    {
        get
        {
            lock (_lock) return Math.Min(_width, Most);
        }
    }

    private int Most => Math.Max(1, Math.Min(_granted, _tooMuch - 1));

    internal void Limit(int granted)
    {
        lock (_lock) _granted = Math.Max(1, granted);
    }

    /// <summary>Whether one more may be in flight from now on.</summary>
    internal bool Answered()
    {
        lock (_lock)
        {
            _width = Math.Min(_width, Most);
            if (_width == Most && _tooMuch <= _granted && ++_goodAtMost >= TryMoreAfter) (_tooMuch, _goodAtMost) = (_tooMuch + 1, 0);
            if (_width >= Most || ++_good < _width) return false;
            _good = 0;
            _width++;
            return true;
        }
    }

    /// <param name="underWay">Requests that were not answered when the connection ended.</param>
    internal void Failed(int underWay)
    {
        lock (_lock)
        {
            _tooMuch = Math.Min(_tooMuch, Math.Max(2, underWay));
            (_width, _good, _goodAtMost) = (Math.Max(1, Math.Min(_width, Most) / 2), 0, 0);
        }
    }
}
