using GraphQL;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Model;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>What resolvers ask of their request.</summary>
internal static class Asking
{
    private const string HttpKey = "http";
    private const string CallerKey = "caller";

    public static Dictionary<string, object?> ContextOf(HttpContext http, Caller caller) =>
        new() { [HttpKey] = http, [CallerKey] = caller };

    public static Caller Caller(this IResolveFieldContext context) => (Caller)context.UserContext[CallerKey]!;

    public static HttpContext Http(this IResolveFieldContext context) => (HttpContext)context.UserContext[HttpKey]!;

    public static T Get<T>(this IResolveFieldContext context)
        where T : notnull => context.RequestServices!.GetRequiredService<T>();

    /// <summary>[from, to) of the arguments, microseconds.</summary>
    /// <exception cref="BadParameterException">It ends before it begins, or is longer than may be.</exception>
    public static (long FromUs, long ToUs) Span(this IResolveFieldContext context, long defaultLengthUs, long maxUs = long.MaxValue)
    {
        // One instant for all of a question, so that what is read together is asked for alike.
        var to = context.Time("to") ?? context.Get<PlantLoads>().NowUs;
        var from = context.Time("from") ?? to - defaultLengthUs;
        Parameters.InOrder(from, to);
        Parameters.CheckLength(from, to, maxUs);
        return (from, to);
    }

    public static long? Time(this IResolveFieldContext context, string name) =>
        context.GetArgument<DateTimeOffset?>(name) is { } time ? UnixMicros.From(time) : null;

    /// <summary>How many at most.</summary>
    /// <exception cref="BadParameterException">More than there may be.</exception>
    public static int First(this IResolveFieldContext context, int otherwise, int max)
    {
        var first = context.GetArgument<int?>("first") ?? otherwise;
        return first >= 1 && first <= max
            ? first
            : throw new BadParameterException("first", $"'first' is {first}; 1 to {max} is possible");
    }
}
