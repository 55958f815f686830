using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using OeeOrleans.S7.Wire;

namespace OeeOrleans.S7;

/// <summary>What a PLC says of itself.</summary>
public sealed partial class S7Client
{
    /// <summary>Parts of one answer at most: 64 KB is the largest list there is.</summary>
    private const int MaxParts = 300;
    private const ushort NoSuchBlock = 0xD209;
    private const ushort StateList = 0x0424;
    private const ushort ModuleList = 0x0011;
    private const ushort ComponentList = 0x001C;
    private const int ListHead = 8;
    private const int BlockInfoLength = 42;
    private const int SizeInBlockInfo = 40;

    private readonly SemaphoreSlim _asking = new(1);

    /// <summary>What the CPU does; <see cref="S7CpuState.Unknown"/> when it does not tell, as small ones do not.</summary>
    /// <exception cref="S7Exception">The connection is over.</exception>
    public async Task<S7CpuState> ReadStateAsync(CancellationToken cancellationToken = default)
    {
        if (await RecordsAsync(StateList, cancellationToken).ConfigureAwait(false) is not [{ Length: > 3 } record,
            ..]) return S7CpuState.Unknown;
        return record[3] switch
        {
            0x01 or 0x02 or 0x03 or 0x04 => S7CpuState.Stop,
            0x05 or 0x06 or 0x07 or 0x0B => S7CpuState.Startup,
            0x08 or 0x09 => S7CpuState.Run,
            0x0A => S7CpuState.Hold,
            _ => S7CpuState.Unknown,
        };
    }

    /// <summary>Order number, firmware and names.</summary>
    /// <exception cref="S7Exception">The connection is over.</exception>
    public async Task<S7Identification> IdentifyAsync(CancellationToken cancellationToken = default)
    {
        var modules = await RecordsAsync(ModuleList, cancellationToken).ConfigureAwait(false);
        var components = await RecordsAsync(ComponentList, cancellationToken).ConfigureAwait(false);
        var module = modules.Find(m => m.Length >= 28 && m[1] == 1);
        var firmware = modules.Find(m => m.Length >= 28 && m[1] == 7);
        var version = firmware is null
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"V{firmware[25]}.{firmware[26]}.{firmware[27]}");
        return new S7Identification(
            module is null ? null : Words(module.AsSpan(2, 20)), version, Component(1), Component(2), Component(7), Component(5));

        string? Component(byte index) =>
            components.Find(c => c.Length > 2 && c[1] == index) is { } found ? Words(found.AsSpan(2)) : null;
    }

    /// <summary>The blocks the PLC lists, each kind in the order of its numbers.</summary>
    /// <exception cref="S7Exception">The connection is over, or the PLC refuses to list them.</exception>
    public async Task<IReadOnlyList<S7Block>> ListBlocksAsync(CancellationToken cancellationToken = default)
    {
        var counts = await AskAsync(UserDataCall.ListBlocks, ReadOnlyMemory<byte>.Empty, cancellationToken).ConfigureAwait(false);
        var blocks = new List<S7Block>();
        for (var at = 0; at + 4 <= counts.Length; at += 4)
        {
            var type = (S7BlockType)counts[at + 1];
            if (!Enum.IsDefined(type) || BinaryPrimitives.ReadUInt16BigEndian(counts.AsSpan(at + 2)) == 0) continue;
            foreach (var number in await NumbersAsync(type, cancellationToken).ConfigureAwait(false))
            {
                blocks.Add(new S7Block(type, number, await SizeAsync(type, number, cancellationToken).ConfigureAwait(false)));
            }
        }

        return blocks;
    }

    private static string? Words(ReadOnlySpan<byte> text)
    {
        var words = Encoding.Latin1.GetString(text).Split('\0')[0].Trim();
        return words.Length > 0 ? words : null;
    }

    private async Task<List<int>> NumbersAsync(S7BlockType type, CancellationToken cancellationToken)
    {
        var numbers = new List<int>();
        try
        {
            var list =
                await AskAsync(UserDataCall.ListBlocksOfType, new byte[] { 0x30, (byte)type }, cancellationToken).ConfigureAwait(false);
            for (var at = 0; at + 4 <= list.Length; at += 4) numbers.Add(BinaryPrimitives.ReadUInt16BigEndian(list.AsSpan(at)));
        }
        catch (S7Exception error) when (error.Code == NoSuchBlock)
        {
            // The last of its kind went meanwhile.
            return numbers;
        }

        numbers.Sort();
        return numbers;
    }

    private async Task<int?> SizeAsync(S7BlockType type, int number, CancellationToken cancellationToken)
    {
        var asked = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"0{(char)type}{number:00000}A"));
        try
        {
            var info = await AskAsync(UserDataCall.BlockInfo, asked, cancellationToken).ConfigureAwait(false);
            return info.Length < BlockInfoLength ? null : BinaryPrimitives.ReadUInt16BigEndian(info.AsSpan(SizeInBlockInfo));
        }
        catch (S7Exception error) when (error.Failure == S7Failure.Refused)
        {
            return null;
        }
    }

    /// <summary>Records of a system state list; none when the PLC does not have it.</summary>
    private async Task<List<byte[]>> RecordsAsync(ushort list, CancellationToken cancellationToken)
    {
        var asked = new byte[4];
        BinaryPrimitives.WriteUInt16BigEndian(asked, list);
        var records = new List<byte[]>();
        byte[] answer;
        try
        {
            answer = await AskAsync(UserDataCall.ReadStateList, asked, cancellationToken).ConfigureAwait(false);
        }
        catch (S7Exception error) when (error.Failure == S7Failure.Refused)
        {
            // LOGO! and S7-200 do not know it; the session goes on.
            return records;
        }

        if (answer.Length < ListHead) return records;
        int length = BinaryPrimitives.ReadUInt16BigEndian(answer.AsSpan(4));
        for (var at = ListHead; length > 0 && at + length <= answer.Length; at += length) records.Add(answer[at..(at + length)]);
        return records;
    }

    /// <summary>The whole payload of an answer, put together of its parts.</summary>
    private async Task<byte[]> AskAsync(UserDataCall call, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        // A CPU keeps the rest of one long answer.
        await _asking.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await AskOnceAsync(call, payload, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _asking.Release();
        }
    }

    private async Task<byte[]> AskOnceAsync(UserDataCall call, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        var all = new List<byte>();
        var frame = UserDataMessages.First(call, payload.Span);
        for (var part = 0; part < MaxParts; part++)
        {
            using var answer = await _link.CallAsync(frame, cancellationToken).ConfigureAwait(false);
            if (UserDataMessages.Read(answer, call) is not { } read) throw _link.Distrust(
                "answers a question about itself with something else");
            if (read.Error != 0) throw _link.Refusal(read.Error);
            all.AddRange(read.Data);
            if (read.IsLast) return [.. all];
            frame = UserDataMessages.Next(call, read.Sequence);
        }

        throw _link.Distrust($"answers in more than {MaxParts} parts");
    }
}
