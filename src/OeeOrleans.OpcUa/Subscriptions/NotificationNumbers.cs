namespace OeeOrleans.OpcUa.Subscriptions;

/// <summary>Numbers of notifications (OPC 10000-4, 7.21.2): after 4,294,967,295 comes 1; 0 is none.</summary>
internal static class NotificationNumbers
{
    public static uint Next(uint number) => number == uint.MaxValue ? 1 : number + 1;

    /// <summary>How many steps of <see cref="Next"/> lead from one to the other.</summary>
    public static uint Steps(uint from, uint to) => to >= from ? to - from : uint.MaxValue - from + to;

    /// <summary>Whether a number lies behind another one, rather than ahead of it.</summary>
    public static bool IsBefore(uint number, uint other) => Steps(number, other) is > 0 and < int.MaxValue;
}
