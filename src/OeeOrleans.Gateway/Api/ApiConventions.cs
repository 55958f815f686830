using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.OpenApi;
using OeeOrleans.Access;
using OeeOrleans.Access.Audit;
using OeeOrleans.Access.Grants;
using OeeOrleans.Commands;
using OeeOrleans.Configuration;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Api;

/// <summary>What all answers have in common: snake_case, times as ISO 8601 UTC, errors as problem details (RFC 9457).</summary>
internal static class ApiConventions
{
    public static void Apply(JsonSerializerOptions json)
    {
        json.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        json.DictionaryKeyPolicy = null;
        json.Converters.Add(new UtcTimeConverter());
    }

    /// <summary>Names the query parameters that a handler reads itself, for the OpenAPI document.</summary>
    public static RouteHandlerBuilder WithQuery(this RouteHandlerBuilder route, params (string Name, string Description)[] parameters) =>
        route.AddOpenApiOperationTransformer((operation, _, _) =>
    {
        operation.Parameters ??= [];
        foreach (var (name, description) in parameters)
        {
            var parameter = new OpenApiParameter
            {
                Name = name,
                In = ParameterLocation.Query,
                Description = description,
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            };
            OpenApiSetup.Describe(parameter);
            operation.Parameters.Add(parameter);
        }

        return Task.CompletedTask;
    });

    public static void UseProblems(this WebApplication app) => app.UseExceptionHandler(errors => errors.Run(async context =>
    {
        var error = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        var problem = Of(error, context);
        if (problem.Status == 500 && error is not null) Log.RequestFailed(app.Logger, context.Request.Path, error);
        if (problem.Status == 503) context.Response.Headers.RetryAfter = "5";
        if (problem.Status == 403) NoteRefusal(context);
        await WriteAsync(context, problem);
    }));

    /// <summary>What a caller is told of an error; of our own bugs nothing but that there is one.</summary>
    internal static ProblemDetails Of(Exception? error, HttpContext context) => error switch
    {
        BadParameterException bad =>
            new ProblemDetails
            {
                Status = 400, Title = "Bad parameter", Detail = bad.Message, Extensions = { ["parameter"] = bad.Parameter },
            },
        BadHttpRequestException bad => new ProblemDetails { Status = bad.StatusCode, Title = "Bad request", Detail = bad.Message },
        AccessInputException bad =>
            new ProblemDetails
            {
                Status = 400, Title = "Bad parameter", Detail = bad.Message, Extensions = { ["parameter"] = bad.Input },
            },
        ForbiddenException or AccessDeniedException =>
            new ProblemDetails { Status = 403, Title = "Not allowed", Detail = error.Message },
        EditException edit => OfEdit(edit),
        CommandException command => OfCommand(command),
        ConfigException config => OfEdit(new EditException(
            EditFailure.Invalid, config.Message, [.. config.Problems.Select(p => new EditProblem("", p.Pointer ?? "", p.Message))])),
        PendingModelException pending => new ProblemDetails { Status = 409, Title = "Conflict", Detail = pending.Message },
        PreconditionRequiredException => new ProblemDetails { Status = 428, Title = "If-Match is missing", Detail = error.Message },
        NotFoundException missing => new ProblemDetails { Status = 404, Title = "Not found", Detail = missing.Message },
        StoreUnavailableException away =>
            new ProblemDetails { Status = 503, Title = "The store is away", Detail = For(context, away.Message) },
        Orleans.Runtime.OrleansException moved =>
            new ProblemDetails { Status = 503, Title = "Moving to another silo", Detail = For(context, moved.Message) },
        TimeoutException late => new ProblemDetails { Status = 503, Title = "No answer in time", Detail = late.Message },
        _ => new ProblemDetails { Status = 500, Title = "Internal error", Detail = "the request failed; the log says why" },
    };

    private static ProblemDetails OfCommand(CommandException error) => error.Refusal switch
    {
        CommandRefusal.Input => new ProblemDetails
        {
            Status = 400, Title = "Bad parameter", Detail = error.Message, Extensions = { ["parameter"] = error.Input },
        },
        CommandRefusal.Missing => new ProblemDetails { Status = 404, Title = "Not found", Detail = error.Message },
        CommandRefusal.NotAllowed => new ProblemDetails { Status = 403, Title = "Not allowed", Detail = error.Message },
        _ => new ProblemDetails { Status = 409, Title = "Conflict", Detail = error.Message },
    };

    /// <summary>What an edit of the plant is refused with.</summary>
    private static ProblemDetails OfEdit(EditException edit) => edit.Failure switch
    {
        EditFailure.Missing => new ProblemDetails { Status = 404, Title = "Not found", Detail = edit.Message },
        EditFailure.Conflict => new ProblemDetails { Status = 409, Title = "Conflict", Detail = edit.Message },
        EditFailure.Changed => new ProblemDetails { Status = 412, Title = "Changed meanwhile", Detail = edit.Message },
        _ => new ProblemDetails
        {
            Status = 422, Title = "Not a plant that could be", Detail = edit.Message,
            Extensions = { ["errors"] = edit.Problems.Select(p => new { pointer = p.Pointer, path = p.Path, message = p.Message }) },
        },
    };

    /// <summary>The words of a database or a silo tell where it is: they are for whoever runs the plant.</summary>
    private static string For(HttpContext context, string words) =>
        context.Features.Get<Caller>()?.Scope.AllowsEverywhere(Permission.Administer) == true ? words : "ask again in a while";

    public static Task WriteAsync(HttpContext context, ProblemDetails problem)
    {
        context.Response.StatusCode = problem.Status ?? 500;
        return context.Response.WriteAsJsonAsync(problem, options: null, contentType: "application/problem+json");
    }

    /// <summary>A role that does not suffice at the place that was asked for: the audit has it.</summary>
    internal static void NoteRefusal(HttpContext context) => context.RequestServices.GetRequiredService<RefusalLog>().Note(
        context.Features.Get<Caller>()?.Identity.Label ?? "unknown", "request.refused", context.Request.Path.Value ?? "/",
        Origin.Of(context), "role");

    private sealed class UtcTimeConverter : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.GetDateTimeOffset();

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) =>
            writer.WriteStringValue(UnixMicros.ToIso(UnixMicros.From(value)));
    }
}
