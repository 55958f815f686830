using System.Globalization;
using System.Text;

namespace OeeOrleans.Cip;

/// <summary>The way from the module that has the address to a controller: port segments (CIP volume 1, appendix C-1.4.1).</summary>
public sealed class CipRoute : IEquatable<CipRoute>
{
    public static readonly CipRoute None = new("", []);
    private const int MostBytes = 200;
    private const byte ExtendedAddress = 0x10;
    private readonly string _text;

    private CipRoute(string text, byte[] bytes) => (_text, Bytes) = (text, bytes);

    public bool IsEmpty => Bytes.Length == 0;

    internal byte[] Bytes { get; }

    /// <summary>Pairs of port and address: `1,0` is the backplane and slot 0, `1,3,2,192.168.1.10,1,0` leads through a module in slot 3
    /// out to another rack.</summary>
    /// <param name="text">Empty: none.</param>
    /// <param name="route">What it says; none when it cannot be used.</param>
    /// <param name="reason">A sentence when it cannot be used.</param>
    public static bool TryParse(string text, out CipRoute route, out string reason)
    {
        ArgumentNullException.ThrowIfNull(text);
        (route, reason) = (None, "");
        if (text.Length == 0) return true;
        var parts = text.Split(',');
        var bytes = new List<byte>();
        reason = $"'{text}' is no route; pairs of port and address are: 1,0 is the backplane, slot 0";
        if (parts.Length % 2 != 0) return false;
        for (var i = 0; i < parts.Length; i += 2)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 14) return false;
            if (byte.TryParse(parts[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var link))
            {
                bytes.AddRange([(byte)port, link]);
                continue;
            }

            var address = Encoding.ASCII.GetBytes(parts[i + 1]);
            var isAddress = parts[i + 1].Contains('.', StringComparison.Ordinal) && System.Net.IPAddress.TryParse(parts[i + 1], out _);
            if (!isAddress || address.Length > 60) return false;
            bytes.AddRange([(byte)(port | ExtendedAddress), (byte)address.Length, .. address]);
            if (address.Length % 2 == 1) bytes.Add(0);
        }

        if (bytes.Count > MostBytes) return false;
        (route, reason) = (new CipRoute(text, [.. bytes]), "");
        return true;
    }

    /// <exception cref="FormatException">It is no route.</exception>
    public static CipRoute Parse(string text) => TryParse(text, out var route, out var reason) ? route : throw new FormatException(reason);

    public bool Equals(CipRoute? other) => other is not null && Bytes.AsSpan().SequenceEqual(other.Bytes);

    public override bool Equals(object? obj) => Equals(obj as CipRoute);

    public override int GetHashCode() => string.GetHashCode(Convert.ToHexString(Bytes), StringComparison.Ordinal);

    public override string ToString() => _text;
}
