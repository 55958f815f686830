using DbUp.Builder;
using DbUp.Engine;

namespace OeeOrleans.Storage.Sql;

/// <summary>
/// Runs numbered scripts that have not run yet, in the order of their numbers, each in a transaction. Which ran is in the table
/// `schemaversions`.
/// </summary>
internal static class SqlMigrations
{
    /// <param name="target">The database.</param>
    /// <param name="folders">Folders of `sql/` that concern it.</param>
    /// <returns>How many scripts ran.</returns>
    /// <exception cref="SchemaException">A script failed, or the database is of a later release.</exception>
    public static int Run(UpgradeEngineBuilder target, params string[] folders)
    {
        var engine = target.WithScripts(Scripts(folders)).WithTransactionPerScript().LogToNowhere().WithVariablesDisabled().Build();
        RefuseNewer(engine);
        var result = engine.PerformUpgrade();
        if (!result.Successful)
        {
            throw new SchemaException($"migration {result.ErrorScript?.Name} failed: {result.Error.Message}", result.Error);
        }

        return result.Scripts.Count();
    }

    private static IEnumerable<SqlScript> Scripts(string[] folders)
    {
        var assembly = typeof(SqlMigrations).Assembly;
        return assembly.GetManifestResourceNames()
            .Where(n => folders.Contains(n[..Math.Max(0, n.IndexOf('/', StringComparison.Ordinal))], StringComparer.Ordinal))
            .OrderBy(n => Path.GetFileName(n), StringComparer.Ordinal)
            .Select(
                (n, i) => new SqlScript(
                    n, new StreamReader(assembly.GetManifestResourceStream(n)!).ReadToEnd(),
                    new SqlScriptOptions { RunGroupOrder = i }));
    }

    /// <summary>An older program must not write to a schema it does not know.</summary>
    private static void RefuseNewer(UpgradeEngine engine)
    {
        var known = typeof(SqlMigrations).Assembly.GetManifestResourceNames().ToHashSet(StringComparer.Ordinal);
        var unknown = engine.GetExecutedScripts().Where(s => !known.Contains(s)).Order(StringComparer.Ordinal).ToList();
        if (unknown.Count == 0) return;
        throw new SchemaException(
            $"the database was migrated by a later release: {string.Join(", ", unknown)} is not known here; run that release, or "
                + $"restore a backup of before");
    }
}
