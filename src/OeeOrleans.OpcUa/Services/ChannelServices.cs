using OeeOrleans.OpcUa.Binary;

namespace OeeOrleans.OpcUa.Services;

/// <summary>OPC 10000-4, 5.5.2.</summary>
internal readonly record struct OpenSecureChannelRequest(bool Renew, MessageSecurityMode Mode, byte[]? Nonce, uint LifetimeMs) : IRequest
{
    public static uint TypeId => 446;

    public void Write(UaWriter writer)
    {
        writer.UInt32(0);
        writer.UInt32(Renew ? 1u : 0);
        writer.UInt32((uint)Mode);
        writer.ByteString(Nonce);
        writer.UInt32(LifetimeMs);
    }
}

/// <summary>The token of a channel.</summary>
internal readonly record struct OpenSecureChannelAnswer(uint ChannelId, uint TokenId, uint LifetimeMs, byte[] Nonce)
{
    public static OpenSecureChannelAnswer Read(ref UaReader reader)
    {
        reader.UInt32();
        var (channel, token) = (reader.UInt32(), reader.UInt32());
        reader.DateTime();
        return new OpenSecureChannelAnswer(channel, token, reader.UInt32(), reader.ByteString() ?? []);
    }
}

/// <summary>OPC 10000-4, 5.5.3; it has no answer.</summary>
internal readonly record struct CloseSecureChannelRequest : IRequest
{
    public static uint TypeId => 452;

    public void Write(UaWriter writer)
    {
    }
}
