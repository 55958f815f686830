using System.Buffers.Binary;
using System.Text;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip.Simulation;

/// <summary>The services of a Logix controller's tags, as 1756-PM020 has them. Every answer is whole: service, status, data.</summary>
internal sealed class TagServices(SimulatedController controller, SimulatedControllerOptions options, ControllerMemory memory)
{
    private static readonly CipStatus NotSupported = new(CipStatus.NotSupported);
    private static readonly CipStatus TooFew = new(CipStatus.NotEnoughData);
    private static readonly CipStatus TooMany = new(CipStatus.TooMuchData);
    private static readonly CipStatus Beyond = new(CipStatus.GeneralError, CipStatus.OutOfRange);
    private static readonly CipStatus WrongType = new(CipStatus.GeneralError, 0x2107);

    private bool IsMicro => options.Plc == CipPlc.Micro800;

    /// <param name="request">Service, path and data.</param>
    /// <param name="room">Bytes of an answer at most.</param>
    public byte[] Answer(ReadOnlySpan<byte> request, int room)
    {
        if (request.Length < 2 || request.Length < 2 + (request[1] * 2)) return Refuse(request.Length > 0 ? request[0] : (byte)0, TooFew);
        var service = request[0];
        var path = request.Slice(2, request[1] * 2);
        var data = request[(2 + (request[1] * 2))..];
        if (path.SequenceEqual(Eip.MessageRouter) && service == Eip.MultipleService) return Multiple(data, room);
        if (path.StartsWith((ReadOnlySpan<byte>)[0x20, 0x01])) return Identity(service, path);
        if (path.StartsWith((ReadOnlySpan<byte>)[0x20, 0xAC])) return Counters(service, data);
        if (path.StartsWith((ReadOnlySpan<byte>)[0x20, 0x6C])) return Template(service, path, data, room);
        if (service == Eip.GetInstanceAttributeList) return List(path, data, room);
        controller.CountRequest();
        lock (memory.Lock)
        {
            return service switch
            {
                Eip.ReadTag => Read(service, path, data, room),
                Eip.ReadFragmented => Read(service, path, data, room),
                Eip.WriteTag or Eip.WriteFragmented => Write(service, path, data),
                Eip.ReadModifyWrite when !IsMicro => Modify(path, data),
                _ => Refuse(service, NotSupported),
            };
        }
    }

    public static byte[] Refuse(byte service, CipStatus status, params ReadOnlySpan<byte> more)
    {
        var words = (status.Extended == 0 ? 0 : 1) + (more.Length / 2);
        var answer = new byte[CipReply.Head + (words * 2)];
        (answer[0], answer[2], answer[3]) = ((byte)(service | Eip.Reply), (byte)status.General, (byte)words);
        if (status.Extended != 0) BinaryPrimitives.WriteUInt16LittleEndian(answer.AsSpan(CipReply.Head), status.Extended);
        more.CopyTo(answer.AsSpan(answer.Length - more.Length));
        return answer;
    }

    public static byte[] Accept(byte service, params ReadOnlySpan<byte> data) => [(byte)(service | Eip.Reply), 0, 0, 0, .. data];

    private byte[] Multiple(ReadOnlySpan<byte> data, int room)
    {
        if (!options.TakesMultiple || IsMicro) return Refuse(Eip.MultipleService, NotSupported);
        if (data.Length < 2) return Refuse(Eip.MultipleService, TooFew);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(data);
        if (count == 0 || data.Length < 2 + (count * 2)) return Refuse(Eip.MultipleService, TooFew);
        var answers = new List<byte[]>();
        var left = room - CipReply.Head - 2 - (count * 2);
        var isAnyBad = false;
        for (var i = 0; i < count; i++)
        {
            int from = BinaryPrimitives.ReadUInt16LittleEndian(data[(2 + (i * 2))..]);
            var to = i + 1 < count ? BinaryPrimitives.ReadUInt16LittleEndian(data[(4 + (i * 2))..]) : data.Length;
            if (from >= to || to > data.Length) return Refuse(Eip.MultipleService, TooFew);
            // What follows needs at least a head.
            var answer = Answer(data[from..to], Math.Max(CipReply.Head, left - ((count - i - 1) * CipReply.Head)));
            left -= answer.Length;
            isAnyBad |= answer[2] != 0;
            answers.Add(answer);
        }

        var whole = new CipMessage(room + CipMessage.Largest).Byte(Eip.MultipleService | Eip.Reply).Byte(0)
            .Byte(isAnyBad ? CipStatus.EmbeddedError : 0).Byte(0).Word(count);
        var offset = 2 + (count * 2);
        foreach (var answer in answers)
        {
            whole.Word(offset);
            offset += answer.Length;
        }

        foreach (var answer in answers) whole.Bytes(answer);
        return whole.Span.ToArray();
    }

