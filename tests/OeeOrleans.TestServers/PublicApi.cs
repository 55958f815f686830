using System.Reflection;
using System.Text;

namespace OeeOrleans.TestServers;

/// <summary>What outsiders build on, as text: a change of it is a decision.</summary>
public static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>The list in the repository and the one of the assembly; OEE_WRITE_DOCS=1 writes it anew before.</summary>
    public static (string Listed, string Found) Compare(Assembly assembly)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        var file = Path.Combine(Repository.Root, "src", assembly.GetName().Name!, "PublicApi.txt");
        var found = Of(assembly);
        if (Environment.GetEnvironmentVariable("OEE_WRITE_DOCS") == "1") File.WriteAllText(file, found);
        return (File.ReadAllText(file), found);
    }

    private static string Of(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().OrderBy(t => t.FullName, StringComparer.Ordinal))
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
