using System.Text;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip.Simulation;

/// <summary>A template as a controller tells it: members, then names (1756-PM020, chapter 2).</summary>
internal static class TemplateBytes
{
    public static byte[] Of(CipTemplate template, ControllerMemory memory)
    {
        var names = new StringBuilder(template.Name).Append(";nEBECEAHA\0");
        foreach (var member in template.Members) names.Append(member.Name).Append('\0');
        var text = Encoding.Latin1.GetBytes(names.ToString());
        var message = new CipMessage((template.Members.Count * 8) + text.Length);
        foreach (var member in template.Members)
        {
            var word = (int)member.Type.Code;
            if (member.Type.Template is { } nested) word = 0x8000 | memory.TemplateId(nested);
            if (member.ArrayLength > 0) word |= 0x2000;
            message.Word(member.Bit >= 0 ? member.Bit : member.ArrayLength).Word(word).Long((uint)member.Offset);
        }

        return message.Bytes(text).Span.ToArray();
    }
}
