namespace OeeOrleans.Grains;

/// <summary>One Sparkplug edge node. Key: group/node. Its data comes over the stream of the same key.</summary>
[Alias("oee.IEdgeNodeGrain")]
public interface IEdgeNodeGrain : IGrainWithStringKey
{
    /// <summary>Hands a signed command to the node's broker. Null, or why it was not sent.</summary>
    /// <param name="device">Whose metric it is for.</param>
    /// <param name="signed">As <see cref="CommitProtocol.SignedCommand.Seal"/> made it.</param>
    [Alias("SendCommand")]
    Task<string?> SendCommand(string device, string signed);

    /// <summary>Hands the node's sources to its broker. Null, or why they were not sent; the same ones again within seconds are not.</summary>
    /// <param name="number">Theirs.</param>
    /// <param name="digest">Of what they say.</param>
    /// <param name="signed">As <see cref="CommitProtocol.SignedSources.Seal"/> made it.</param>
    [Alias("TellSources")]
    Task<string?> TellSources(long number, string digest, string signed);

    [Alias("GetStatus")]
    Task<EdgeNodes.EdgeNodeStatus> GetStatus();
}
