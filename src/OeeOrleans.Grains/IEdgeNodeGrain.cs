namespace OeeOrleans.Grains;

/// <summary>One Sparkplug edge node. Key: group/node. Its data comes over the stream of the same key.</summary>
[Alias("oee.IEdgeNodeGrain")]
public interface IEdgeNodeGrain : IGrainWithStringKey
{
    [Alias("GetStatus")]
    Task<EdgeNodes.EdgeNodeStatus> GetStatus();
}
