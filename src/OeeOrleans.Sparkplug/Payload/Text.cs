using System.Text.Unicode;

namespace OeeOrleans.Sparkplug.Payload;

/// <summary>UTF-8 as the wire has it.</summary>
internal static class Text
{
    public static ReadOnlySpan<byte> Checked(ReadOnlySpan<byte> utf8, int offset, string field)
    {
        if (!Utf8.IsValid(utf8)) SparkplugFormatException.Throw($"{field} is not valid UTF-8", offset);
        return utf8;
    }
}
