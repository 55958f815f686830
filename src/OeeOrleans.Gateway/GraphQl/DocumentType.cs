using System.Reflection;
using GraphQL;
using GraphQL.Types;
using OeeOrleans.Gateway.Api;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>A document of the REST API as a type here: the same members, under the same names, as its record has them.</summary>
internal sealed class DocumentType<T> : AutoRegisteringObjectGraphType<T>
{
    public DocumentType() => Name = NameOf(typeof(T));

    /// <summary>The record's name without `Document`; a page of it is `...Page`.</summary>
    internal static string NameOf(Type type)
    {
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Page<>)) return NameOf(type.GenericTypeArguments[0]) + "Page";
        return type.Name.EndsWith("Document", StringComparison.Ordinal) ? type.Name[..^"Document".Length] : type.Name;
    }

    /// <summary>Data only: what a record makes of itself is no field.</summary>
    protected override IEnumerable<MemberInfo> GetRegisteredMembers() =>
        typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.Name != "EqualityContract");
}