    private byte[] Read(byte service, ReadOnlySpan<byte> path, ReadOnlySpan<byte> data, int room)
    {
        var isFragmented = service == Eip.ReadFragmented;
        if (data.Length < (isFragmented ? 6 : 2)) return Refuse(service, TooFew);
        if (data.Length > (isFragmented ? 6 : 2)) return Refuse(service, TooMany);
        var status = TagPath.Follow(memory, path, out var place);
        if (!status.IsGood) return Refuse(service, status);
        if (controller.Faults.Of(place.Tag.Name) is { } fault) return Refuse(service, fault);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(data);
        var skip = isFragmented ? BinaryPrimitives.ReadUInt32LittleEndian(data[2..]) : 0;
        var length = count * place.Size;
        if (count == 0 || length > place.Room || skip > length) return Refuse(service, Beyond);
        var head = CipReply.Head + (place.Type.IsStructure ? 4 : 2);
        var rest = length - (int)skip;
        var part = Math.Min(rest, (room - head) & ~3);
        if (rest <= room - head) part = rest;
        if (part <= 0) return Refuse(service, new CipStatus(CipStatus.ReplyTooLarge));
        var answer = new CipMessage(head + part).Byte(service | Eip.Reply).Byte(0).Byte(part < rest ? CipStatus.Partial : 0).Byte(0)
            .Word((int)place.Type.Code);
        if (place.Type.IsStructure) answer.Word(place.Type.Handle);
        if (place.Bit < 0) return answer.Bytes(place.Tag.Bytes.AsSpan(place.At + (int)skip, part)).Span.ToArray();
        return answer.Byte((place.Tag.Bytes[place.At] >> place.Bit & 1) == 1 ? 0xFF : 0).Span.ToArray();
    }

    private byte[] Write(byte service, ReadOnlySpan<byte> path, ReadOnlySpan<byte> data)
    {
        var status = TagPath.Follow(memory, path, out var place);
        if (!status.IsGood) return Refuse(service, status);
        if (controller.Faults.Of(place.Tag.Name) is { } fault) return Refuse(service, fault);
        var head = (place.Type.IsStructure ? 4 : 2) + 2 + (service == Eip.WriteFragmented ? 4 : 0);
        if (data.Length < head) return Refuse(service, TooFew);
        var code = (CipDataType)BinaryPrimitives.ReadUInt16LittleEndian(data);
        var isSame = code == place.Type.Code
            && (!place.Type.IsStructure || BinaryPrimitives.ReadUInt16LittleEndian(data[2..]) == place.Type.Handle);
        if (!isSame) return Refuse(service, WrongType);
        data = data[(place.Type.IsStructure ? 4 : 2)..];
        int count = BinaryPrimitives.ReadUInt16LittleEndian(data);
        var skip = service == Eip.WriteFragmented ? (int)Math.Min(int.MaxValue, BinaryPrimitives.ReadUInt32LittleEndian(data[2..])) : 0;
        data = data[(service == Eip.WriteFragmented ? 6 : 2)..];
        var length = count * place.Size;
        if (count == 0 || length > place.Room) return Refuse(service, Beyond);
        if (skip > length || data.Length > length - skip) return Refuse(service, TooMany);
        if (service == Eip.WriteTag && data.Length < length) return Refuse(service, TooFew);
        if (place.Bit < 0) data.CopyTo(place.Tag.Bytes.AsSpan(place.At + skip));
        else SetBit(place, data[0] != 0);
        return Accept(service);
    }

