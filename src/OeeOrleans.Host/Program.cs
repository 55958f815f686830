using System.CommandLine;
using OeeOrleans.Host.Commands;
using OeeOrleans.Host.Hosting;

MetricsSetup.Configure();
var root = new RootCommand("oee: machine state, faults and OEE from Sparkplug B, live and over history")
{
    DemoCommand.Create(),
    RunCommand.Create(),
    CheckCommand.Create(),
    CapacityCommand.Create(),
    MigrateCommand.Create(),
    UserCommand.Create(),
    KeyCommand.Create(),
    AuditCommand.Create(),
    AclCommand.Create(),
    ReplayCommand.Create(),
    SparkplugCommand.Create(),
    TagsCommand.Create(),
    LoadCommand.Create(),
};
var parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors) await Console.Error.WriteLineAsync($"oee: {error.Message}");
    await Console.Error.WriteLineAsync("oee: run 'oee --help' for the verbs and 'oee VERB --help' for their options");
    return ExitCode.WrongUsage;
}

// The host ends on Ctrl-C by itself, in good order; the command line must not cut it short.
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = true });
