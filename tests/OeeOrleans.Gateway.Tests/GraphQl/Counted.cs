using System.Collections.Concurrent;
using System.Reflection;

namespace OeeOrleans.Gateway.Tests.GraphQl;

/// <summary>Stands for an interface, counts what is asked of it, and answers as it is told.</summary>
public class Counted<T> : DispatchProxy
    where T : class
{
    private readonly ConcurrentDictionary<string, int> _calls = new();

    public Func<MethodInfo, object?[], object?> Answer { get; set; } = (m, _) => throw new NotSupportedException(m.Name);

    /// <summary>How often each method was called.</summary>
    public IReadOnlyDictionary<string, int> Calls => _calls;

    public int Total => _calls.Values.Sum();

    public T Object => (T)(object)this;

    public static Counted<T> New() => (Counted<T>)(object)Create<T, Counted<T>>();

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        _calls.AddOrUpdate(targetMethod!.Name, 1, (_, n) => n + 1);
        return Answer(targetMethod, args ?? []);
    }
}
