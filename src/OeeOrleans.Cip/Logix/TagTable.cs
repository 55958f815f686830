using System.Buffers.Binary;
using System.Text;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip.Logix;

/// <summary>The controller's list of its tags (Symbol objects, 1756-PM020, chapter 2), asked for scope by scope when needed.</summary>
internal sealed class TagTable(CipClient client)
{
    private const byte SymbolClass = 0x6B;
    private const int MostParts = 20_000;
    private const ushort Name = 1;
    private const ushort SymbolType = 2;
    private const ushort Dimensions = 8;
    private static readonly string[] System = ["Routine:", "Task:", "Map:", "Cxn:", "UDI:", "ConnectionToken:"];

    private readonly SemaphoreSlim _asking = new(1);
    private readonly Dictionary<string, IReadOnlyList<SymbolInfo>> _scopes = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The tags of a program, or of the controller; with what else the controller calls a symbol.</summary>
    /// <param name="program">Null: the controller's.</param>
    /// <exception cref="CipException">The session is over, or the controller has no such list.</exception>
    public async Task<IReadOnlyList<SymbolInfo>> ScopeAsync(string? program, CancellationToken cancellationToken)
    {
        await _asking.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var key = program ?? "";
            if (_scopes.TryGetValue(key, out var known)) return known;
            return _scopes[key] = await UploadAsync(program, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _asking.Release();
        }
    }

    public async Task<SymbolInfo?> FindAsync(CipTagAddress address, CancellationToken cancellationToken)
    {
        var scope = await ScopeAsync(address.Program, cancellationToken).ConfigureAwait(false);
        return scope.FirstOrDefault(s => s.Name.Equals(address.Tag, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Everything is asked for anew when it is needed.</summary>
    public async Task ForgetAsync(CancellationToken cancellationToken)
    {
        await _asking.WaitAsync(cancellationToken).ConfigureAwait(false);
        _scopes.Clear();
        _asking.Release();
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

/// <summary>A symbol of the controller.</summary>
/// <param name="Name">Without its program.</param>
/// <param name="Instance">Its number in its scope, until the next download or edit.</param>
/// <param name="TypeWord">Bit 15: a structure, whose template's number is in the low 12 bits; bits 13 and 14: dimensions.</param>
/// <param name="Dimensions">Elements of each.</param>
internal sealed record SymbolInfo(string Name, uint Instance, ushort TypeWord, IReadOnlyList<int> Dimensions)
{
    private const string ProgramPrefix = "Program:";

    public bool IsSystem { get; init; }

    /// <summary>The program that it stands for; null when it is a tag.</summary>
    public string? Program => Name.StartsWith(ProgramPrefix, StringComparison.OrdinalIgnoreCase) ? Name[ProgramPrefix.Length..] : null;

    public bool IsStructure => (TypeWord & 0x8000) != 0;

    public ushort Template => (ushort)(TypeWord & 0x0FFF);

    public CipDataType Code => (CipDataType)(TypeWord & 0xFF);
}
