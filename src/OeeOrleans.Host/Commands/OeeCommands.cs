using System.CommandLine;

namespace OeeOrleans.Host.Commands;

/// <summary>Every verb of `oee`.</summary>
internal static class OeeCommands
{
    public static RootCommand Create() => new("oee: machine state, faults and OEE from Sparkplug B, live and over history")
    {
        DemoCommand.Create(),
        RunCommand.Create(),
        CheckCommand.Create(),
        CapacityCommand.Create(),
        MigrateCommand.Create(),
        ConfigCommand.Create(),
        UserCommand.Create(),
        KeyCommand.Create(),
        CommandsCommand.Create(),
        AuditCommand.Create(),
        AclCommand.Create(),
        ReplayCommand.Create(),
        SparkplugCommand.Create(),
        TagsCommand.Create(),
        LoadCommand.Create(),
    };
}
