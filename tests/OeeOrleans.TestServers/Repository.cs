namespace OeeOrleans.TestServers;

/// <summary>Where this repository stands, from anywhere in its build output.</summary>
public static class Repository
{
    public static string Root { get; } = Find();

    /// <summary>The program as built in the configuration of the tests.</summary>
    public static string Oee =>
        Path.Combine(Root, "src", "OeeOrleans.Host", "bin", new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name, "net10.0", "oee.dll");

    private static string Find()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "OeeOrleans.sln"))) directory = directory.Parent;
        return directory?.FullName ?? throw new DirectoryNotFoundException("OeeOrleans.sln is in no folder above the tests");
    }
}
