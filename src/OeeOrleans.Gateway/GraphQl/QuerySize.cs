using GraphQLParser;
using GraphQLParser.AST;
using GraphQLParser.Exceptions;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>
/// How many members a question has when every fragment stands where it is used. Known before anything else looks at the question: fragments
/// of fragments double with every line, and what follows them one by one would never end.
/// </summary>
internal static class QuerySize
{
    private const long Most = 1_000_000_000;

    /// <summary>The largest operation's members; null: it cannot be read, which is for others to say.</summary>
    public static long? Of(string query)
    {
        try
        {
            var document = Parser.Parse(query);
            var fragments = new Dictionary<string, GraphQLFragmentDefinition>(StringComparer.Ordinal);
            foreach (var f in document.Definitions.OfType<GraphQLFragmentDefinition>()) fragments[f.FragmentName.Name.StringValue] = f;
            var known = new Dictionary<string, long>(StringComparer.Ordinal);
            return document.Definitions.OfType<GraphQLOperationDefinition>()
                .Select(o => Count(o.SelectionSet, fragments, known)).DefaultIfEmpty(0).Max();
        }
        catch (GraphQLParserException)
        {
            return null;
        }
    }

    private static long Count(
        GraphQLSelectionSet? set, Dictionary<string, GraphQLFragmentDefinition> fragments, Dictionary<string, long> known)
    {
        var count = 0L;
        foreach (var selection in set?.Selections ?? [])
        {
            count += 1 + selection switch
            {
                GraphQLField field => Count(field.SelectionSet, fragments, known),
                GraphQLInlineFragment inline => Count(inline.SelectionSet, fragments, known),
                GraphQLFragmentSpread spread => Count(spread.FragmentName.Name.StringValue, fragments, known),
                _ => 0,
            };
        }

        return Math.Min(count, Most);
    }

    /// <summary>Each fragment is counted once. A circle counts nothing here, and is refused for being one.</summary>
    private static long Count(string name, Dictionary<string, GraphQLFragmentDefinition> fragments, Dictionary<string, long> known)
    {
        if (known.TryGetValue(name, out var count) || !fragments.TryGetValue(name, out var fragment)) return count;
        known[name] = 0;
        return known[name] = Count(fragment.SelectionSet, fragments, known);
    }
}
