using System.CommandLine;
using OeeOrleans.Host.Commands;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>
/// No verb of `oee` speaks to a gateway; those that speak to a store, broker or PLC come in with what that one asks for, and a verb that
/// nobody has thought about makes this fail.
/// </summary>
public sealed class CommandDoorTests
{
    /// <summary>Verb, and the option that says what it comes in with; null: it speaks to nobody.</summary>
    private static readonly Dictionary<string, string?> Doors = new()
    {
        ["demo"] = null,
        ["run"] = "--config",
        ["check"] = null,
        ["capacity"] = null,
        ["migrate"] = "--store-file",
        ["config export"] = "--config",
        ["config import"] = "--config",
        ["config diff"] = "--config",
        ["config log"] = "--config",
        ["config rollback"] = "--config",
        ["user add"] = "--config",
        ["user list"] = "--config",
        ["user disable"] = "--config",
        ["user enable"] = "--config",
        ["user password"] = "--config",
        ["user grant"] = "--config",
        ["key create"] = "--config",
        ["key list"] = "--config",
        ["key revoke"] = "--config",
        ["commands key"] = "--config",
        ["commands renew-key"] = "--config",
        ["audit verify"] = "--config",
        ["audit export"] = "--config",
        ["acl export"] = "--config",
        ["replay"] = "--config",
        ["sparkplug decode"] = null,
        ["sparkplug watch"] = "--password-file",
        ["tags browse"] = "--password-file",
        ["tags read"] = "--password-file",
        ["tags write"] = "--password-file",
        ["tags watch"] = "--password-file",
        ["tags propose"] = "--password-file",
        // User and password of the broker stand in its URL.
        ["load"] = "--broker",
    };

    [Fact]
    public void Every_verb_says_what_it_comes_in_with()
    {
        var leaves = Leaves(OeeCommands.Create(), "").ToDictionary(l => l.Name, l => l.Command);
        Assert.Equal(Doors.Keys.Order(StringComparer.Ordinal), leaves.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, option) in Doors)
        {
            if (option is not null) Assert.Contains(leaves[name].Options, o => o.Name == option);
        }
    }

    private static IEnumerable<(string Name, Command Command)> Leaves(Command command, string path) => command.Subcommands.Count == 0
        ? [(path, command)]
        : command.Subcommands.SelectMany(c => Leaves(c, path.Length == 0 ? c.Name : $"{path} {c.Name}"));
}
