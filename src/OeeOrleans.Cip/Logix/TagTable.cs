using System.Buffers.Binary;
using System.Text;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip.Logix;

/// <summary>The controller's list of its tags (Symbol objects, 1756-PM020, chapter 2), asked for scope by scope when needed.</summary>
internal sealed class TagTable(CipClient client)
{
    private const byte SymbolClass = 0x6B;
    private const int MostParts = 20_000;
    private const int MostSymbols = 500_000;

    /// <summary>Of a name of a tag or program; controllers have 40.</summary>
    private const int LongestName = 128;
    private const ushort Name = 1;
    private const ushort SymbolType = 2;
    private const ushort Dimensions = 8;
    private static readonly string[] System = ["Routine:", "Task:", "Map:", "Cxn:", "UDI:", "ConnectionToken:"];

    private readonly AsyncLock _asking = new();
    private readonly Dictionary<string, TagScope> _scopes = new(StringComparer.OrdinalIgnoreCase);
    private bool _isBegun;
    private string _identity = "";

    /// <summary>What the controller said of its changes when its tags were asked for; null: it does not tell.</summary>
    public byte[]? Counters { get; private set; }

    /// <summary>Why the table was not kept; null when it was, or need not be.</summary>
    public string? NotKept { get; private set; }

    /// <summary>The question for what changes with every change of the program (1756-PM020, chapter 2).</summary>
    public static ReadOnlySpan<byte> CountersRequest =>
        [Eip.GetAttributeList, 2, 0x20, 0xAC, 0x24, 0x01, 5, 0, 1, 0, 2, 0, 3, 0, 4, 0, 10, 0];

    /// <summary>The path to a tag by its number.</summary>
    public static byte[] PathTo(string? program, uint instance)
    {
        var path = new List<byte>();
        if (program is not null) CipTagAddress.AddName(path, $"Program:{program}");
        path.AddRange([0x20, SymbolClass, .. Instance(instance)]);
        return [.. path];
    }

