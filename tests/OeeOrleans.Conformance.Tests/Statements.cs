using System.Collections;
using Xunit.Sdk;

namespace OeeOrleans.Conformance.Tests;

/// <summary>Which normative statements a class of tests proves.</summary>
internal interface IStatements
{
    IReadOnlyList<string> Ids { get; }
}

/// <summary>
/// Normative statements of Sparkplug 3.0.0 (by the ids of its TCK), each in our words and with an assertion of its own over the facts that
/// a scenario recorded.
/// </summary>
internal sealed class Statements<TFacts> : IStatements, IEnumerable
{
    private readonly Dictionary<string, (string Says, Action<TFacts> Holds)> _all = new(StringComparer.Ordinal);

    public IReadOnlyList<string> Ids => [.. _all.Keys];

    public TheoryData<string> Data => [.. _all.Keys];

    /// <param name="id">Without `tck-id-`.</param>
    /// <param name="says">What it demands.</param>
    /// <param name="holds">Throws when the facts are otherwise.</param>
    public void Add(string id, string says, Action<TFacts> holds) => _all.Add("tck-id-" + id, (says, holds));

    public void Check(string id, TFacts facts)
    {
        var (says, holds) = _all[id];
        try
        {
            holds(facts);
        }
        catch (Exception error)
        {
            throw new XunitException($"{id}: {says}{Environment.NewLine}{error.Message}", error);
        }
    }

    public IEnumerator GetEnumerator() => _all.GetEnumerator();
}
