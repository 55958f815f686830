namespace OeeOrleans.Grains;

/// <summary>
/// Sees that every machine of the plant lives somewhere in the cluster, also one that says nothing. One per plant; key 0.
/// </summary>
[Alias("oee.IKeeperGrain")]
public interface IKeeperGrain : IGrainWithIntegerKey
{
    /// <summary>Wakes whatever is not awake; called when a silo came or went, and by a reminder.</summary>
    [Alias("Look")]
    Task Look();
}

/// <summary>Publishes the plant's results as a Sparkplug edge node, once in the cluster. Key 0.</summary>
[Alias("oee.IResultsGrain")]
public interface IResultsGrain : IGrainWithIntegerKey
{
    /// <summary>Starts it where it does not run.</summary>
    [Alias("Ensure")]
    Task Ensure();
}
