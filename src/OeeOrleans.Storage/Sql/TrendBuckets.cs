namespace OeeOrleans.Storage.Sql;

/// <summary>Turns samples in order of time into at most so many buckets of equal length; keeps them raw as long as there are no more than that.</summary>
internal sealed class TrendBuckets(long fromUs, long toUs, int points)
{
    private readonly long _widthUs = Math.Max(1, (toUs - fromUs + points - 1) / points);
    private readonly List<TrendPoint> _raw = [];
    private readonly List<Bucket> _buckets = [];

    public void Add(long timeUs, double? value, string? text, short quality)
    {
        if (_raw.Count <= points) _raw.Add(new TrendPoint(timeUs, value, value, value, value, value, text, 1, quality));
        var start = fromUs + ((timeUs - fromUs) / _widthUs * _widthUs);
        if (_buckets.Count == 0 || _buckets[^1].StartUs != start) _buckets.Add(new Bucket(start));
        _buckets[^1].Add(value, text, quality);
    }

    public Trend Finish() => _raw.Count <= points ? new Trend(_raw, true) : new Trend([.. _buckets.Select(b => b.ToPoint())], false);

    private sealed class Bucket(long startUs)
    {
        private double _min = double.PositiveInfinity;
        private double _max = double.NegativeInfinity;
        private double _sum;
        private double? _first;
        private double? _last;
        private string? _text;
        private long _numbers;
        private long _count;
        private short _quality = short.MaxValue;

        public long StartUs => startUs;

        public void Add(double? value, string? text, short quality)
        {
            _count++;
            _quality = Math.Min(_quality, quality);
            _text = text ?? _text;
            if (value is not { } number) return;
            _numbers++;
            _min = Math.Min(_min, number);
            _max = Math.Max(_max, number);
            _sum += number;
            _first ??= number;
            _last = number;
        }

        public TrendPoint ToPoint() => _numbers == 0
            ? new TrendPoint(startUs, null, null, null, null, null, _text, _count, _quality)
            : new TrendPoint(startUs, _min, _max, _sum / _numbers, _first, _last, _text, _count, _quality);
    }
}