    /// <summary>The tags of a program, or of the controller; with what else the controller calls a symbol.</summary>
    /// <param name="program">Null: the controller's.</param>
    /// <param name="cancellationToken">Ends it earlier.</param>
    /// <exception cref="CipException">The session is over, or the controller has no such list.</exception>
    public async Task<TagScope> ScopeAsync(string? program, CancellationToken cancellationToken)
    {
        using var held = await _asking.EnterAsync(cancellationToken).ConfigureAwait(false);
        return await HeldScopeAsync(program, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The numbers of tags, all of one state of the program, and the counters that go with it.</summary>
    /// <returns>By address; what is not there is left out. No counters: nobody knows how long the numbers are right.</returns>
    /// <exception cref="CipException">The session is over, or the controller has no list.</exception>
    public async Task<(byte[]? Counters, IReadOnlyDictionary<CipTagAddress, uint> Numbers)> NumbersAsync(
        IEnumerable<CipTagAddress> addresses, CancellationToken cancellationToken)
    {
        using var held = await _asking.EnterAsync(cancellationToken).ConfigureAwait(false);
        var numbers = new Dictionary<CipTagAddress, uint>(ReferenceEqualityComparer.Instance);
        foreach (var program in addresses.GroupBy(a => a.Program, StringComparer.OrdinalIgnoreCase))
        {
            if (await ScopeIfThereAsync(program.Key, cancellationToken).ConfigureAwait(false) is not { } scope) continue;
            foreach (var address in program)
            {
                if (scope.Find(address.Tag) is { } symbol) numbers[address] = symbol.Instance;
            }
        }

        return (Counters, numbers);
    }

    public async Task<SymbolInfo?> FindAsync(CipTagAddress address, CancellationToken cancellationToken) =>
        (await ScopeAsync(address.Program, cancellationToken).ConfigureAwait(false)).Find(address.Tag);

    /// <summary>Everything is asked for anew when it is needed.</summary>
    public async Task ForgetAsync(CancellationToken cancellationToken)
    {
        using var held = await _asking.EnterAsync(cancellationToken).ConfigureAwait(false);
        Clear();
    }

    /// <summary>Forgets the tags when the controller's counters are not what they were; also when it has none.</summary>
    public async Task<bool> ForgetIfChangedAsync(CancellationToken cancellationToken)
    {
        using var held = await _asking.EnterAsync(cancellationToken).ConfigureAwait(false);
        var before = Counters;
        if (before is not null && await AskCountersAsync(cancellationToken).ConfigureAwait(false) is { } now
            && before.AsSpan().SequenceEqual(now)) return false;
        Clear();
        return true;
    }

    /// <summary>What is known now goes into the file.</summary>
    public async Task KeepAsync(CancellationToken cancellationToken)
    {
        using var held = await _asking.EnterAsync(cancellationToken).ConfigureAwait(false);
        Keep();
    }

    private void Keep()
    {
        if (client.Options.TableFile is not { } file || Counters is not { } counters) return;
        try
        {
            new KeptTable(_identity, counters, _scopes.ToDictionary(s => s.Key, s => s.Value.Symbols), client.Templates.Known).Write(file);
            NotKept = null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            NotKept = $"{file}: {error.Message}";
        }
    }

    private async Task<TagScope> HeldScopeAsync(string? program, CancellationToken cancellationToken)
    {
        await BeginAsync(cancellationToken).ConfigureAwait(false);
        var key = program ?? "";
        if (_scopes.TryGetValue(key, out var known)) return known;
        var scope = _scopes[key] = new TagScope(await UploadAsync(program, cancellationToken).ConfigureAwait(false));
        Keep();
        return scope;
    }

    /// <summary>Null: there is no such program.</summary>
    private async Task<TagScope?> ScopeIfThereAsync(string? program, CancellationToken cancellationToken)
    {
        try
        {
            return await HeldScopeAsync(program, cancellationToken).ConfigureAwait(false);
        }
        catch (CipException error) when (program is not null && error.Failure == CipFailure.Refused)
        {
            return null;
        }
    }

    private void Clear()
    {
        _scopes.Clear();
        _isBegun = false;
    }

    /// <summary>Once: who it is, how often it was changed, and what was kept of it if it is the same still.</summary>
    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        if (_isBegun) return;
        Counters = await AskCountersAsync(cancellationToken).ConfigureAwait(false);
        _isBegun = true;
        if (client.Options.TableFile is not { } file || Counters is not { } counters) return;
        var identity = await client.IdentifyAsync(cancellationToken).ConfigureAwait(false);
        _identity = $"{identity?.ProductName} {identity?.Revision} {identity?.Serial}";
        if (KeptTable.Read(file) is not { } kept || kept.Identity != _identity || !kept.Counters.AsSpan().SequenceEqual(counters)) return;
        foreach (var (scope, symbols) in kept.Scopes) _scopes[scope] = new TagScope(symbols);
        client.Templates.Know(kept.Templates);
    }

    private async Task<byte[]?> AskCountersAsync(CancellationToken cancellationToken)
    {
        using var answer = await client.Link.CallAsync(CountersRequest.ToArray(), cancellationToken).ConfigureAwait(false);
        return answer.Reply.Status.IsGood && answer.Reply.Data.Length > 2 ? answer.Reply.Data.ToArray() : null;
    }

    private async Task<List<SymbolInfo>> UploadAsync(string? program, CancellationToken cancellationToken)
    {
        try
        {
            return await UploadAsync(program, [Name, SymbolType, Dimensions], cancellationToken).ConfigureAwait(false);
        }
        catch (CipException error) when (error is { Failure: CipFailure.Refused, Status.General: 0x09 or 0x0A or 0x14 })
        {
            // Small ones do not tell how large their arrays are.
            return await UploadAsync(program, [Name, SymbolType], cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<List<SymbolInfo>> UploadAsync(string? program, ushort[] attributes, CancellationToken cancellationToken)
    {
        var symbols = new List<SymbolInfo>();
        uint next = 0;
        for (var part = 0; part < MostParts; part++)
        {
            var path = new List<byte>();
            if (program is not null) CipTagAddress.AddName(path, $"Program:{program}");
            path.AddRange([0x20, SymbolClass, .. Instance(next)]);
            var message = CipMessage.Request(Eip.GetInstanceAttributeList, [.. path]).Word(attributes.Length);
            foreach (var attribute in attributes) message.Word(attribute);
            using var answer = await client.Link.CallAsync(message.Memory, cancellationToken).ConfigureAwait(false);
            var status = answer.Reply.Status;
            if (!status.IsGood && status.General != CipStatus.Partial) throw client.Link.Refusal(status);
            var before = symbols.Count;
            if (!Take(answer.Reply.Data, attributes.Length > 2, symbols))
            {
                throw client.Link.Distrust("sends a list of tags that ends amid a tag");
            }

            if (symbols.Count > MostSymbols) throw client.Link.Distrust($"has more than {MostSymbols} tags");
            if (status.IsGood) return symbols;
            if (symbols.Count == before || symbols[^1].Instance < next) throw client.Link.Distrust("sends its list of tags in a circle");
            next = symbols[^1].Instance + 1;
        }

        throw client.Link.Distrust($"sends a list of tags in more than {MostParts} parts");
    }

    private static byte[] Instance(uint id) => id <= ushort.MaxValue
        ? [0x25, 0, (byte)id, (byte)(id >> 8)]
        : [0x26, 0, (byte)id, (byte)(id >> 8), (byte)(id >> 16), (byte)(id >> 24)];

    private static bool Take(ReadOnlySpan<byte> data, bool withDimensions, List<SymbolInfo> into)
    {
        while (data.Length > 0)
        {
            if (data.Length < 6) return false;
            var instance = BinaryPrimitives.ReadUInt32LittleEndian(data);
            int length = BinaryPrimitives.ReadUInt16LittleEndian(data[4..]);
            var rest = 2 + (withDimensions ? 12 : 0);
            if (data.Length < 6 + length + rest) return false;
            var name = Encoding.ASCII.GetString(data.Slice(6, length));
            data = data[(6 + length)..];
            var type = BinaryPrimitives.ReadUInt16LittleEndian(data);
            var dimensions = new List<int>();
            for (var i = 0; withDimensions && i < (type >> 13 & 3); i++)
            {
                dimensions.Add((int)Math.Min(int.MaxValue, BinaryPrimitives.ReadUInt32LittleEndian(data[(2 + (i * 4))..])));
            }

            data = data[rest..];
            if (length > LongestName) continue;
            if (IsTag(name, type)) into.Add(new SymbolInfo(name, instance, type, dimensions));
            else into.Add(new SymbolInfo(name, instance, type, dimensions) { IsSystem = true });
        }

        return true;
    }

    /// <summary>Names of programs are among them; what else the controller keeps for itself is none of ours.</summary>
    private static bool IsTag(string name, ushort type) =>
        (type & 0x1000) == 0 && !name.StartsWith("__", StringComparison.Ordinal)
            && !System.Any(s => name.StartsWith(s, StringComparison.OrdinalIgnoreCase));
}
