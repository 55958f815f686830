using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using OeeOrleans.S7.Wire;

namespace OeeOrleans.S7.Simulation;

/// <summary>What a simulated PLC says of itself: its state, its name, its blocks. Long lists come in parts.</summary>
internal sealed class UserDataAnswers(SimulatedPlc plc, SimulatedPlcOptions options, PlcMemory memory)
{
    private const int PartLength = 160;
    private const ushort NoSuchList = 0xD401;
    private const ushort NoSuchBlock = 0xD209;
    private const ushort Unknown = 0x8104;

    private byte[] _rest = [];
    private byte _sequence;

    /// <summary>Null for what is no question.</summary>
    public byte[]? Answer(byte[] pdu, int parameters)
    {
        if (parameters < 8) return null;
        var given = pdu.AsSpan(S7Pdu.JobHeader, parameters);
        var data = pdu.AsSpan(S7Pdu.JobHeader + parameters);
        var (group, function) = ((byte)(given[5] & 0x3F), given[6]);
        ushort error = 0;
        if (given[7] == 0)
        {
            _rest = Payload(new UserDataCall(group, function), data.Length > 4 ? data[4..] : [], out error);
            _sequence = (byte)(_sequence == byte.MaxValue ? 1 : _sequence + 1);
        }
        else if (given[7] != _sequence)
        {
            (_rest, error) = ([], Unknown);
        }

        var part = _rest.Length > PartLength ? _rest[..PartLength] : _rest;
        _rest = _rest[part.Length..];
        return Part(pdu, group, function, part, isLast: _rest.Length == 0, error);
    }

    private byte[] Part(byte[] pdu, byte group, byte function, byte[] part, bool isLast, ushort error)
    {
        var answer = new byte[S7Pdu.JobHeader + 12 + 4 + part.Length];
        S7Pdu.WriteHeader(answer, S7Pdu.UserData, 12, 4 + part.Length);
        pdu.AsSpan(4, 2).CopyTo(answer.AsSpan(4));
        var more = isLast ? (byte)0 : (byte)1;
        ReadOnlySpan<byte> head =
            [0, 1, 0x12, 8, 0x12, (byte)(0x80 | group), function, _sequence, 0, more, (byte)(error >> 8), (byte)error];
        head.CopyTo(answer.AsSpan(S7Pdu.JobHeader));
        var data = answer.AsSpan(S7Pdu.JobHeader + 12);
        (data[0], data[1]) = error == 0 ? ((byte)0xFF, S7Pdu.OctetData) : ((byte)0x0A, (byte)0);
        BinaryPrimitives.WriteUInt16BigEndian(data[2..], (ushort)part.Length);
        part.CopyTo(data[4..]);
        return answer;
    }

    private byte[] Payload(UserDataCall call, ReadOnlySpan<byte> asked, out ushort error)
    {
        error = 0;
        if (call == UserDataCall.ListBlocks) return Counts();
        if (call == UserDataCall.ListBlocksOfType && asked.Length >= 2) return Numbers((S7BlockType)asked[1], out error);
        if (call == UserDataCall.BlockInfo && asked.Length >= 7) return Info(asked, out error);
        if (call == UserDataCall.ReadStateList && asked.Length >= 4)
        {
            return Records(BinaryPrimitives.ReadUInt16BigEndian(asked), out error);
        }

        error = Unknown;
        return [];
    }

    private byte[] Counts()
    {
        var blocks = memory.Blocks.Count;
        var counts = new byte[7 * 4];
        S7BlockType[] types =
            [S7BlockType.OB, S7BlockType.FB, S7BlockType.FC, S7BlockType.DB, S7BlockType.Sdb, S7BlockType.Sfc, S7BlockType.Sfb];
        for (var i = 0; i < types.Length; i++)
        {
            (counts[i * 4], counts[(i * 4) + 1]) = (0x30, (byte)types[i]);
            if (types[i] == S7BlockType.DB) BinaryPrimitives.WriteUInt16BigEndian(counts.AsSpan((i * 4) + 2), (ushort)blocks);
        }

        return counts;
    }

    private byte[] Numbers(S7BlockType type, out ushort error)
    {
        var blocks = memory.Blocks;
        error = type == S7BlockType.DB && blocks.Count > 0 ? (ushort)0 : NoSuchBlock;
        if (error != 0) return [];
        var list = new byte[blocks.Count * 4];
        for (var i = 0; i < blocks.Count; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(list.AsSpan(i * 4), (ushort)blocks[i].Number);
            (list[(i * 4) + 2], list[(i * 4) + 3]) = (0x22, 0x05);
        }

        return list;
    }

    private byte[] Info(ReadOnlySpan<byte> asked, out ushort error)
    {
        error = NoSuchBlock;
        if (asked[1] != (byte)S7BlockType.DB || !int.TryParse(
            Encoding.ASCII.GetString(asked.Slice(2, 5)), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return [];
        foreach (var (known, size) in memory.Blocks)
        {
            if (known != number) continue;
            error = 0;
            var info = new byte[78];
            (info[0], info[9], info[10], info[11]) = (1, 1, 5, 0x0A);
            BinaryPrimitives.WriteUInt16BigEndian(info.AsSpan(12), (ushort)number);
            BinaryPrimitives.WriteInt32BigEndian(info.AsSpan(14), size);
            BinaryPrimitives.WriteUInt16BigEndian(info.AsSpan(40), (ushort)size);
            return info;
        }

        return [];
    }

    private byte[] Records(ushort list, out ushort error)
    {
        error = 0;
        List<byte[]> records = list switch
        {
            0x0424 => [StateRecord()],
            0x0011 => [Module(1), Module(7)],
            0x001C => [Component(1, options.StationName), Component(2, "PLC_1"), Component(7, options.ModuleType)],
            _ => [],
        };
        if (records.Count == 0)
        {
            error = NoSuchList;
            return [];
        }

        var payload = new byte[8 + records.Sum(r => r.Length)];
        BinaryPrimitives.WriteUInt16BigEndian(payload, list);
        BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(4), (ushort)records[0].Length);
        BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(6), (ushort)records.Count);
        for (var i = 0; i < records.Count; i++) records[i].CopyTo(payload, 8 + (i * records[0].Length));
        return payload;
    }

    private byte[] StateRecord()
    {
        var record = new byte[20];
        record[3] = plc.State switch
        {
            S7CpuState.Run => 0x08,
            S7CpuState.Stop => 0x03,
            S7CpuState.Startup => 0x06,
            S7CpuState.Hold => 0x0A,
            _ => 0x00,
        };
        return record;
    }

    private byte[] Module(byte index)
    {
        var record = new byte[28];
        record[1] = index;
        record.AsSpan(2, 20).Fill((byte)' ');
        Encoding.ASCII.GetBytes(options.OrderNumber.Length > 20 ? options.OrderNumber[..20] : options.OrderNumber, record.AsSpan(2));
        if (index == 7) (record[24], record[25], record[26], record[27]) = ((byte)'V', 2, 9, 4);
        return record;
    }

    private static byte[] Component(byte index, string text)
    {
        var record = new byte[34];
        record[1] = index;
        Encoding.Latin1.GetBytes(text.Length > 32 ? text[..32] : text, record.AsSpan(2));
        return record;
    }
}
