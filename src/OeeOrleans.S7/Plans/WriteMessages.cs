using System.Buffers.Binary;
using OeeOrleans.S7.Wire;

namespace OeeOrleans.S7.Plans;

/// <summary>Bytes, or one bit, to be written by one item.</summary>
/// <param name="Index">Of the value it is a part of.</param>
/// <param name="Address">Where that is.</param>
/// <param name="Offset">Of its first byte in the area; of a bit the number of the bit in the area.</param>
/// <param name="Data">What to write; of a bit 0 or 1.</param>
internal readonly record struct WritePiece(int Index, S7Address Address, int Offset, ReadOnlyMemory<byte> Data)
{
    public bool IsBit => Address.Type == S7DataType.Bool;

    public int Size => S7Pdu.ItemLength + S7Pdu.DataItemHeader + S7Pdu.Even(Data.Length);
}

/// <summary>WriteVar: values to pieces, pieces to requests, and their answers.</summary>
internal static class WriteMessages
{
    /// <summary>What fits into one request with one item.</summary>
    public static int Payload(int pduLength) => (pduLength - S7PduSizes.RequestHead - S7Pdu.ItemLength - S7Pdu.DataItemHeader) & ~1;

    /// <summary>An encoded value as pieces; elements of arrays stay whole.</summary>
    public static IEnumerable<WritePiece> Pieces(int index, S7Address address, ReadOnlyMemory<byte> data, int pduLength)
    {
        if (address.Type == S7DataType.Bool)
        {
            // Bit by bit: the others of their bytes are somebody else's.
            for (var i = 0; i < address.Count; i++)
            {
                yield return new WritePiece(index, address, (address.Start * 8) + address.Bit + i, data.Slice(i, 1));
            }

            yield break;
        }

        var payload = Payload(pduLength);
        var most = address.Stride <= payload ? payload / address.Stride * address.Stride : payload;
        for (var at = 0; at < data.Length; at += most)
        {
            yield return new WritePiece(index, address, address.ByteStart + at, data.Slice(at, Math.Min(most, data.Length - at)));
        }
    }

    /// <summary>In order, as many as fit into each.</summary>
    public static List<List<WritePiece>> Requests(IEnumerable<WritePiece> pieces, int pduLength, int maxItems)
    {
        var requests = new List<List<WritePiece>>();
        var room = 0;
        foreach (var piece in pieces)
        {
            if (requests.Count == 0 || requests[^1].Count >= maxItems || piece.Size > room)
            {
                requests.Add([]);
                room = pduLength - S7PduSizes.RequestHead;
            }

            requests[^1].Add(piece);
            room -= piece.Size;
        }

        return requests;
    }

    /// <returns>Bytes of the frame.</returns>
    public static int Write(Span<byte> frame, List<WritePiece> pieces)
    {
        var pdu = frame[S7Pdu.Prefix..];
        var parameters = S7Pdu.ReadWriteParameters + (pieces.Count * S7Pdu.ItemLength);
        var at = S7Pdu.JobHeader + parameters;
        var dataStart = at;
        for (var i = 0; i < pieces.Count; i++)
        {
            var (piece, area) = (pieces[i], pieces[i].Address.Area);
            var isElements = area is S7Area.Timers or S7Area.Counters;
            var item = pdu.Slice(S7Pdu.JobHeader + S7Pdu.ReadWriteParameters + (i * S7Pdu.ItemLength), S7Pdu.ItemLength);
            if (piece.IsBit) S7Pdu.WriteItem(item, S7Pdu.BitItem, 1, area, piece.Address.Db, piece.Offset);
            else if (isElements) S7Pdu.WriteItem(item, (byte)area, piece.Data.Length / 2, area, 0, piece.Offset / 2);
            else S7Pdu.WriteItem(item, S7Pdu.ByteItem, piece.Data.Length, area, piece.Address.Db, piece.Offset * 8);
            at += WriteData(pdu[at..], piece, isElements, isLast: i == pieces.Count - 1);
        }

        S7Pdu.WriteHeader(pdu, S7Pdu.Job, parameters, at - dataStart);
        (pdu[S7Pdu.JobHeader], pdu[S7Pdu.JobHeader + 1]) = (S7Pdu.WriteVar, (byte)pieces.Count);
        return S7Pdu.Prefix + at;
    }

    /// <summary>Notes for each value what the PLC says of its pieces: the first that is not good counts.</summary>
    /// <returns>How many it took: some servers silently take fewer than they are given.</returns>
    public static int Take(in S7Answer answer, List<WritePiece> pieces, S7Status[] statuses, S7Link link)
    {
        var parameters = answer.Parameters;
        if (answer.Kind != S7Pdu.AcknowledgeData || parameters.Length < 2 || parameters[0] != S7Pdu.WriteVar)
        {
            throw link.Distrust("answers a writing with something else");
        }

        int count = parameters[1];
        if (count == 0 || count > pieces.Count || answer.Data.Length < count)
        {
            throw link.Distrust($"answers {pieces.Count} items to write with {Math.Min(count, answer.Data.Length)}");
        }

        for (var i = 0; i < count; i++)
        {
            var (index, status) = (pieces[i].Index, (S7Status)answer.Data[i]);
            if (statuses[index] is S7Status.None or S7Status.Good) statuses[index] = status == S7Status.None ? S7Status.NotThere : status;
        }

        return count;
    }

    private static int WriteData(Span<byte> into, in WritePiece piece, bool isElements, bool isLast)
    {
        var length = piece.Data.Length;
        into[0] = 0;
        into[1] = isElements ? S7Pdu.OctetData : S7Pdu.ByteData;
        var told = isElements ? length : length * 8;
        if (piece.IsBit) (into[1], told) = (S7Pdu.BitData, 1);
        BinaryPrimitives.WriteUInt16BigEndian(into[2..], (ushort)told);
        piece.Data.Span.CopyTo(into[S7Pdu.DataItemHeader..]);
        if (isLast || (length & 1) == 0) return S7Pdu.DataItemHeader + length;
        into[S7Pdu.DataItemHeader + length] = 0;
        return S7Pdu.DataItemHeader + length + 1;
    }
}