    private static void SetBit(in TagPlace place, bool value)
    {
        var mask = (byte)(1 << place.Bit);
        if (value) place.Tag.Bytes[place.At] |= mask;
        else place.Tag.Bytes[place.At] &= (byte)~mask;
    }

    private byte[] Modify(ReadOnlySpan<byte> path, ReadOnlySpan<byte> data)
    {
        var status = TagPath.Follow(memory, path, out var place);
        if (!status.IsGood) return Refuse(Eip.ReadModifyWrite, status);
        if (data.Length < 2) return Refuse(Eip.ReadModifyWrite, TooFew);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(data);
        if (size != place.Size || data.Length != 2 + (size * 2)) return Refuse(Eip.ReadModifyWrite, new CipStatus(0x03));
        for (var i = 0; i < size; i++)
        {
            ref var one = ref place.Tag.Bytes[place.At + i];
            one = (byte)((one | data[2 + i]) & data[2 + size + i]);
        }

        return Accept(Eip.ReadModifyWrite);
    }

    private byte[] List(ReadOnlySpan<byte> path, ReadOnlySpan<byte> data, int room)
    {
        const byte Service = Eip.GetInstanceAttributeList;
        if (!options.HasTagList) return Refuse(Service, NotSupported);
        var program = "";
        if (path.Length > 2 && path[0] == 0x91)
        {
            program = Encoding.ASCII.GetString(path.Slice(2, path[1]));
            path = path[(2 + path[1] + (path[1] & 1))..];
        }

        if (path.Length < 4 || path[0] != 0x20 || path[1] != 0x6B || data.Length < 2) return Refuse(Service, new CipStatus(0x04));
        var start = path[2] switch
        {
            0x24 => path[3],
            0x25 => BinaryPrimitives.ReadUInt16LittleEndian(path[4..]),
            _ => BinaryPrimitives.ReadUInt32LittleEndian(path[4..]),
        };
        var attributes = new List<int>();
        for (var i = 0; i < BinaryPrimitives.ReadUInt16LittleEndian(data) && data.Length >= 4 + (i * 2); i++)
        {
            attributes.Add(BinaryPrimitives.ReadUInt16LittleEndian(data[(2 + (i * 2))..]));
        }

        var isUnknown = attributes.Exists(a => a is not (1 or 2 or 8)) || (IsMicro && attributes.Contains(8));
        if (isUnknown) return Refuse(Service, new CipStatus(0x0A));
        var answer = new CipMessage(room + 512).Byte(Service | Eip.Reply).Byte(0).Byte(0).Byte(0);
        foreach (var (name, instance, type, dimensions) in Symbols(program).Where(s => s.Instance >= start).OrderBy(s => s.Instance))
        {
            if (answer.Length + 4 + 2 + name.Length + 2 + 12 > room) return WithStatus(answer, CipStatus.Partial);
            answer.Long(instance);
            if (attributes.Contains(1)) answer.Word(name.Length).Bytes(Encoding.ASCII.GetBytes(name));
            if (attributes.Contains(2)) answer.Word(type);
            for (var i = 0; attributes.Contains(8) && i < 3; i++) answer.Long(i < dimensions.Count ? (uint)dimensions[i] : 0);
        }

        return answer.Span.ToArray();
    }

