using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace OeeOrleans.Conformance.Tests;

/// <summary>A scenario that proves many statements runs once; every statement's run has its outcome.</summary>
internal static class Once
{
    private static readonly ConcurrentDictionary<string, Lazy<Task>> Runs = new();

    public static Task RunAsync(Func<Task> scenario, [CallerMemberName] string name = "") => Runs.GetOrAdd(name, _ => new Lazy<Task>(scenario)).Value;
}
