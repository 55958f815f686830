using OeeOrleans.Configuration;
using OeeOrleans.Host.Config;

namespace OeeOrleans.Host.Commands;

/// <summary>Loads a configuration for a verb; prints every problem when it cannot be used.</summary>
internal static class ConfigLoading
{
    public static async Task<OeeConfig?> LoadAsync(string path)
    {
        try
        {
            return ConfigFile.Load(path);
        }
        catch (ConfigException error)
        {
            foreach (var problem in error.Problems) await Console.Error.WriteLineAsync(problem.ToString());
            await Console.Error.WriteLineAsync($"{path}: {error.Problems.Count} problem{(error.Problems.Count == 1 ? "" : "s")}");
            return null;
        }
    }
}
