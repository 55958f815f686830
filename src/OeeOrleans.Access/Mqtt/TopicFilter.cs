namespace OeeOrleans.Access.Mqtt;

/// <summary>Topic filters (MQTT 5, 4.7): what one covers of another, or of a topic.</summary>
internal static class TopicFilter
{
    private const string Share = "$share/";

    /// <summary>
    /// Everything that <paramref name="asked"/> (a topic or a filter) matches, <paramref name="allowed"/> matches as well.
    /// </summary>
    public static bool Covers(string allowed, string asked)
    {
        // A wildcard at the beginning does not match what begins with $ (4.7.2).
        if (asked is ['$', ..] && allowed is ['+' or '#', ..]) return false;
        var mine = allowed.AsSpan();
        var other = asked.AsSpan();
        while (true)
        {
            var level = Next(ref mine, out var mineEnds);
            if (level is "#") return true;
            var otherLevel = Next(ref other, out var otherEnds);
            if (otherLevel is "#") return false;
            if (level is not "+" && !level.SequenceEqual(otherLevel)) return false;
            if (mineEnds && otherEnds) return true;
            // `a/#` covers `a` itself (4.7.1.2).
            if (otherEnds) return mine is "#";
            if (mineEnds) return false;
        }
    }

    /// <summary>The filter of a shared subscription (4.8.2).</summary>
    public static string WithoutShare(string filter)
    {
        if (!filter.StartsWith(Share, StringComparison.Ordinal)) return filter;
        var slash = filter.IndexOf('/', Share.Length);
        return slash < 0 ? filter : filter[(slash + 1)..];
    }

    private static ReadOnlySpan<char> Next(ref ReadOnlySpan<char> rest, out bool ends)
    {
        var slash = rest.IndexOf('/');
        ends = slash < 0;
        var level = ends ? rest : rest[..slash];
        rest = ends ? [] : rest[(slash + 1)..];
        return level;
    }
}
