using OeeOrleans.Model.Plant;

namespace OeeOrleans.Access.Grants;

/// <summary>What an identity may do, and where: its grants, laid over the asset tree. Does not change; safe for concurrent use.</summary>
public sealed class AccessScope
{
    private readonly AssetTree _tree;
    private readonly Dictionary<string, Permission> _byLine = new(StringComparer.Ordinal);
    private readonly HashSet<string> _administered = new(StringComparer.Ordinal);
    private readonly Permission _site;
    private readonly Permission _anywhere;

    public AccessScope(AssetTree tree, IReadOnlyList<Grant> grants)
    {
        _tree = tree;
        Grants = grants;
        foreach (var grant in grants)
        {
            var permissions = grant.Role.Permissions();
            // Of the role edge: its node is no asset.
            if (grant.Role == Role.Edge)
            {
                _anywhere |= permissions;
                continue;
            }

            if (!tree.IsNode(grant.At)) continue;
            _anywhere |= permissions;
            if (grant.At == tree.Site) _site |= permissions;
            if (grant.Role == Role.Admin) _administered.Add(grant.At);
            foreach (var line in tree.LinesBelow(grant.At))
            {
                _byLine[line.Id] = _byLine.GetValueOrDefault(line.Id) | permissions;
            }
        }

        Lines = [.. tree.Lines.Where(l => Allows(Permission.Look, l.Id))];
        MachineIds = [.. Lines.SelectMany(l => l.Machines).Select(m => m.Id)];
        IsWhole = (_site & Permission.Look) != 0;
    }

    public static AccessScope Nothing { get; } = new(
        new AssetTree(new PlantModel { Site = new Site("", "", "UTC") }), []);

    public IReadOnlyList<Grant> Grants { get; }

    /// <summary>Lines that may be looked at, in the order of the plant model.</summary>
    public IReadOnlyList<Line> Lines { get; }

    /// <summary>Machines that may be looked at, in the order of the plant model.</summary>
    public IReadOnlyList<string> MachineIds { get; }

    /// <summary>Everything may be looked at.</summary>
    public bool IsWhole { get; }

    /// <summary>Whether there is a place where this may be done.</summary>
    public bool Allows(Permission permission) => (_anywhere & permission) == permission;

    /// <summary>Whether this may be done at a line, or at a cell or machine of it; false also when there is no such asset.</summary>
    public bool Allows(Permission permission, string asset) => _tree.LineOf(asset) is { } line
        ? (_byLine.GetValueOrDefault(line) & permission) == permission
        : _tree.IsRetired(asset) && AllowsEverywhere(permission);

    /// <summary>Whether this may be done in the whole plant.</summary>
    public bool AllowsEverywhere(Permission permission) => (_site & permission) == permission;

    /// <summary>The asset exists for this identity.</summary>
    public bool Sees(string asset) => Allows(Permission.Look, asset);

    /// <summary>
    /// Whether this identity may give and take a grant: it is an administrator of the node or of one above it. Edge nodes belong to those
    /// who administer a line behind them, or the plant.
    /// </summary>
    public bool Administers(Grant grant)
    {
        if (_administered.Contains(_tree.Site)) return true;
        if (grant.Role == Role.Edge)
        {
            var lines = _tree.Lines.Where(l => l.Machines.Any(m => m.EdgeNode == grant.At)).ToList();
            return lines.Count > 0 && lines.TrueForAll(l => Allows(Permission.Administer, l.Id));
        }

        if (_administered.Contains(grant.At)) return true;
        // An area above a line; a site above both was looked at. A node that is gone belongs to the administrators of the plant.
        return grant.At != _tree.Site && _tree.LineOf(grant.At) is { } line && Allows(Permission.Administer, line);
    }
}
