using System.Buffers.Binary;

namespace OeeOrleans.Cip.Wire;

/// <summary>A CIP message within a payload.</summary>
/// <param name="At">Where it begins.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="Sequence">Of a connected one, where it tells it.</param>
internal readonly record struct FoundMessage(int At, int Length, ushort? Sequence);

/// <summary>The Common Packet Format (CIP volume 2, 2-6): a list of items, of which the second holds the message.</summary>
internal static class EipItems
{
    private const int CountAt = 6;
    private const int SequenceLength = 2;
    private const int MaxItems = 8;

    /// <summary>Null when there is none with at least the head of an answer.</summary>
    public static FoundMessage? Find(ReadOnlySpan<byte> payload, bool isConnected) =>
        InItems(payload, isConnected) ?? (isConnected ? AtFixedPlace(payload) : null);

    private static FoundMessage? InItems(ReadOnlySpan<byte> payload, bool isConnected)
    {
        if (payload.Length < CountAt + 2) return null;
        int count = BinaryPrimitives.ReadUInt16LittleEndian(payload[CountAt..]);
        if (count is 0 or > MaxItems) return null;
        var at = CountAt + 2;
        for (var i = 0; i < count; i++)
        {
            if (at + 4 > payload.Length) return null;
            var type = BinaryPrimitives.ReadUInt16LittleEndian(payload[at..]);
            int length = BinaryPrimitives.ReadUInt16LittleEndian(payload[(at + 2)..]);
            at += 4;
            if (at + length > payload.Length) return null;
            if (type == (isConnected ? Eip.ConnectedData : Eip.UnconnectedData)) return Message(payload, at, length, isConnected);
            at += length;
        }

        return null;
    }

    private static FoundMessage? Message(ReadOnlySpan<byte> payload, int at, int length, bool isConnected)
    {
        if (!isConnected) return length < CipReply.Head ? null : new FoundMessage(at, length, null);
        if (length < SequenceLength + CipReply.Head) return null;
        return new FoundMessage(at + SequenceLength, length - SequenceLength, BinaryPrimitives.ReadUInt16LittleEndian(payload[at..]));
    }

    /// <summary>
    /// A simulator in wide use writes the items of its connected answers six bytes too early, and the message where it belongs. Nothing
    /// tells then which answer it is.
    /// </summary>
    private static FoundMessage? AtFixedPlace(ReadOnlySpan<byte> payload)
    {
        const int At = Eip.ConnectedPrefix - Eip.Header;
        var isThat = payload.Length >= At + CipReply.Head && BinaryPrimitives.ReadUInt16LittleEndian(payload) == 2
            && BinaryPrimitives.ReadUInt16LittleEndian(payload[2..]) == Eip.ConnectedAddress
            && BinaryPrimitives.ReadUInt16LittleEndian(payload[10..]) == Eip.ConnectedData;
        return isThat ? new FoundMessage(At, payload.Length - At, null) : null;
    }
}
