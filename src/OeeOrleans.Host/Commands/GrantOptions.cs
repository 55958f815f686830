using System.CommandLine;
using OeeOrleans.Access;
using OeeOrleans.Access.Grants;

namespace OeeOrleans.Host.Commands;

/// <summary>`--role R [--at ASSET]`, as often as there are grants: the n-th `--at` belongs to the n-th `--role`.</summary>
internal sealed class GrantOptions
{
    private readonly Option<string[]> _roles = new("--role")
    {
        Description = string.Join(", ", RoleNames.All) + "; may be given again for another place", Required = true,
    };

    private readonly Option<string[]> _at = new("--at")
    {
        Description = "the site (default), an area or a line; of the role edge the edge node, group/node",
    };

    public GrantOptions() => _roles.AcceptOnlyFromAmong([.. RoleNames.All]);

    public Command On(Command command)
    {
        command.Add(_roles);
        command.Add(_at);
        return command;
    }

    /// <exception cref="AccessInputException">There are more places than roles, or an edge without its node.</exception>
    public List<Grant> Read(ParseResult parsed, AssetTree tree)
    {
        var roles = parsed.GetRequiredValue(_roles);
        var places = parsed.GetValue(_at) ?? [];
        if (places.Length > 1 && places.Length != roles.Length)
        {
            throw new AccessInputException("at", "as many --at as --role are needed, in the same order, or one for all of them");
        }

        return [.. roles.Select((name, i) => Grant(name, places.Length switch { 0 => null, 1 => places[0], _ => places[i] }, tree))];
    }

    private static Grant Grant(string name, string? at, AssetTree tree)
    {
        RoleNames.TryParse(name, out var role);
        if (role == Role.Edge && at is null)
        {
            throw new AccessInputException("at", "the role edge is given at an edge node: --at group/node");
        }

        return new Grant(role, at ?? tree.Site);
    }
}
