using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace OeeOrleans.Gateway.Api;

/// <summary>Where a page of things that are ordered by time and id ended: opaque to callers.</summary>
internal static class PageCursor
{
    public static string Write(long timeUs, string id) =>
        Base64Url.EncodeToString(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{timeUs}:{id}")));

    /// <exception cref="BadParameterException">It is none of ours.</exception>
    public static (long TimeUs, string Id)? Read(string? cursor)
    {
        if (cursor is null) return null;
        try
        {
            var parts = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor)).Split(':', 2);
            return (long.Parse(parts[0], CultureInfo.InvariantCulture), parts[1]);
        }
        catch (Exception error) when (error is FormatException or IndexOutOfRangeException or OverflowException)
        {
            throw new BadParameterException("cursor", "the cursor is none that a page before gave as 'next'");
        }
    }
}
