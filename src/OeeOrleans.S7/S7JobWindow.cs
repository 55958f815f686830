namespace OeeOrleans.S7;

/// <summary>
/// How many requests a PLC is given at a time. It grows by one when as many answers came in a row as it is wide, up to what the PLC
/// grants, and is halved when an answer fails to come: weak PLCs grant more than they bear.
/// </summary>
public sealed class S7JobWindow
{
    private readonly Lock _lock = new();
    private int _width = 2;
    private int _most = 16;
    private int _good;

    /// <summary>Requests at a time now.</summary>
    public int Width
    {
        get
        {
            lock (_lock) return Math.Min(_width, _most);
        }
    }

    internal void Limit(int granted)
    {
        lock (_lock) _most = Math.Max(1, granted);
    }

    /// <summary>Whether one more may be in flight from now on.</summary>
    internal bool Answered()
    {
        lock (_lock)
        {
            if (_width >= _most || ++_good < _width) return false;
            _good = 0;
            _width++;
            return true;
        }
    }

    internal void Failed()
    {
        lock (_lock) (_width, _good) = (Math.Max(1, Math.Min(_width, _most) / 2), 0);
    }
}
