namespace OeeOrleans.OpcUa;

/// <summary>Times on the wire: 100 ns since 1601, UTC (OPC 10000-6, 5.2.2.5). Before the first and after the last one that .NET knows, and
/// for "no time", its ends stand.</summary>
internal static class OpcUaTime
{
    private static readonly long Epoch = new DateTime(1601, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;
    private static readonly long Last = DateTime.MaxValue.Ticks - Epoch;

    public static DateTime ToDateTime(long wire)
    {
        if (wire <= 0) return DateTime.MinValue;
        return wire >= Last ? DateTime.MaxValue : new DateTime(wire + Epoch, DateTimeKind.Utc);
    }

    public static long FromDateTime(DateTime time)
    {
        var ticks = (time.Kind == DateTimeKind.Local ? time.ToUniversalTime() : time).Ticks;
        if (ticks >= DateTime.MaxValue.Ticks) return long.MaxValue;
        return Math.Max(0, ticks - Epoch);
    }
}
