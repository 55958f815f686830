using System.Text.Json;
using GraphQL;
using Microsoft.AspNetCore.Http;
using OeeOrleans.Gateway.Access;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>A question, as it comes by HTTP or through a socket.</summary>
internal sealed record GraphQlQuestion(string? Query, string? OperationName, Inputs? Variables)
{
    /// <summary>Null: it is none.</summary>
    public static GraphQlQuestion? Read(JsonElement json, IGraphQLTextSerializer serializer)
    {
        if (json.ValueKind != JsonValueKind.Object) return null;
        var query = json.TryGetProperty("query", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
        var name = json.TryGetProperty("operationName", out var operation) && operation.ValueKind == JsonValueKind.String
            ? operation.GetString()
            : null;
        var variables = json.TryGetProperty("variables", out var given) && given.ValueKind == JsonValueKind.Object
            ? serializer.Deserialize<Inputs>(given.GetRawText())
            : null;
        return new GraphQlQuestion(query, name, variables);
    }
}

/// <summary>Answers questions, within what they may cost and take.</summary>
internal sealed class GraphQlRunner(IDocumentExecuter<OeeSchema> executer, IGraphQLTextSerializer serializer)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public IGraphQLTextSerializer Serializer => serializer;

    /// <param name="question">What is asked.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="http">By which request; a socket's is the one that opened it.</param>
    /// <param name="services">Of this question alone.</param>
    /// <param name="cancellationToken">Nobody waits for the answer any more.</param>
    public async Task<ExecutionResult> RunAsync(
        GraphQlQuestion question, Caller caller, HttpContext http, IServiceProvider services, CancellationToken cancellationToken)
    {
        if (question.Query?.Length > GraphQlSetup.MaxLength)
        {
            return Refused($"the query has {question.Query.Length} characters, and may have {GraphQlSetup.MaxLength}");
        }

        if (question.Query is { } query && QuerySize.Of(query) is { } members and > GraphQlSetup.MaxMembers)
        {
            return Refused($"the query has {members} members, those of fragments at every use, and may have {GraphQlSetup.MaxMembers}");
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            return await executer.ExecuteAsync(new ExecutionOptions
            {
                Query = question.Query, OperationName = question.OperationName, Variables = question.Variables, User = http.User,
                RequestServices = services, UserContext = Asking.ContextOf(http, caller), CancellationToken = limit.Token,
            });
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Refused($"it took longer than {Limit.TotalSeconds} s; ask for less at once");
        }
    }

    private static ExecutionResult Refused(string message) => new() { Errors = [new ExecutionError(message) { Code = "TOO_MUCH" }] };
}
