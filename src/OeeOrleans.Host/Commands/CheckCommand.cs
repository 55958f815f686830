using System.CommandLine;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee check --config plant.yaml`: every problem with file and line; starts nothing.</summary>
internal static class CheckCommand
{
    public static Command Create()
    {
        var config = new Option<string>("--config") { Description = "plant.yaml", Required = true };
        var command = new Command("check", "validates a configuration; every problem with file and line; starts nothing") { config };
        command.SetAction(async (parsed, _) =>
        {
            var path = parsed.GetRequiredValue(config);
            if (await ConfigLoading.LoadAsync(path) is not { } loaded) return ExitCode.WrongUsage;
            await Console.Out.WriteLineAsync(
                $"{path}: fine, {loaded.Plant.Lines.Count()} lines, {loaded.Plant.Machines.Count()} machines, "
                    + $"{loaded.Plant.Calendars.Count} calendars");
            return ExitCode.Success;
        });
        return command;
    }
}
