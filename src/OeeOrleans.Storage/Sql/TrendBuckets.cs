using OeeOrleans.Model;

namespace OeeOrleans.Storage.Sql;

/// <summary>
/// Turns samples and rollups in order of time into buckets of equal length; keeps samples raw as long as there are no more than so many.
/// Bad samples are counted, and are no numbers.
/// </summary>
/// <param name="fromUs">Nothing before it is given; the first bucket begins here.</param>
/// <param name="widthUs">Length of a bucket.</param>
/// <param name="anchorUs">An instant at which a bucket begins.</param>
/// <param name="points">Raw samples kept at most.</param>
internal sealed class TrendBuckets(long fromUs, long widthUs, long anchorUs, int points)
{
    private readonly List<TrendPoint> _raw = [];
    private readonly List<Bucket> _buckets = [];

    /// <summary>Samples so far.</summary>
    public long Count { get; private set; }

    /// <summary>Of them, those that are good numbers.</summary>
    public long Numbers { get; private set; }

    public void Add(long timeUs, double? value, string? text, short quality)
    {
        if (_raw.Count <= points) _raw.Add(new TrendPoint(timeUs, value, value, value, value, value, text, 1, quality));
        var number = quality >= Quality.Uncertain ? value : null;
        var bucket = BucketOf(timeUs);
        bucket.Add(number, number, number ?? 0, number is null ? 0 : 1, number, number, 1, quality);
        bucket.Text = text ?? bucket.Text;
        Note(1, number is null ? 0 : 1);
    }

    public void AddRollup(
        long bucketUs, double? min, double? max, double sum, long numbers, double? first, double? last, long count, short quality)
    {
        BucketOf(bucketUs).Add(min, max, sum, numbers, first, last, count, quality);
        Note(count, numbers);
    }

    public Trend Finish() => Count <= points ? new Trend(_raw, true) : new Trend([.. _buckets.Select(b => b.ToPoint())], false);

    private void Note(long count, long numbers) => (Count, Numbers) = (Count + count, Numbers + numbers);

    private Bucket BucketOf(long timeUs)
    {
        var start = Math.Max(fromUs, anchorUs + Rollups.Floor(timeUs - anchorUs, widthUs));
        if (_buckets.Count == 0 || _buckets[^1].StartUs != start) _buckets.Add(new Bucket(start));
        return _buckets[^1];
    }

    private sealed class Bucket(long startUs)
    {
        private double _min = double.PositiveInfinity;
        private double _max = double.NegativeInfinity;
        private double _sum;
        private double? _first;
        private double? _last;
        private long _numbers;
        private long _count;
        private short _quality = short.MaxValue;

        public long StartUs => startUs;

        public string? Text { get; set; }

        public void Add(double? min, double? max, double sum, long numbers, double? first, double? last, long count, short quality)
        {
            _count += count;
            _quality = Math.Min(_quality, quality);
            if (numbers == 0) return;
            _numbers += numbers;
            _min = Math.Min(_min, min!.Value);
            _max = Math.Max(_max, max!.Value);
            _sum += sum;
            _first ??= first;
            _last = last;
        }

        public TrendPoint ToPoint() => _numbers == 0
            ? new TrendPoint(startUs, null, null, null, null, null, Text, _count, _quality)
            : new TrendPoint(startUs, _min, _max, _sum / _numbers, _first, _last, Text, _count, _quality);
    }
}
