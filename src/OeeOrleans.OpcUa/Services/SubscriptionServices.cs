using OeeOrleans.OpcUa.Binary;

namespace OeeOrleans.OpcUa.Services;

/// <summary>OPC 10000-4, 5.13.2.</summary>
internal readonly record struct CreateSubscriptionRequest(
    double IntervalMs, uint LifetimeCount, uint KeepAliveCount, uint MaxNotifications, bool Publishing, byte Priority) : IRequest
{
    public static uint TypeId => 787;

    public void Write(UaWriter writer)
    {
        writer.Double(IntervalMs);
        writer.UInt32(LifetimeCount);
        writer.UInt32(KeepAliveCount);
        writer.UInt32(MaxNotifications);
        writer.Boolean(Publishing);
        writer.Byte(Priority);
    }
}

/// <summary>What the server made of it.</summary>
internal readonly record struct CreateSubscriptionAnswer(uint Id, double IntervalMs, uint LifetimeCount, uint KeepAliveCount)
{
    public static CreateSubscriptionAnswer Read(ref UaReader reader) =>
        new(reader.UInt32(), reader.Double(), reader.UInt32(), reader.UInt32());
}

/// <summary>OPC 10000-4, 5.13.4.</summary>
internal readonly record struct SetPublishingModeRequest(bool Enabled, uint Subscription) : IRequest
{
    public static uint TypeId => 799;

    public void Write(UaWriter writer)
    {
        writer.Boolean(Enabled);
        writer.UInt32Array([Subscription]);
    }

    public static StatusCode[] Read(ref UaReader reader) => reader.StatusCodeArray();
}

/// <summary>OPC 10000-4, 5.13.8.</summary>
internal readonly record struct DeleteSubscriptionsRequest(uint Subscription) : IRequest
{
    public static uint TypeId => 847;

    public void Write(UaWriter writer) => writer.UInt32Array([Subscription]);

    public static StatusCode[] Read(ref UaReader reader) => reader.StatusCodeArray();
}

/// <summary>OPC 10000-4, 5.13.7.</summary>
internal readonly record struct TransferSubscriptionsRequest(IReadOnlyList<uint> Subscriptions) : IRequest
{
    public static uint TypeId => 841;

    public void Write(UaWriter writer)
    {
        writer.UInt32Array(Subscriptions);
        writer.Boolean(true);
    }

    public static List<(StatusCode Status, uint[] Available)> Read(ref UaReader reader)
    {
        var results = new List<(StatusCode, uint[])>();
        for (var left = reader.ArrayLength(8); left > 0; left--) results.Add((reader.StatusCode(), reader.UInt32Array()));
        return results;
    }
}

/// <summary>OPC 10000-4, 5.13.5. Its answer is read by <see cref="Subscriptions.NotificationReader"/>.</summary>
internal readonly record struct PublishRequest(IReadOnlyList<(uint Subscription, uint Number)> Acknowledged) : IRequest
{
    public static uint TypeId => 826;

    public void Write(UaWriter writer) => writer.Array(Acknowledged, static (w, a) =>
    {
        w.UInt32(a.Subscription);
        w.UInt32(a.Number);
    });
}

/// <summary>OPC 10000-4, 5.13.6.</summary>
internal readonly record struct RepublishRequest(uint Subscription, uint Number) : IRequest
{
    public static uint TypeId => 832;

    public void Write(UaWriter writer)
    {
        writer.UInt32(Subscription);
        writer.UInt32(Number);
    }
}

/// <summary>OPC 10000-4, 5.12.2.</summary>
internal readonly record struct CreateMonitoredItemsRequest(uint Subscription, IReadOnlyList<MonitoredItem> Items,
    IReadOnlyList<NodeId> Nodes)
    : IRequest
{
    public static uint TypeId => 751;

    public void Write(UaWriter writer)
    {
        writer.UInt32(Subscription);
        writer.UInt32(MonitoredItemEncoding.BothTimes);
        writer.Int32(Items.Count);
        for (var i = 0; i < Items.Count; i++)
        {
            new ReadNode(Nodes[i], Items[i].Options.Attribute, Items[i].Options.IndexRange).Write(writer);
            writer.UInt32((uint)Items[i].Options.Mode);
            MonitoredItemEncoding.Parameters(writer, Items[i]);
        }
    }

    public static List<MonitoredItemAnswer> Read(ref UaReader reader)
    {
        var count = reader.ArrayLength(20);
        var results = new List<MonitoredItemAnswer>(Math.Max(0, count));
        for (; count > 0; count--)
        {
            results.Add(new MonitoredItemAnswer(reader.StatusCode(), reader.UInt32(), reader.Double(), reader.UInt32()));
            reader.ExtensionObject();
        }

        return results;
    }
}

/// <summary>What the server made of an item.</summary>
internal readonly record struct MonitoredItemAnswer(StatusCode Status, uint Id, double SamplingMs, uint QueueSize);

/// <summary>OPC 10000-4, 5.12.3.</summary>
internal readonly record struct ModifyMonitoredItemsRequest(uint Subscription, IReadOnlyList<MonitoredItem> Items) : IRequest
{
    public static uint TypeId => 763;

    public void Write(UaWriter writer)
    {
        writer.UInt32(Subscription);
        writer.UInt32(MonitoredItemEncoding.BothTimes);
        writer.Array(Items, static (w, item) =>
        {
            w.UInt32(item.ServerId);
            MonitoredItemEncoding.Parameters(w, item);
        });
    }

    public static List<MonitoredItemAnswer> Read(ref UaReader reader)
    {
        var results = new List<MonitoredItemAnswer>();
        for (var left = reader.ArrayLength(16); left > 0; left--)
        {
            results.Add(new MonitoredItemAnswer(reader.StatusCode(), 0, reader.Double(), reader.UInt32()));
            reader.ExtensionObject();
        }

        return results;
    }
}

/// <summary>OPC 10000-4, 5.12.6.</summary>
internal readonly record struct DeleteMonitoredItemsRequest(uint Subscription, IReadOnlyList<uint> Items) : IRequest
{
    public static uint TypeId => 781;

    public void Write(UaWriter writer)
    {
        writer.UInt32(Subscription);
        writer.UInt32Array(Items);
    }

    public static StatusCode[] Read(ref UaReader reader) => reader.StatusCodeArray();
}

/// <summary>What is common to making and changing an item (OPC 10000-4, 7.21 and 7.22.2).</summary>
internal static class MonitoredItemEncoding
{
    public const uint BothTimes = 2;
    private const uint DataChangeFilter = 724;

    public static void Parameters(UaWriter writer, MonitoredItem item)
    {
        writer.UInt32(item.Handle);
        writer.Double(item.Options.SamplingInterval.TotalMilliseconds);
        var deadband = item.WithoutFilter ? Deadband.None : item.Options.Deadband;
        if (deadband.Kind == DeadbandKind.None && item.Options.Trigger == DataChangeTrigger.StatusValue)
        {
            writer.ExtensionObject(null);
        }
        else
        {
            var start = writer.BeginExtensionObject(DataChangeFilter);
            writer.UInt32((uint)item.Options.Trigger);
            writer.UInt32((uint)deadband.Kind);
            writer.Double(deadband.Value);
            writer.EndExtensionObject(start);
        }

        writer.UInt32((uint)item.Options.QueueSize);
        writer.Boolean(item.Options.DiscardOldest);
    }
}
