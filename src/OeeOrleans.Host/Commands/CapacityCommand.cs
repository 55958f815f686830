using System.CommandLine;
using System.Globalization;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee capacity --machines N ...`: cores, memory, commits and disk that a plant will take; starts nothing.</summary>
internal static class CapacityCommand
{
    private const int MachinesPerNode = 10;
    private const double SecondsPerMessage = 2;

    public static Command Create()
    {
        var machines = new Option<long>("--machines") { Description = "machines of the plant", Required = true };
        var nodes = new Option<long?>("--edge-nodes") { Description = $"edge nodes they are on; one for {MachinesPerNode} machines" };
        var messages = new Option<double?>("--messages")
        {
            Description = $"messages a second, all together; one in {SecondsPerMessage:0} s of each machine",
        };
        var metrics = new Option<double>("--metrics") { Description = "values in a message", DefaultValueFactory = _ => 5 };
        var command = new Command("capacity", "estimates cores, memory, commits and disk of a plant; starts nothing")
        {
            machines, nodes, messages, metrics,
        };
        command.SetAction(async (parsed, _) =>
        {
            var count = parsed.GetRequiredValue(machines);
            var capacity = new Capacity(
                count,
                parsed.GetValue(nodes) ?? Math.Max(1, (count + MachinesPerNode - 1) / MachinesPerNode),
                parsed.GetValue(messages) ?? (count / SecondsPerMessage),
                parsed.GetValue(metrics));
            var mistakes = capacity.Validate().ToList();
            foreach (var mistake in mistakes) await Console.Error.WriteLineAsync($"oee: {mistake}");
            if (mistakes.Count > 0) return ExitCode.WrongUsage;
            await Console.Out.WriteLineAsync(TextOf(capacity));
            return ExitCode.Success;
        });
        return command;
    }

    public static string TextOf(Capacity plant) => string.Create(CultureInfo.InvariantCulture,
        $"""
        {plant.Machines:#,0} machines on {plant.EdgeNodes:#,0} edge nodes
        {plant.MessagesPerS:#,0.#} messages/s, {plant.ValuesPerS:#,0.#} values/s

        oee         {plant.Cores,8:0.00} cores
        PostgreSQL  {plant.PostgresCores,8:0.00} cores
        broker      {plant.BrokerCores,8:0.00} cores
        memory      {plant.MemoryMb,8:0} MB of oee; {plant.BacklogMemoryMb:0} MB while the store is slower than the broker
        commits     {plant.CommitsPerS,8:0.#} a second, one fsync each
        disk        {plant.DiskGbPerDay,8:0.##} GB a day; {plant.CompressedGbPerDay:0.##} GB where TimescaleDB has compressed it

        From figures of one machine (docs/performance.md), averages without peaks: plan for twice as much.
        """);
}
