using BenchmarkDotNet.Running;
using OeeOrleans.Benchmarks;
using OeeOrleans.Benchmarks.Scale;

// scale | soak | path | throughput | commit | latency | trend | timescale | memory | codec | fuzz | opcua | s7 | cip | access: whole
// systems, as ratios and medians.
// Anything else goes to BenchmarkDotNet.
return args.FirstOrDefault() switch
{
    "scale" => await ScaleBench.RunAsync(args[1..]),
    "soak" => await SoakBench.RunAsync(args[1..]),
    "path" => await PathBench.RunAsync(args[1..]),
    "throughput" => await Throughput.RunAsync(args[1..]),
    "commit" => await CommitLatencyBench.RunAsync(args[1..]),
    "trend" => await TrendBench.RunAsync(args[1..]),
    "timescale" => await TimescaleBench.RunAsync(args[1..]),
    "codec" => await CodecRace.RunAsync(),
    "fuzz" => Fuzz.Run(args[1..]),
    "memory" => AccountMemory.Run(args[1..]),
    "access" => await AccessBench.RunAsync(args[1..]),
    "cip" => await CipBench.RunAsync(args[1..]),
    "s7" => await S7Bench.RunAsync(args[1..]),
    "opcua" => await OpcUaBench.RunAsync(args[1..]),
    "latency" => await Latency.RunAsync(args[1..]),
    _ => Micro(args),
};

static int Micro(string[] args)
{
    BenchmarkSwitcher.FromAssembly(typeof(Throughput).Assembly).Run(args);
    return 0;
}
