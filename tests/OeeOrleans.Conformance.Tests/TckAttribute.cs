using System.Reflection;
using Xunit.Sdk;

namespace OeeOrleans.Conformance.Tests;

/// <summary>The normative statements of Sparkplug 3.0.0 that a test proves: one run for each, so that every one of them is in the test's name.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TckAttribute(params string[] ids) : DataAttribute
{
    public IReadOnlyList<string> Ids => [.. ids.Select(i => "tck-id-" + i)];

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => Ids.Select(i => new object[] { i });
}
