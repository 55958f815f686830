using System.Buffers;
using OeeOrleans.OpcUa.Binary;

namespace OeeOrleans.OpcUa.Subscriptions;

/// <summary>A notification message, its changes in a rented array.</summary>
internal struct ReadNotification
{
    public Subscription? Subscription;
    public uint SubscriptionId;
    public uint Number;
    public DateTime PublishTime;

    /// <summary>Null without changes.</summary>
    public DataChange[]? Changes;
    public int Count;

    /// <summary>The server says that the subscription ended, or is somebody else's now.</summary>
    public StatusCode? StatusChange;

    /// <summary>The server has further ones ready.</summary>
    public bool HasMore;

    /// <summary>Nothing in it; its number is the next message's.</summary>
    public bool IsKeepAlive;

    public readonly void Return()
    {
        if (Changes is null) return;
        Changes.AsSpan(0, Count).Clear();
        ArrayPool<DataChange>.Shared.Return(Changes);
    }
}

/// <summary>Reads answers to Publish and Republish (OPC 10000-4, 7.21 and 7.25).</summary>
internal static class NotificationReader
{
    private static readonly NodeId DataChanges = new(811);
    private static readonly NodeId StatusChanges = new(820);

    public static ReadNotification Publish(ref UaReader reader, Func<uint, Subscription?> find)
    {
        var id = reader.UInt32();
        for (var left = reader.ArrayLength(4); left > 0; left--) reader.UInt32();
        var more = reader.Boolean();
        var notification = Message(ref reader, id, find(id));
        notification.HasMore = more;
        // Results of acknowledgements: one that is not known any more was not needed.
        for (var left = reader.ArrayLength(4); left > 0; left--) reader.UInt32();
        return notification;
    }

    public static ReadNotification Message(ref UaReader reader, uint id, Subscription? subscription)
    {
        var read = new ReadNotification
        {
            Subscription = subscription, SubscriptionId = id, Number = reader.UInt32(), PublishTime = reader.DateTime(),
        };
        var parts = reader.ArrayLength(3);
        read.IsKeepAlive = parts <= 0;
        try
        {
            for (; parts > 0; parts--) ReadPart(ref reader, ref read);
        }
        catch
        {
            read.Return();
            throw;
        }

        return read;
    }

    private static void ReadPart(ref UaReader reader, ref ReadNotification read)
    {
        if (!reader.BeginExtensionObject(out var type, out var end)) return;
        if (type == DataChanges) ReadChanges(ref reader, ref read);
        else if (type == StatusChanges) read.StatusChange = reader.StatusCode();
        reader.SkipTo(end);
    }

    private static void ReadChanges(ref UaReader reader, ref ReadNotification read)
    {
        var count = reader.ArrayLength(5);
        if (count <= 0) return;
        reader.Spend(count * 72L);
        Grow(ref read, count);
        for (; count > 0; count--)
        {
            var handle = reader.UInt32();
            var value = reader.DataValue();
            // An item that was removed meanwhile.
            if (read.Subscription?.Find(handle) is not { } item) continue;
            read.Changes![read.Count++] = new DataChange(item, value);
        }
    }

    private static void Grow(ref ReadNotification read, int count)
    {
        var larger = ArrayPool<DataChange>.Shared.Rent(read.Count + count);
        read.Changes?.AsSpan(0, read.Count).CopyTo(larger);
        var count0 = read.Count;
        read.Return();
        (read.Changes, read.Count) = (larger, count0);
    }
}
