using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

public sealed class CommandLineTests
{
    [Fact]
    public async Task Check_names_all_five_mistakes_with_their_lines_and_exits_2()
    {
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file,
            """
            site: { id: berlin, name: Berlin, time_zone: Europe/Atlantis }
            calendars:
              - id: two
                shifts:
                  - { name: early, start: "6 o'clock", end: "14:00" }
            areas:
              - id: area1
                lines:
                  - id: line1
                    oee: { policy: bottleneck, machine: nobody }
                    machines:
                      - { id: m1, ideal_cycle_s: fast }
                      - { id: m2, micro_stop: 5 }
            """);
        await using var process = ServerProcess.Start("dotnet", [Oee.Program, "check", "--config", file]);
        await process.WaitForExitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(2, process.ExitCode);
        foreach (var (line, words) in new[]
        {
            (1, "Europe/Atlantis"), (5, "6 o'clock"), (10, "nobody"), (12, "fast"), (13, "micro_stop_s"),
        })
        {
            Assert.Contains(
                process.Output.Split('\n'),
                l => l.StartsWith($"{file}:{line}:", StringComparison.Ordinal) && l.Contains(words, StringComparison.Ordinal));
        }

        File.Delete(file);
    }

    [Theory]
    [InlineData(0, "sparkplug", "decode", "--hex", "088098aee9b83312070a0161200150001807")]
    [InlineData(1, "sparkplug", "decode", "--hex", "08")]
    [InlineData(2, "sparkplug", "decode", "--hex", "zz")]
    [InlineData(2, "sparkplug", "decode")]
    [InlineData(2, "no-such-verb")]
    [InlineData(2, "run")]
    [InlineData(2, "run", "--config", "/no/such/file.yaml")]
    [InlineData(2, "load", "--broker", "mqtt://127.0.0.1", "--nodes", "0")]
    [InlineData(2, "demo", "--urls", "http://0.0.0.0:8080")]
    [InlineData(0, "--help")]
    public async Task Exit_codes_are_those_of_the_contract(int code, params string[] arguments)
    {
        await using var process = ServerProcess.Start("dotnet", [Oee.Program, .. arguments]);
        await process.WaitForExitAsync(TimeSpan.FromSeconds(30));
        Assert.True(code == process.ExitCode, $"exit {process.ExitCode}: {process.Output}");
    }
}
