using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip.Logix;

/// <summary>How structures are laid out, asked for when the first value of one comes (Template objects, 1756-PM020, chapter 2).</summary>
internal sealed class TemplateStore(CipClient client)
{
    private const byte TemplateClass = 0x6C;
    private const int MemberLength = 8;
    private const int NestedAtMost = 16;
    private const int LargestDefinition = 1024 * 1024;
    private const int MostParts = 4_000;

    private readonly AsyncLock _asking = new();
    private readonly Dictionary<ushort, CipTemplate> _byId = [];

    /// <summary>Under way: one that holds itself lies.</summary>
    private readonly HashSet<ushort> _fetching = [];
    private readonly Dictionary<ushort, TemplateDefinition> _told = [];
    private readonly Dictionary<ushort, CipTemplate> _byHandle = [];

    /// <summary>By handle: when it was looked for in vain; not again for a while.</summary>
    private readonly Dictionary<ushort, long> _missing = [];
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(30);

    /// <summary>The template of a structure that came of an address; null when the controller does not tell it.</summary>
    /// <exception cref="CipException">The session is over.</exception>
    public async Task<CipTemplate?> FindAsync(CipTagAddress address, ushort handle, CancellationToken cancellationToken)
    {
        using var held = await _asking.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_byHandle.TryGetValue(handle, out var known)) return known;
            if (_missing.TryGetValue(handle, out var since) && Stopwatch.GetElapsedTime(since) < AskAgainAfter) return null;
            if (await LookAsync(address, handle, cancellationToken).ConfigureAwait(false) is { } found) return found;
            // What is known of the program may be older than this structure.
            if (await client.Tags.ForgetIfChangedAsync(cancellationToken).ConfigureAwait(false))
            {
                Clear();
                if (await LookAsync(address, handle, cancellationToken).ConfigureAwait(false) is { } newer) return newer;
            }

