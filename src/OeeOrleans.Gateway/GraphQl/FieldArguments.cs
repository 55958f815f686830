using GraphQL;
using GraphQL.Builders;
using GraphQL.Types;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>Arguments that several fields have.</summary>
internal static class FieldArguments
{
    /// <summary>from and to.</summary>
    public static FieldBuilder<TSource, TReturn> Span<TSource, TReturn>(this FieldBuilder<TSource, TReturn> field) => field
        .Argument<TimeType>("from", a => a.Description = "ISO 8601.")
        .Argument<TimeType>("to", a => a.Description = "ISO 8601; default now.");

    /// <summary>first and after.</summary>
    public static FieldBuilder<TSource, TReturn> Paged<TSource, TReturn>(this FieldBuilder<TSource, TReturn> field) => field
        .Argument<IntGraphType>("first", a => a.Description = "How many at most.")
        .Argument<StringGraphType>("after", a => a.Description = "`next` of the page before.");

    /// <summary>Which stops.</summary>
    public static FieldBuilder<TSource, TReturn> Stops<TSource, TReturn>(this FieldBuilder<TSource, TReturn> field) => field
        .Description("Stops that overlap [from, to), newest first; default the last eight hours, at most 31 days.")
        .Argument<BooleanGraphType>("small", a =>
        {
            a.Description = "Short stops too.";
            a.DefaultValue = false;
        })
        .Argument<BooleanGraphType>("given", a => a.Description = "Only those that somebody explained (true) or nobody did (false).");
}
