using System.Buffers.Binary;
using OeeOrleans.S7.Wire;

namespace OeeOrleans.S7.Plans;

/// <summary>ReadVar: requests of pieces, and their answers.</summary>
internal static class ReadMessages
{
    private const int UnitOfTimers = 2;

    /// <summary>Writes a request.</summary>
    /// <param name="frame">Room for the prefix and a PDU.</param>
    /// <returns>Bytes of the frame.</returns>
    public static int Write(Span<byte> frame, List<ReadPiece> pieces)
    {
        var pdu = frame[S7Pdu.Prefix..];
        var parameters = S7Pdu.ReadWriteParameters + (pieces.Count * S7Pdu.ItemLength);
        S7Pdu.WriteHeader(pdu, S7Pdu.Job, parameters, 0);
        (pdu[S7Pdu.JobHeader], pdu[S7Pdu.JobHeader + 1]) = (S7Pdu.ReadVar, (byte)pieces.Count);
        var item = pdu[(S7Pdu.JobHeader + S7Pdu.ReadWriteParameters)..];
        foreach (var piece in pieces)
        {
            var (range, start) = (piece.Range, piece.Range.Start + piece.Offset);
            var isElements = range.Area is S7Area.Timers or S7Area.Counters;
            if (isElements) S7Pdu.WriteItem(item, (byte)range.Area, piece.Length / UnitOfTimers, range.Area, 0, start / UnitOfTimers);
            else S7Pdu.WriteItem(item, S7Pdu.ByteItem, piece.Length, range.Area, range.Db, start * 8);
            item = item[S7Pdu.ItemLength..];
        }

        return S7Pdu.Prefix + S7Pdu.JobHeader + parameters;
    }

    /// <summary>Takes what came into the plan.</summary>
    /// <returns>The items that came when they are fewer than were asked for, as some servers silently do; else the largest int.</returns>
    /// <exception cref="S7Exception">It is not the answer to this request.</exception>
    public static int Take(in S7Answer answer, S7ReadPlan plan, List<ReadPiece> pieces, S7Link link)
    {
        var parameters = answer.Parameters;
        if (answer.Kind != S7Pdu.AcknowledgeData || parameters.Length < 2 || parameters[0] != S7Pdu.ReadVar)
        {
            throw link.Distrust("answers a reading with something else");
        }

        int count = parameters[1];
        if (count > pieces.Count || count == 0) throw link.Distrust($"answers {pieces.Count} items with {count}");
        var data = answer.Data;
        for (var i = 0; i < count; i++)
        {
            if (data.Length < S7Pdu.DataItemHeader) throw link.Distrust($"answers with {i} items where it says {count}");
            var (status, size) = ((S7Status)data[0], data[1]);
            var length = status == S7Status.Good ? S7Pdu.DataLength(size, BinaryPrimitives.ReadUInt16BigEndian(data[2..])) : 0;
            data = data[S7Pdu.DataItemHeader..];
            if (length > data.Length) throw link.Distrust($"answers with an item of {length} bytes, of which {data.Length} came");
            if (status == S7Status.Good && length != pieces[i].Length) status = S7Status.WrongLength;
            if (status == S7Status.Good) data[..length].CopyTo(plan.BytesOf(pieces[i]));
            else if (pieces[i].Range.Status == S7Status.Good) pieces[i].Range.Status = status == S7Status.None ? S7Status.NotThere : status;
            data = data[Math.Min(data.Length, S7Pdu.Even(length))..];
        }

        return count < pieces.Count ? count : int.MaxValue;
    }
}
