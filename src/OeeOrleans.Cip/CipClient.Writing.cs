using System.Buffers.Binary;
using OeeOrleans.Cip.Logix;
using OeeOrleans.Cip.Pccc;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip;

/// <summary>What became of a write.</summary>
/// <param name="Address">Of what.</param>
/// <param name="Status">The controller's word; <see cref="CipStatus.NoValue"/> when the value does not fit, and it was not asked.</param>
/// <param name="Before">What stood there; null when that could not be read.</param>
/// <param name="Error">A sentence; null when it was written.</param>
public sealed record CipWriteResult(CipAddress Address, CipStatus Status, object? Before, string? Error);

/// <summary>Writing.</summary>
public sealed partial class CipClient
{
    /// <summary>Writes one after the other; one result for each, in their order. Each is read before: a value must be of the tag's own
    /// type, and what stood there is told.</summary>
    /// <exception cref="CipException">The session is over; what was not answered may have been written.</exception>
    public async Task<IReadOnlyList<CipWriteResult>> WriteAsync(
        IReadOnlyList<(CipAddress Address, object Value)> values, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        var results = new List<CipWriteResult>();
        foreach (var (address, value) in values) results.Add(await WriteAsync(address, value, cancellationToken).ConfigureAwait(false));
        return results;
    }

    /// <summary>Writes one value.</summary>
    /// <exception cref="CipException">The session is over; it may have been written all the same.</exception>
    public async Task<CipWriteResult> WriteAsync(CipAddress address, object value, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(value);
        var plan = Plan([address]);
        await ReadAsync(plan, cancellationToken).ConfigureAwait(false);
        var before = plan.ResultOf(0);
        if (!before.Status.IsGood && before.Status != CipStatus.NoValue)
        {
            return new CipWriteResult(address, before.Status, null, before.Error);
        }

        try
        {
            var status = address is PcccAddress file
                ? await WriteFileAsync(file, value, cancellationToken).ConfigureAwait(false)
                : await WriteTagAsync(plan.LogixItem!, (CipTagAddress)address, value, cancellationToken).ConfigureAwait(false);
            return new CipWriteResult(address, status, before.Value, status.IsGood ? null : status.Sentence);
        }
        catch (ArgumentException error)
        {
            return new CipWriteResult(address, CipStatus.NoValue, before.Value, error.Message);
        }
    }

