using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi;

/// <summary>A machine's parameters over time: each version holds from its instant (microseconds) until the next one. Immutable.</summary>
public sealed class ParameterTimeline
{
    private readonly long[] _from;
    private readonly OeeParameters[] _versions;

    /// <summary>Parameters that never changed.</summary>
    public ParameterTimeline(OeeParameters parameters)
        : this([(long.MinValue, parameters)])
    {
    }

    /// <param name="versions">In order of time; the first one also holds for the time before it.</param>
    public ParameterTimeline(IReadOnlyList<(long FromUs, OeeParameters Parameters)> versions)
    {
        if (versions.Count == 0) throw new ArgumentException("at least one version is needed", nameof(versions));
        _from = [.. versions.Select(v => v.FromUs)];
        _versions = [.. versions.Select(v => v.Parameters)];
        for (var i = 1; i < _from.Length; i++)
        {
            if (_from[i] <= _from[i - 1])
            {
                throw new ArgumentException("versions must be in order of time, each later than the one before", nameof(versions));
            }
        }
    }

    /// <summary>The newest version.</summary>
    public OeeParameters Latest => _versions[^1];

    public OeeParameters At(long timeUs)
    {
        var i = _versions.Length - 1;
        while (i > 0 && _from[i] > timeUs) i--;
        return _versions[i];
    }

    /// <summary>When the version in force at an instant is followed by the next; long.MaxValue when it is the last.</summary>
    public long NextChange(long timeUs)
    {
        for (var i = 1; i < _from.Length; i++)
        {
            if (_from[i] > timeUs) return _from[i];
        }

        return long.MaxValue;
    }

    public static implicit operator ParameterTimeline(OeeParameters parameters) => new(parameters);
}
