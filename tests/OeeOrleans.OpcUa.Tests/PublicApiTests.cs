using System.Reflection;
using System.Text;
using OeeOrleans.TestServers;

namespace OeeOrleans.OpcUa.Tests;

/// <summary>What outsiders build on is listed in PublicApi.txt: a change of it is a decision. OEE_WRITE_DOCS=1 writes it anew.</summary>
public sealed class PublicApiTests
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    [Fact]
    public void The_public_API_is_the_listed_one()
    {
        var file = Path.Combine(Repository.Root, "src", "OeeOrleans.OpcUa", "PublicApi.txt");
        var api = List();
        if (Environment.GetEnvironmentVariable("OEE_WRITE_DOCS") == "1") File.WriteAllText(file, api);
        Assert.Equal(File.ReadAllText(file), api);
    }

    private static string List()
    {
        var text = new StringBuilder();
        foreach (var type in typeof(OpcUaClient).Assembly.GetExportedTypes().OrderBy(t => t.FullName, StringComparer.Ordinal))
        {
            text.Append(type.FullName).Append('\n');
            foreach (var member in type.GetMembers(Declared).Where(IsWritten).Select(Describe).Order(StringComparer.Ordinal))
            {
                text.Append("  ").Append(member).Append('\n');
            }
        }

        return text.ToString();
    }

    /// <summary>Not what the compiler makes of properties, events and records.</summary>
    private static bool IsWritten(MemberInfo member) => member switch
    {
        MethodInfo method => !method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal),
        _ => true,
    } && !member.Name.StartsWith('<');

    private static string Describe(MemberInfo member) => member switch
    {
        MethodInfo method => $"{method.Name}({Parameters(method)}) -> {method.ReturnType}",
        ConstructorInfo constructor => $"new({Parameters(constructor)})",
        PropertyInfo property => $"{property.Name}: {property.PropertyType}",
        FieldInfo field => $"{field.Name}: {field.FieldType}",
        EventInfo happening => $"event {happening.Name}: {happening.EventHandlerType}",
        _ => member.Name,
    };

    private static string Parameters(MethodBase method) =>
        string.Join(", ", method.GetParameters().Select(p => $"{p.ParameterType} {p.Name}"));
}