            _missing[handle] = Stopwatch.GetTimestamp();
            return null;
        }
        catch (CipException error) when (error.Failure == CipFailure.Refused)
        {
            // Micro800 and simulators have no templates.
            _missing[handle] = Stopwatch.GetTimestamp();
            return null;
        }
    }

    /// <summary>As the controller told them, by their numbers.</summary>
    public Dictionary<ushort, TemplateDefinition> Known
    {
        get
        {
            lock (_told) return new(_told);
        }
    }

    /// <summary>What was kept of an earlier session with the same program.</summary>
    public void Know(Dictionary<ushort, TemplateDefinition> told)
    {
        lock (_told)
        {
            foreach (var (id, definition) in told) _told[id] = definition;
        }
    }

    /// <summary>By its number in the list of tags; null when the controller does not tell it.</summary>
    public async Task<CipTemplate?> GetAsync(ushort id, CancellationToken cancellationToken)
    {
        using var held = await _asking.EnterAsync(cancellationToken).ConfigureAwait(false);
        return await FetchAsync(id, 0, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Everything is asked for anew when it is needed.</summary>
    public async Task ForgetAsync(CancellationToken cancellationToken)
    {
        using var held = await _asking.EnterAsync(cancellationToken).ConfigureAwait(false);
        Clear();
    }

    private void Clear()
    {
        _byId.Clear();
        lock (_told) _told.Clear();
        _byHandle.Clear();
        _missing.Clear();
    }

    private async Task<CipTemplate?> LookAsync(CipTagAddress address, ushort handle, CancellationToken cancellationToken)
    {
        if (await client.Tags.FindAsync(address, cancellationToken).ConfigureAwait(false) is not { IsStructure: true } symbol) return null;
        // What it holds is fetched with it: a member's handle is among them.
        await FetchAsync(symbol.Template, 0, cancellationToken).ConfigureAwait(false);
        await client.Tags.KeepAsync(cancellationToken).ConfigureAwait(false);
        return _byHandle.GetValueOrDefault(handle);
    }

    private async Task<CipTemplate?> FetchAsync(ushort id, int depth, CancellationToken cancellationToken)
    {
        if (_byId.TryGetValue(id, out var known)) return known;
        if (depth > NestedAtMost || !_fetching.Add(id)) return null;
        try
        {
            return await MakeAsync(id, depth, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _fetching.Remove(id);
        }
    }

    private async Task<CipTemplate?> MakeAsync(ushort id, int depth, CancellationToken cancellationToken)
    {
        if (await ToldAsync(id, cancellationToken).ConfigureAwait(false) is not { } shape) return null;
        var definition = shape.Definition;
        if (definition.Length < shape.Members * MemberLength) return null;
        var names = Encoding.Latin1.GetString(definition.AsSpan(shape.Members * MemberLength)).Split('\0');
        var members = new List<CipMember>();
        for (var i = 0; i < shape.Members; i++)
        {
            var name = i + 1 < names.Length ? names[i + 1] : "";
            // Each has a name of its own: they are told by it.
            if (name.Length == 0 || members.Exists(m => m.Name.Equals(name, StringComparison.OrdinalIgnoreCase))) name = $"{name}#{i}";
            members.Add(await MemberAsync(definition.AsMemory(i * MemberLength, MemberLength), name, depth, cancellationToken)
                .ConfigureAwait(false));
        }

        var template = new CipTemplate(names[0].Split(';')[0], shape.Handle, shape.Size, members);
        // What is not known to the end is asked for again.
        if (members.Exists(m => m.Type is { IsStructure: true, Template: null })) return template;
        (_byId[id], _byHandle[shape.Handle]) = (template, template);
        return template;
    }

    private async Task<TemplateDefinition?> ToldAsync(ushort id, CancellationToken cancellationToken)
    {
        lock (_told)
        {
            if (_told.TryGetValue(id, out var known)) return known;
        }

        byte[] path = [0x20, TemplateClass, 0x25, 0, (byte)id, (byte)(id >> 8)];
        if (await ShapeAsync(path, cancellationToken).ConfigureAwait(false) is not { } shape) return null;
        if (await DefinitionAsync(path, shape.Bytes, cancellationToken).ConfigureAwait(false) is not { } definition) return null;
        var told = new TemplateDefinition(shape.Handle, shape.Size, shape.Members, definition);
        lock (_told) _told[id] = told;
        return told;
    }

    private async Task<CipMember> MemberAsync(ReadOnlyMemory<byte> entry, string name, int depth, CancellationToken cancellationToken)
    {
        int info = BinaryPrimitives.ReadUInt16LittleEndian(entry.Span);
        var word = BinaryPrimitives.ReadUInt16LittleEndian(entry.Span[2..]);
        var offset = (int)Math.Min(LargestDefinition, BinaryPrimitives.ReadUInt32LittleEndian(entry.Span[4..]));
        var array = (word >> 13 & 3) > 0 ? info : 0;
        if ((word & 0x8000) == 0)
        {
            var code = (CipDataType)(word & 0xFF);
            var bit = code == CipDataType.Bool ? info % 32 : -1;
            return new CipMember(name, new CipType(code), offset + (Math.Max(bit, 0) / 8), array, bit < 0 ? -1 : bit % 8);
        }

        var nested = await FetchAsync((ushort)(word & 0x0FFF), depth + 1, cancellationToken).ConfigureAwait(false);
        return new CipMember(name, new CipType(CipDataType.Structure, nested?.Handle ?? 0) { Template = nested }, offset, array);
    }

    private async Task<Shape?> ShapeAsync(byte[] path, CancellationToken cancellationToken)
    {
        var message = CipMessage.Request(Eip.GetAttributeList, path).Word(4).Word(4).Word(5).Word(2).Word(1);
        using var answer = await client.Link.CallAsync(message.Memory, cancellationToken).ConfigureAwait(false);
        if (!answer.Reply.Status.IsGood) return null;
        var data = answer.Reply.Data;
        // Count; then of each number, status and value.
        if (data.Length < 2 + 8 + 8 + 6 + 6) return null;
        var words = BinaryPrimitives.ReadUInt32LittleEndian(data[6..]);
        var size = BinaryPrimitives.ReadUInt32LittleEndian(data[14..]);
        // As the manual has it: the definition's own head is not sent.
        var bytes = ((long)words * 4) - 23;
        if (bytes is <= 0 or > LargestDefinition || size > LargestDefinition) return null;
        return new Shape(
            (int)bytes, (int)size, BinaryPrimitives.ReadUInt16LittleEndian(data[22..]),
            BinaryPrimitives.ReadUInt16LittleEndian(data[28..]));
    }

    private async Task<byte[]?> DefinitionAsync(byte[] path, int bytes, CancellationToken cancellationToken)
    {
        var all = new List<byte>();
        for (var part = 0; all.Count < bytes; part++)
        {
            if (part > MostParts) throw client.Link.Distrust($"tells a template in more than {MostParts} parts");
            var message = CipMessage.Request(Eip.ReadTag, path).Long((uint)all.Count).Word(Math.Min(ushort.MaxValue, bytes - all.Count));
            using var answer = await client.Link.CallAsync(message.Memory, cancellationToken).ConfigureAwait(false);
            var status = answer.Reply.Status;
            if ((!status.IsGood && status.General != CipStatus.Partial) || answer.Reply.Data.Length == 0) return null;
            all.AddRange(answer.Reply.Data);
            if (status.IsGood) break;
        }

        return [.. all];
    }

    /// <param name="Bytes">Of its definition.</param>
    /// <param name="Size">Of a value.</param>
    /// <param name="Members">How many.</param>
    /// <param name="Handle">Its checksum.</param>
    private sealed record Shape(int Bytes, int Size, int Members, ushort Handle);
}
