namespace OeeOrleans.Host.Hosting;

/// <summary>What this process does.</summary>
public readonly record struct Roles(bool Ingress, bool Grains, bool Gateway, bool Edge)
{
    public static Roles All => new(true, true, true, false);

    public static Roles Parse(string[]? names) => names is null or { Length: 0 }
        ? All
        : new Roles(names.Contains("ingress"), names.Contains("grains"), names.Contains("gateway"), names.Contains("edge"));
}
