using GraphQL;
using GraphQL.Execution;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OeeOrleans.Gateway.Api;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>Adds GraphQL, and what a question may cost.</summary>
internal static class GraphQlSetup
{
    /// <summary>Characters of a question.</summary>
    public const int MaxLength = 32_000;

    /// <summary>Members of a question, those of its fragments wherever they are used.</summary>
    public const int MaxMembers = 2_000;

    /// <summary>Members within members.</summary>
    public const int MaxDepth = 20;

    /// <summary>A member costs 1, what is computed for itself more, and what is in a list as often as a list is long, supposedly.</summary>
    public const int MaxComplexity = 20_000;

    private const int ListLength = 20;

    public static void Add(IServiceCollection services)
    {
        GlobalSwitches.EnableReadDescriptionFromXmlDocumentation = true;
        services.AddScoped<PlantLoads>();
        services.AddSingleton<GraphQlRunner>();
        services.AddGraphQL(builder => builder
            .AddSchema<OeeSchema>()
            .AddGraphTypes(typeof(OeeSchema).Assembly)
            .AddSystemTextJson()
            .AddComplexityAnalyzer(limits =>
            {
                (limits.MaxDepth, limits.MaxComplexity) = (MaxDepth, MaxComplexity);
                limits.DefaultListImpactMultiplier = ListLength;
            })
            .AddUnhandledExceptionHandler(Translate));
    }

    /// <summary>The words of the REST API, and its titles as codes.</summary>
    private static void Translate(UnhandledExceptionContext context)
    {
        if (context.OriginalException is LiveEndedException ended)
        {
            context.Exception = new ExecutionError(ended.Message) { Code = "ENDED" };
            return;
        }

        var http = context.FieldContext?.Http();
        if (http is null || context.OriginalException is OperationCanceledException) return;
        var problem = ApiConventions.Of(context.OriginalException, http);
        if (problem.Status == 500)
        {
            var log = http.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(GraphQlSetup));
            Log.RequestFailed(log, $"{http.Request.Path} {context.FieldContext!.FieldDefinition.Name}", context.OriginalException);
        }

        if (problem.Status == 403) ApiConventions.NoteRefusal(http);
        context.Exception = ErrorOf(problem);
    }

    private static ExecutionError ErrorOf(ProblemDetails problem)
    {
        var error = new ExecutionError(problem.Detail ?? problem.Title ?? "")
        {
            Code = problem.Title?.ToUpperInvariant().Replace(' ', '_').Replace('-', '_'),
            Extensions = new Dictionary<string, object?>(problem.Extensions) { ["status"] = problem.Status },
        };
        return error;
    }
}
