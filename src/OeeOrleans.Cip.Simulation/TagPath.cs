using System.Buffers.Binary;
using System.Text;

namespace OeeOrleans.Cip.Simulation;

/// <summary>What a path leads to.</summary>
/// <param name="Tag">Which tag.</param>
/// <param name="Type">Of the element there.</param>
/// <param name="At">Byte of the tag.</param>
/// <param name="Room">Bytes from there on that belong to the same array.</param>
/// <param name="Size">Bytes of an element.</param>
/// <param name="Bit">Of a BOOL of a structure; -1 otherwise.</param>
internal readonly record struct TagPlace(SimulatedTag Tag, CipType Type, int At, int Room, int Size, int Bit);

/// <summary>Follows request paths: symbolic segments, symbol instances, elements, members.</summary>
internal static class TagPath
{
    private static readonly CipStatus NotUnderstood = new(0x04);
    private static readonly CipStatus NotThere = new(0x05);
    private static readonly CipStatus Beyond = new(0xFF, 0x2105);

    public static CipStatus Follow(ControllerMemory memory, ReadOnlySpan<byte> path, out TagPlace place)
    {
        place = default;
        SimulatedTag? tag = null;
        var program = "";
        var indexes = new List<uint>();
        while (path.Length > 0)
        {
            if (!TryTake(ref path, out var segment)) return NotUnderstood;
            if (segment.Name is { } name && tag is null)
            {
                if (program.Length == 0 && name.StartsWith("Program:", StringComparison.OrdinalIgnoreCase))
                {
                    program = name;
                    continue;
                }

                tag = memory.Find(program.Length == 0 ? name : $"{program}.{name}");
            }
            else if (segment.Class == 0x6B && tag is null)
            {
                if (!TryTake(ref path, out var instance) || instance.Instance is not { } id) return NotUnderstood;
                tag = memory.Find(id);
                if (tag is not null && !tag.Program.Equals(program, StringComparison.OrdinalIgnoreCase)) tag = null;
            }
            else if (segment.Element is { } index && tag is not null)
            {
                indexes.Add(index);
                continue;
            }
            else if (segment.Name is { } member && tag is not null)
            {
                var status = Index(ref place, indexes);
                if (!status.IsGood) return status;
                status = Member(ref place, member);
                if (!status.IsGood) return status;
                continue;
            }
            else
            {
                return NotUnderstood;
            }

            if (tag is null) return NotThere;
            place = new TagPlace(tag, tag.Type, 0, tag.Bytes.Length, tag.ElementSize, -1);
        }

        return tag is null ? NotUnderstood : Index(ref place, indexes);
    }

    private static CipStatus Index(ref TagPlace place, List<uint> indexes)
    {
        if (indexes.Count == 0) return CipStatus.Good;
        long element = 0;
        var dimensions = place.At == 0 && place.Room == place.Tag.Bytes.Length ? place.Tag.Dimensions : [];
        if (dimensions.Count > 1 && dimensions.Count != indexes.Count) return NotThere;
        for (var i = 0; i < indexes.Count; i++)
        {
            if (i < dimensions.Count && indexes[i] >= dimensions[i]) return Beyond;
            element = (element * (i < dimensions.Count ? dimensions[i] : 1)) + indexes[i];
        }

        indexes.Clear();
        var skipped = element * place.Size;
        if (skipped >= place.Room) return Beyond;
        place = place with { At = place.At + (int)skipped, Room = place.Room - (int)skipped };
        return CipStatus.Good;
    }

    private static CipStatus Member(ref TagPlace place, string name)
    {
        var member = place.Type.Template?.Members.FirstOrDefault(m => m.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (member is null || member.IsHidden) return NotThere;
        var size = Math.Max(1, member.Type.Size);
        place = new TagPlace(
            place.Tag, member.Type, place.At + member.Offset, size * Math.Max(1, member.ArrayLength), size, member.Bit);
        return CipStatus.Good;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> path, out Segment segment)
    {
        segment = default;
        var kind = path[0];
        var length = kind switch
        {
            0x91 when path.Length > 1 => 2 + path[1] + (path[1] & 1),
            0x20 or 0x24 or 0x28 => 2,
            0x21 or 0x25 or 0x29 => 4,
            0x26 or 0x2A => 6,
            _ => 0,
        };
        if (length == 0 || length > path.Length) return false;
        var value = length switch
        {
            2 => path[1],
            4 => BinaryPrimitives.ReadUInt16LittleEndian(path[2..]),
            6 => BinaryPrimitives.ReadUInt32LittleEndian(path[2..]),
            _ => 0u,
        };
        segment = kind switch
        {
            0x91 => new Segment(Encoding.ASCII.GetString(path.Slice(2, path[1])), null, null, null),
            0x20 or 0x21 => new Segment(null, value, null, null),
            0x24 or 0x25 or 0x26 => new Segment(null, null, value, null),
            _ => new Segment(null, null, null, value),
        };
        path = path[length..];
        return true;
    }

    private readonly record struct Segment(string? Name, uint? Class, uint? Instance, uint? Element);
}
