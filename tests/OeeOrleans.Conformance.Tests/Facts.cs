namespace OeeOrleans.Conformance.Tests;

/// <summary>Checks over recorded facts.</summary>
internal static class Facts
{
    /// <summary>Holds for each, and there is one: of nothing everything would be true.</summary>
    public static void Each<T>(IEnumerable<T> facts, Action<T> holds)
    {
        var all = facts.ToList();
        Assert.NotEmpty(all);
        Assert.All(all, holds);
    }
}
