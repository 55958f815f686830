using OeeOrleans.CommitProtocol;
using OeeOrleans.Configuration;
using OeeOrleans.Grains.EdgeNodes;

namespace OeeOrleans.Commands;

/// <summary>How far an edge node is with the sources that the plant gives it.</summary>
/// <param name="Name">`read`, `refused`, `waiting` (it was not heard of since), `offline`, or `deaf`: it takes none.</param>
/// <param name="Problem">Why it refused them, or what must be done for it to take any; null: nothing.</param>
public sealed record SourceState(string Name, string? Problem)
{
    public const string Read = "read";
    public const string Refused = "refused";
    public const string Waiting = "waiting";
    public const string Offline = "offline";
    public const string Deaf = "deaf";

    /// <param name="node">As it is.</param>
    /// <param name="wanted">What it is to read (<see cref="PlantSources"/>).</param>
    public static SourceState Of(EdgeNodeStatus node, string wanted)
    {
        if (node.Sources is not { } told)
        {
            return new SourceState(
                Deaf,
                node.Online || node.Devices.Length > 0
                    ? "it takes no sources of the plant: it is none of ours, or its file says plant_sources: false"
                    : "it was never heard of");
        }

        var digest = SignedSources.DigestOf(wanted);
        // Also when it reads them, and refused others since: it is to forget those.
        if (told.Digest == digest && told.Refused is null) return new SourceState(Read, null);
        if (told.Refused == digest) return new SourceState(Refused, told.Problem);
        return node.Online
            ? new SourceState(Waiting, "it is told; when that stays so, it may not know this host's key (edge.command_keys)")
            : new SourceState(Offline, "it is told when it is there again");
    }
}