    private async Task<CipStatus> WriteTagAsync(
        LogixItem item, CipTagAddress address, object value, CancellationToken cancellationToken)
    {
        var type = item.Type!;
        if (item.IsBits) return await WriteBitsAsync(item, address, value, cancellationToken).ConfigureAwait(false);
        if (address.Bit is { } bit)
        {
            var size = type.Size;
            if (!type.IsInteger || bit >= size * 8) throw new ArgumentException($"{type.Name} has no bit {bit}");
            return await WriteMaskedAsync(item.SymbolicPath, type, item.Bytes.ToArray(), bit, [IsTrue(value)], cancellationToken)
                .ConfigureAwait(false);
        }

        var bytes = CipCodec.Encode(type, value, address.Count);
        // By name: nothing says with a write that a number is still that of this tag.
        return await WriteBytesAsync(item.SymbolicPath, type, item.Elements, bytes, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>BOOLs of an array lie in DWORDs, of which others may be changed at the same time.</summary>
    private async Task<CipStatus> WriteBitsAsync(
        LogixItem item, CipTagAddress address, object value, CancellationToken cancellationToken)
    {
        var count = address.Count ?? 1;
        var values = address.Count is null ? [IsTrue(value)] : Truths(value, count);
        var first = address.LastIndex ?? 0;
        for (var at = 0; at < count;)
        {
            var index = first + (uint)at;
            var here = (int)Math.Min(32 - (index % 32), count - at);
            var path = new List<byte>(address.PathOfArray);
            CipTagAddress.AddIndex(path, index / 32);
            var dword = (int)((index / 32) - (first / 32));
            var bytes = item.Bytes.Slice(dword * 4, 4).ToArray();
            var status = await WriteMaskedAsync([.. path], item.Type!, bytes, (int)(index % 32), values[at..(at + here)], cancellationToken)
                .ConfigureAwait(false);
            if (!status.IsGood) return status;
            at += here;
        }

        return CipStatus.Good;
    }

    /// <summary>Read-Modify-Write (1756-PM020): the controller changes the bits itself. Where it cannot, the whole element is written as it
    /// was read a moment ago with these bits changed.</summary>
    private async Task<CipStatus> WriteMaskedAsync(
        byte[] path, CipType type, byte[] before, int firstBit, bool[] bits, CancellationToken cancellationToken)
    {
        var size = type.Size;
        var (set, keep) = (new byte[size], new byte[size]);
        Array.Fill(keep, (byte)0xFF);
        for (var i = 0; i < bits.Length; i++)
        {
            var (at, mask) = ((firstBit + i) / 8, (byte)(1 << ((firstBit + i) % 8)));
            if (bits[i]) set[at] |= mask;
            else keep[at] &= (byte)~mask;
        }

        var message = CipMessage.Request(Eip.ReadModifyWrite, path).Word(size).Bytes(set).Bytes(keep);
        using (var answer = await Link.CallAsync(message.Memory, cancellationToken).ConfigureAwait(false))
        {
            if (answer.Reply.Status.General != CipStatus.NotSupported) return answer.Reply.Status;
        }

        for (var i = 0; i < size; i++) before[i] = (byte)((before[i] | set[i]) & keep[i]);
        return await WriteBytesAsync(path, type, 1, before[..size], cancellationToken).ConfigureAwait(false);
    }

    private async Task<CipStatus> WriteBytesAsync(
        byte[] path, CipType type, int elements, byte[] bytes, CancellationToken cancellationToken)
    {
        var head = 2 + path.Length + (type.IsStructure ? 4 : 2) + 2;
        var message = new CipMessage();
        if (head + bytes.Length <= Link.MessageSize)
        {
            Type(message.Service(Eip.WriteTag, path), type).Word(elements).Bytes(bytes);
            using var answer = await Link.CallAsync(message.Memory, cancellationToken).ConfigureAwait(false);
            return answer.Reply.Status;
        }

        // Whole elements in each, where one fits.
        var room = Link.MessageSize - head - 4;
        var unit = type.Size > 0 && type.Size <= room ? type.Size : 4;
        if (room < unit) return CipStatus.TooLong;
        room = room / unit * unit;
        for (var at = 0; at < bytes.Length; at += room)
        {
            var piece = bytes.AsMemory(at, Math.Min(room, bytes.Length - at));
            Type(message.Clear().Service(Eip.WriteFragmented, path), type).Word(elements).Long((uint)at).Bytes(piece.Span);
            using var answer = await Link.CallAsync(message.Memory, cancellationToken).ConfigureAwait(false);
            if (!answer.Reply.Status.IsGood && answer.Reply.Status.General != CipStatus.Partial) return answer.Reply.Status;
        }

        return CipStatus.Good;
    }

    private async Task<CipStatus> WriteFileAsync(PcccAddress address, object value, CancellationToken cancellationToken)
    {
        if (address.Bit is { } bit) return await WriteFileBitAsync(address, bit, IsTrue(value), cancellationToken).ConfigureAwait(false);
        var bytes = PcccValues.Encode(address, value, IsPlc5);
        var piece = FilePayload / address.ElementSize * address.ElementSize;
        for (var at = 0; at < bytes.Length; at += piece)
        {
            var length = Math.Min(piece, bytes.Length - at);
            var range = new PcccRange(
                address.File, address.FileNumber, address.Element + (at / address.ElementSize), address.Word, length);
            var transaction = NextTransaction();
            var message = PcccMessages.Write(_dialect, range, bytes.AsSpan(at, length), transaction);
            var status = await CallFileAsync(message, transaction, cancellationToken).ConfigureAwait(false);
            if (!status.IsGood) return status;
        }

        return CipStatus.Good;
    }

    private async Task<CipStatus> WriteFileBitAsync(PcccAddress address, int bit, bool value, CancellationToken cancellationToken)
    {
        var range = new PcccRange(address.File, address.FileNumber, address.Element, address.Word + (bit / 16), 2);
        var mask = (ushort)(1 << (bit % 16));
        var transaction = NextTransaction();
        var message = PcccMessages.WriteBits(_dialect, range, mask, value ? mask : (ushort)0, transaction);
        var status = await CallFileAsync(message, transaction, cancellationToken).ConfigureAwait(false);
        // Some models do not have it: the word is read, changed and written.
        if (status.General != (CipStatus.Pccc | 0x10) && status is not { General: CipStatus.Pccc | 0xF0, Extended: 0x0E }) return status;
        var word = new byte[2];
        status = await ReadFileAsync(range, word, cancellationToken).ConfigureAwait(false);
        if (!status.IsGood) return status;
        var bits = BinaryPrimitives.ReadUInt16LittleEndian(word);
        BinaryPrimitives.WriteUInt16LittleEndian(word, (ushort)(value ? bits | mask : bits & ~mask));
        transaction = NextTransaction();
        return await CallFileAsync(PcccMessages.Write(_dialect, range, word, transaction), transaction, cancellationToken)
            .ConfigureAwait(false);
    }

    private async Task<CipStatus> CallFileAsync(CipMessage message, ushort transaction, CancellationToken cancellationToken)
    {
        using var answer = await Link.CallAsync(message.Memory, cancellationToken).ConfigureAwait(false);
        return PcccMessages.Take(answer.Reply, transaction, out _) ?? throw NoAnswer();
    }

    private static CipMessage Type(CipMessage message, CipType type)
    {
        message.Word((int)type.Code);
        return type.IsStructure ? message.Word(type.Handle) : message;
    }

    private static bool IsTrue(object value) => CipEncoder.Truth(new CipType(CipDataType.Bool), value);

    private static bool Known(object? value) => IsTrue(value ?? throw new ArgumentException("every element needs a value"));

    private static bool[] Truths(object value, int count)
    {
        var all = value is string || value is not System.Collections.IEnumerable many ? [] : many.Cast<object?>().Select(Known).ToArray();
        return all.Length == count ? all : throw new ArgumentException($"{count} elements are needed");
    }
}
