using OeeOrleans.Cip.Logix;
using OeeOrleans.Cip.Wire;

namespace OeeOrleans.Cip;

/// <summary>A tag of the controller's list.</summary>
/// <param name="Program">Whose it is; null: the controller's.</param>
/// <param name="Name">Without its program.</param>
/// <param name="Type">Of one element; of structures with their template, where the controller tells it.</param>
/// <param name="Dimensions">Elements of each dimension; empty: no array. 0 where the controller does not tell how many. BOOLs of an array
/// are counted, not their DWORDs.</param>
public sealed record CipTag(string? Program, string Name, CipType Type, IReadOnlyList<int> Dimensions)
{
    /// <summary>To read it by.</summary>
    public string Address => Program is null ? Name : $"Program:{Program}.{Name}";
}

/// <summary>What a controller says of itself and its tags.</summary>
public sealed partial class CipClient
{
    /// <summary>Who it is; null when it does not tell.</summary>
    /// <exception cref="CipException">The session is over.</exception>
    public async Task<CipIdentity?> IdentifyAsync(CancellationToken cancellationToken = default)
    {
        byte[] question = [Eip.GetAttributesAll, 2, .. Eip.Identity];
        using var answer = await Link.CallAsync(question, cancellationToken).ConfigureAwait(false);
        return answer.Reply.Status.IsGood ? CipIdentity.Read(answer.Reply.Data) : null;
    }

    /// <summary>The names of its programs.</summary>
    /// <exception cref="CipException">The session is over, or the controller has no list of tags.</exception>
    public async Task<IReadOnlyList<string>> ListProgramsAsync(CancellationToken cancellationToken = default)
    {
        var scope = await ScopeAsync(null, cancellationToken).ConfigureAwait(false);
        return [.. scope.Symbols.Where(s => s.Program is not null).Select(s => s.Program!).Order(StringComparer.OrdinalIgnoreCase)];
    }

    /// <summary>The tags of the controller, or of one of its programs, by name.</summary>
    /// <param name="program">Null: the controller's.</param>
    /// <param name="cancellationToken">Ends it earlier.</param>
    /// <exception cref="CipException">The session is over, or the controller has no list of tags, or no such program.</exception>
    public async Task<IReadOnlyList<CipTag>> ListTagsAsync(string? program, CancellationToken cancellationToken = default)
    {
        var tags = new List<CipTag>();
        var scope = await ScopeAsync(program, cancellationToken).ConfigureAwait(false);
        foreach (var symbol in scope.Symbols)
        {
            if (symbol.IsSystem || symbol.Program is not null) continue;
            tags.Add(new CipTag(program, symbol.Name, await TypeAsync(symbol, cancellationToken).ConfigureAwait(false), Counted(symbol)));
        }

        await Tags.KeepAsync(cancellationToken).ConfigureAwait(false);
        tags.Sort((a, b) => string.Compare(a.Name, b.Name, StringComparison.OrdinalIgnoreCase));
        return tags;
    }

    /// <summary>Everything that is known of tags and structures is asked for anew when it is needed: after a download.</summary>
    public async Task ForgetTagsAsync(CancellationToken cancellationToken = default)
    {
        await Tags.ForgetAsync(cancellationToken).ConfigureAwait(false);
        await Templates.ForgetAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<TagScope> ScopeAsync(string? program, CancellationToken cancellationToken)
    {
        if (_options.IsPccc)
        {
            throw new CipException(CipFailure.Refused, $"a {Plc} has no list of tags: its data files are read by address, such as N7:0");
        }

        return await Tags.ScopeAsync(program, cancellationToken).ConfigureAwait(false);
    }

    private async Task<CipType> TypeAsync(SymbolInfo symbol, CancellationToken cancellationToken)
    {
        if (!symbol.IsStructure) return new CipType(IsBits(symbol) ? CipDataType.Bool : symbol.Code);
        var template = await Templates.GetAsync(symbol.Template, cancellationToken).ConfigureAwait(false);
        return new CipType(CipDataType.Structure, template?.Handle ?? 0) { Template = template };
    }

    private IReadOnlyList<int> Counted(SymbolInfo symbol) =>
        IsBits(symbol) ? [.. symbol.Dimensions.Select(d => d * 32)] : symbol.Dimensions;

    /// <summary>Only arrays of BOOL are DWORDs at Logix.</summary>
    private bool IsBits(SymbolInfo symbol) => IsLogix && symbol is { IsStructure: false, Code: CipDataType.Dword };
}