    private IEnumerable<(string Name, uint Instance, int Type, IReadOnlyList<int> Dimensions)> Symbols(string program)
    {
        foreach (var tag in memory.Tags.Where(t => t.Program.Equals(program, StringComparison.OrdinalIgnoreCase)))
        {
            var word = tag.Type.Template is { } template ? 0x8000 | memory.TemplateId(template) : (int)tag.Type.Code;
            yield return (tag.ShortName, tag.Instance, word | (tag.Dimensions.Count << 13), tag.Dimensions);
        }

        if (program.Length > 0) yield break;
        const int Hidden = 0x1068;
        var id = 0xF000u;
        foreach (var name in memory.Tags.Select(t => t.Program).Where(p => p.Length > 0).Distinct(StringComparer.OrdinalIgnoreCase).Order())
        {
            yield return (name, id++, Hidden, []);
        }
    }

    private byte[] Template(byte service, ReadOnlySpan<byte> path, ReadOnlySpan<byte> data, int room)
    {
        if (!options.HasTagList || IsMicro) return Refuse(service, NotSupported);
        var id = path.Length switch
        {
            4 => path[3],
            6 => BinaryPrimitives.ReadUInt16LittleEndian(path[4..]),
            _ => (ushort)0,
        };
        if (!memory.Templates.TryGetValue(id, out var template)) return Refuse(service, new CipStatus(0x05));
        var definition = TemplateBytes.Of(template, memory);
        if (service == Eip.GetAttributeList) return Shape(template, definition.Length);
        if (service != Eip.ReadTag || data.Length < 6) return Refuse(service, NotSupported);
        var from = (int)Math.Min(int.MaxValue, BinaryPrimitives.ReadUInt32LittleEndian(data));
        int wanted = BinaryPrimitives.ReadUInt16LittleEndian(data[4..]);
        if (from > definition.Length) return Refuse(service, Beyond);
        var whole = Math.Min(wanted, definition.Length - from);
        var part = Math.Min(whole, room - CipReply.Head);
        var answer = new CipMessage(CipReply.Head + part).Byte(service | Eip.Reply).Byte(0).Byte(0).Byte(0)
            .Bytes(definition.AsSpan(from, part));
        return part < whole ? WithStatus(answer, CipStatus.Partial) : answer.Span.ToArray();
    }

    private static byte[] Shape(CipTemplate template, int bytes) =>
        new CipMessage(64).Byte(Eip.GetAttributeList | Eip.Reply).Byte(0).Byte(0).Byte(0).Word(4)
            .Word(4).Word(0).Long((uint)((bytes + 23 + 3) / 4))
            .Word(5).Word(0).Long((uint)template.Size)
            .Word(2).Word(0).Word(template.Members.Count)
            .Word(1).Word(0).Word(template.Handle).Span.ToArray();

    private byte[] Identity(byte service, ReadOnlySpan<byte> path)
    {
        if (service == Eip.GetAttributesAll) return Accept(service, controller.Identity);
        if (service == Eip.GetAttributeSingle && path is [.., 0x30, 0x01]) return Accept(service, 1, 0);
        return Refuse(service, NotSupported);
    }

    /// <summary>What changes when the program does (1756-PM020, chapter 2: attributes 1, 2, 3, 4 and 10).</summary>
    private byte[] Counters(byte service, ReadOnlySpan<byte> data)
    {
        if (!options.HasTagList || IsMicro || service != Eip.GetAttributeList || data.Length < 2) return Refuse(service, NotSupported);
        var answer = new CipMessage(128).Byte(service | Eip.Reply).Byte(0).Byte(0).Byte(0).Word(0);
        var count = 0;
        for (var i = 0; i < BinaryPrimitives.ReadUInt16LittleEndian(data) && data.Length >= 4 + (i * 2); i++, count++)
        {
            int attribute = BinaryPrimitives.ReadUInt16LittleEndian(data[(2 + (i * 2))..]);
            answer.Word(attribute).Word(0);
            if (attribute is 1 or 2) answer.Word(attribute);
            else answer.Long(attribute == 3 ? memory.Edits : 7);
        }

        answer.SetWord(CipReply.Head, count);
        return answer.Span.ToArray();
    }

    private static byte[] WithStatus(CipMessage answer, ushort status)
    {
        var bytes = answer.Span.ToArray();
        bytes[2] = (byte)status;
        return bytes;
    }
}
