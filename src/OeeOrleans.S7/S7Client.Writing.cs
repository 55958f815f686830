using System.Buffers;
using System.Buffers.Binary;
using OeeOrleans.S7.Plans;
using OeeOrleans.S7.Wire;

namespace OeeOrleans.S7;

/// <summary>Writing.</summary>
public sealed partial class S7Client
{
    /// <summary>Writes values; one result for each, in their order. What is larger than a PDU is written in parts, one after the
    /// other.</summary>
    /// <exception cref="ArgumentException">A value does not fit its address; nothing was written.</exception>
    /// <exception cref="S7Exception">The connection is over, or the PLC refuses writing altogether; some may have been written.</exception>
    public async Task<IReadOnlyList<S7Status>> WriteAsync(
        IReadOnlyList<(S7Address Address, object Value)> values, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        var encoded = values.Select(v => Encode(v.Address, v.Value)).ToList();
        var statuses = new S7Status[values.Count];
        await FitTextsAsync(values, encoded, statuses, cancellationToken).ConfigureAwait(false);
        var pieces = encoded.SelectMany((bytes, i) => statuses[i] == S7Status.None
            ? WriteMessages.Pieces(i, values[i].Address, bytes, _pduLength)
            : []);
        var frame = ArrayPool<byte>.Shared.Rent(S7Pdu.Prefix + PduLength);
        try
        {
            foreach (var request in WriteMessages.Requests(pieces, _pduLength, _maxItems))
            {
                // One after the other: whoever writes an order wants it kept.
                for (var rest = request; rest.Count > 0;)
                {
                    var length = WriteMessages.Write(frame, rest);
                    using var answer = await _link.CallAsync(frame.AsMemory(0, length), cancellationToken).ConfigureAwait(false);
                    var taken = WriteMessages.Take(answer, rest, statuses, _link);
                    if (taken < rest.Count) _maxItems = Math.Min(_maxItems, taken);
                    rest = rest[taken..];
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(frame);
        }

        return statuses;
    }

    private static Memory<byte> Encode(S7Address address, object value)
    {
        var bytes = new byte[address.Type == S7DataType.Bool ? address.Count : address.ByteLength];
        var length = S7Encoder.Encode(address, value, bytes);
        if (address.IsArray) return bytes.AsMemory(0, length);
        // What lies behind a text is not touched: the PLC's string may be shorter than the address says.
        if (address.Type == S7DataType.String) length = 2 + bytes[1];
        else if (address.Type == S7DataType.WString) length = 4 + (2 * BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(2)));
        return bytes.AsMemory(0, length);
    }

    /// <summary>
    /// The PLC's own maximal length of a string is kept: an address that says another, or none, must not make the string look longer than
    /// it is. A text that is too long for it is refused.
    /// </summary>
    private async Task FitTextsAsync(
        IReadOnlyList<(S7Address Address, object Value)> values, List<Memory<byte>> encoded, S7Status[] statuses,
        CancellationToken cancellationToken)
    {
        var texts =
            Enumerable.Range(0, values.Count).Where(i => values[i].Address.Type is S7DataType.String or S7DataType.WString).ToList();
        if (texts.Count == 0) return;
        var heads = texts.SelectMany(i => HeadsOf(values[i].Address).Select((h, at) => (Index: i, Element: at, Address: h))).ToList();
        var read = await ReadAsync([.. heads.Select(h => h.Address)], cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < heads.Count; i++)
        {
            var (index, element, _) = heads[i];
            if (read[i].Value is not { } told)
            {
                statuses[index] = read[i].Status;
                continue;
            }

            Fit(values[index].Address, encoded[index].Span[(element * values[index].Address.Stride)..], Convert.ToInt32(told, null));
        }
    }

    private static IEnumerable<S7Address> HeadsOf(S7Address address)
    {
        var type = address.Type == S7DataType.String ? S7DataType.Byte : S7DataType.Word;
        for (var i = 0; i < address.Count; i++)
        {
            yield return S7Address.Make(address.Area, address.Db, address.Start + (i * address.Stride), 0, type, 0, 1, false);
        }
    }

    private static void Fit(in S7Address address, Span<byte> text, int most)
    {
        if (most == 0)
        {
            // A PLC that never used it: then the address's word counts, if it says one.
            if (address.IsSized) return;
            throw new ArgumentException($"{address}: the PLC does not say yet how long this string may be; write its size into the "
                + $"address, "
                + "such as STRING[20]");
        }

        // Of an array the size says where the next one begins.
        if (address.IsArray && most != address.Length)
        {
            throw new ArgumentException($"{address}: the strings in the PLC have room for {most} characters, not for {address.Length}");
        }

        var isWide = address.Type == S7DataType.WString;
        int length = isWide ? BinaryPrimitives.ReadUInt16BigEndian(text[2..]) : text[1];
        if (length > most) throw new ArgumentException($"{address}: the string in the PLC has room for {most} characters, not for "
            + $"{length}");
        if (isWide) BinaryPrimitives.WriteUInt16BigEndian(text, (ushort)most);
        else text[0] = (byte)most;
    }
}
