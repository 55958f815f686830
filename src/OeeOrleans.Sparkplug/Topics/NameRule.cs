using System.Text;
using System.Text.Unicode;

namespace OeeOrleans.Sparkplug.Topics;

/// <summary>
/// The one rule for names. Ids of groups, edge nodes, devices and hosts are levels of a topic (Sparkplug 3.0 section 4.1), names of metrics
/// are free; both end up as keys in stores, labels and logs, so both are bounded in bytes and hold no control characters.
/// </summary>
public static class NameRule
{
    /// <summary>
    /// Bytes of UTF-8 of a group, edge node, device or host id. Three of them and a metric's name fit into an index entry of any store.
    /// </summary>
    public const int MaxIdBytes = 256;

    /// <summary>Bytes of UTF-8 of a metric's name; the longest paths of user-defined types seen in the field have some 300.</summary>
    public const int MaxMetricBytes = 1_024;

    /// <summary>
    /// What is wrong with an id; null when nothing is. Ids hold no '+', '#' or '/' (tck-id-topic-structure-namespace-valid-...).
    /// </summary>
    public static string? WhyNotId(string what, ReadOnlySpan<char> id)
    {
        if (id.IsEmpty) return $"the {what} id is empty";
        if (id.Length > MaxIdBytes || Encoding.UTF8.GetByteCount(id) > MaxIdBytes)
        {
            return $"the {what} id '{id[..Math.Min(id.Length, 24)]}...' has more than {MaxIdBytes} bytes";
        }

        foreach (var c in id)
        {
            if (char.IsControl(c)) return $"the {what} id holds the control character U+{(int)c:X4}";
            if (c is '+' or '#' or '/') return $"the {what} id must not contain '{c}'";
        }

        return null;
    }

    /// <summary>What is wrong with a metric's name as it is on the wire; null when nothing is.</summary>
    public static string? WhyNotMetric(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty) return "a metric's name is empty";
        if (name.Length > MaxMetricBytes)
        {
            return $"the metric name '{Beginning(name)}...' has {name.Length} bytes; at most {MaxMetricBytes} are taken";
        }

        if (!Utf8.IsValid(name)) return $"the metric name '{Beginning(name)}' is not UTF-8";
        foreach (var b in name)
        {
            if (b is < 0x20 or 0x7F) return $"the metric name '{Beginning(name)}' holds the control character U+{(int)b:X4}";
        }

        return null;
    }

    private static string Beginning(ReadOnlySpan<byte> name)
    {
        var text = Encoding.UTF8.GetString(name[..Math.Min(name.Length, 24)]);
        return string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
    }
}
