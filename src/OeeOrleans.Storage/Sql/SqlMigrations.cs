using DbUp.Builder;
using DbUp.Engine;

namespace OeeOrleans.Storage.Sql;

/// <summary>Runs the numbered scripts of one engine that have not run yet, each in a transaction.</summary>
internal static class SqlMigrations
{
    /// <returns>How many scripts ran.</returns>
    public static int Run(UpgradeEngineBuilder target, string engine)
    {
        var assembly = typeof(SqlMigrations).Assembly;
        var scripts = assembly.GetManifestResourceNames()
            .Where(n => n.StartsWith(engine + "/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(n => new SqlScript(n, new StreamReader(assembly.GetManifestResourceStream(n)!).ReadToEnd()));
        var result = target.WithScripts(scripts).WithTransactionPerScript().LogToNowhere().WithVariablesDisabled().Build().PerformUpgrade();
        if (!result.Successful) throw new InvalidOperationException($"migration {result.ErrorScript?.Name} failed: {result.Error.Message}", result.Error);
        return result.Scripts.Count();
    }
}
