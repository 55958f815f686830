using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Gateway.Api;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>`/graphql`: questions by POST (GraphQL over HTTP), subscriptions through a WebSocket (graphql-transport-ws).</summary>
internal static class GraphQlEndpoint
{
    private const string Path = "/graphql";
    private const string MediaType = "application/graphql-response+json";

    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapPost(Path, async (HttpContext context, Caller caller, GraphQlRunner runner) =>
        {
            var question = await ReadAsync(context, runner);
            var result = await runner.RunAsync(question, caller, context, context.RequestServices, context.RequestAborted);
            var isNew = context.Request.Headers.Accept.Any(a => a?.Contains(MediaType, StringComparison.OrdinalIgnoreCase) == true);
            // Clients from before the media type take any other status for a broken server.
            if (isNew && !result.Executed) context.Response.StatusCode = StatusCodes.Status400BadRequest;
            context.Response.ContentType = isNew ? $"{MediaType}; charset=utf-8" : "application/json; charset=utf-8";
            await runner.Serializer.WriteAsync(context.Response.Body, result, context.RequestAborted);
        })
        .Needs(AccessPolicy.Look).ExcludeFromDescription();

        app.MapGet(Path, async (HttpContext context, GraphQlRunner runner, Callers callers) =>
        {
            if (context.WebSockets.IsWebSocketRequest)
            {
                await GraphQlSocket.RunAsync(context, runner, callers);
                return;
            }

            context.Response.Headers.Allow = "POST";
            await AccessAnswers.WriteAsync(
                context, StatusCodes.Status405MethodNotAllowed, "Method not allowed",
                $"questions come by POST; subscriptions through a WebSocket with the subprotocol {GraphQlSocket.Protocol}");
        })
        .Needs(AccessPolicy.Look).ExcludeFromDescription();
    }

    private static async Task<GraphQlQuestion> ReadAsync(HttpContext context, GraphQlRunner runner)
    {
        // A form of a foreign page could send anything else, with our cookie.
        if (!context.Request.HasJsonContentType())
        {
            throw new BadHttpRequestException(
                "the body must be application/json: { query, variables, operationName }", StatusCodes.Status415UnsupportedMediaType);
        }

        try
        {
            using var json = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
            if (GraphQlQuestion.Read(json.RootElement, runner.Serializer) is { Query.Length: > 0 } question) return question;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Half a character is JSON, and no text.
            throw new BadParameterException("body", $"the body is not JSON: {error.Message}");
        }

        throw new BadParameterException("query", "'query' is missing; { query, variables, operationName } is understood");
    }
}
