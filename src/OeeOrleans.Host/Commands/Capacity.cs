namespace OeeOrleans.Host.Commands;

/// <summary>
/// What a plant will take, from what was measured (docs/performance.md): a core is one of the machine that was measured on, a shared one of
/// an AMD EPYC or an Intel Xeon. Everything is linear in what causes it; nothing here knows of peaks, so whoever plans doubles it.
/// </summary>
/// <param name="Machines">Machines.</param>
/// <param name="EdgeNodes">Edge nodes they are on.</param>
/// <param name="MessagesPerS">Messages a second, all together.</param>
/// <param name="MetricsPerMessage">Values in one message.</param>
internal sealed record Capacity(long Machines, long EdgeNodes, double MessagesPerS, double MetricsPerMessage)
{
    /// <summary>Of a process with nothing to do but its pulse.</summary>
    private const double IdleCores = 0.08;

    /// <summary>A delivery to an edge node, with what it brings to a machine and the commit's share: two calls and their answers.</summary>
    private const double DeliveryS = 110e-6;

    /// <summary>From socket to COPY.</summary>
    private const double ValueS = 1.1e-6;
    private const double PostgresValueS = 3e-6;
    private const double PostgresCommitS = 1e-3;
    private const double BrokerMessageS = 25e-6;

    /// <summary>What comes for one edge node within 200 ms is one delivery.</summary>
    private const double MaxDeliveriesPerS = 5;

    /// <summary>Two writers, each with a group or two of what was read together.</summary>
    private const double MaxCommitsPerS = 20;

    private const double IdleMb = 260;
    private const double MachineMb = 0.07;

    /// <summary>Messages that wait when the broker is faster than the store: 65,535 of some hundred bytes, and their rows.</summary>
    private const double BacklogMb = 250;

    private const double RowBytes = 100;
    private const double CompressedRowBytes = 7;
    private const double SecondsPerDay = 86_400;

    public double ValuesPerS => MessagesPerS * MetricsPerMessage;

    /// <summary>Cores of `oee`.</summary>
    public double Cores => IdleCores + (DeliveriesPerS * DeliveryS) + (ValuesPerS * ValueS);

    public double PostgresCores => (ValuesPerS * PostgresValueS) + (CommitsPerS * PostgresCommitS);

    public double BrokerCores => MessagesPerS * BrokerMessageS;

    public double MemoryMb => IdleMb + (Machines * MachineMb);

    public double BacklogMemoryMb => MemoryMb + BacklogMb;

    /// <summary>Writes that the disk must confirm.</summary>
    public double CommitsPerS => Math.Min(MessagesPerS, MaxCommitsPerS);

    public double DiskGbPerDay => ValuesPerS * SecondsPerDay * RowBytes / 1e9;

    public double CompressedGbPerDay => ValuesPerS * SecondsPerDay * CompressedRowBytes / 1e9;

    private double DeliveriesPerS => Math.Min(MessagesPerS, EdgeNodes * MaxDeliveriesPerS);

    /// <summary>One sentence per mistake.</summary>
    public IEnumerable<string> Validate()
    {
        if (Machines is < 1 or > 10_000_000) yield return $"--machines is {Machines}; 1..10000000 is possible";
        var mostNodes = Math.Max(1, Machines);
        if (EdgeNodes < 1 || EdgeNodes > mostNodes) yield return $"--edge-nodes is {EdgeNodes}; 1..{mostNodes} (one a machine) is possible";
        if (!(MessagesPerS is >= 0 and <= 1e8)) yield return $"--messages is {MessagesPerS}; 0..100000000 a second is possible";
        if (!(MetricsPerMessage is > 0 and <= 1e6)) yield return $"--metrics is {MetricsPerMessage}; above 0, up to 1000000 is possible";
    }
}
