namespace OeeOrleans.Host.Hosting;

/// <summary>What this process does.</summary>
public readonly record struct Roles(bool Ingress, bool Grains, bool Gateway, bool Edge)
{
    public static Roles All => new(true, true, true, false);

    /// <summary>An edge node and nothing else: no silo, no store.</summary>
    public bool EdgeOnly => Edge && !Ingress && !Grains && !Gateway;

    /// <summary>Hosts grains. A queue may be given to any silo, so every silo has ingress.</summary>
    public bool Silo => Ingress || Grains;

    /// <summary>The roles asked for; without any, all that the configuration has something for.</summary>
    public static Roles Parse(string[]? names, bool hasEdge) => names is null or { Length: 0 }
        ? All with { Edge = hasEdge }
        : new Roles(
            names.Contains("ingress") || names.Contains("grains"), names.Contains("ingress") || names.Contains("grains"),
            names.Contains("gateway"), names.Contains("edge"));
}
