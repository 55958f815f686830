using System.CommandLine;
using OeeOrleans.Host.Commands;
using OeeOrleans.Host.Hosting;

MetricsSetup.Configure();
var parsed = OeeCommands.Create().Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors) await Console.Error.WriteLineAsync($"oee: {error.Message}");
    await Console.Error.WriteLineAsync("oee: run 'oee --help' for the verbs and 'oee VERB --help' for their options");
    return ExitCode.WrongUsage;
}

// The host ends on Ctrl-C by itself, in good order; the command line must not cut it short.
return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = true });
