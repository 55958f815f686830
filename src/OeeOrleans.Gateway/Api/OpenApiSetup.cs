using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace OeeOrleans.Gateway.Api;

/// <summary>
/// The description of the API: what an endpoint does not say itself, all of them have in common. Only ours are in it, with their errors.
/// </summary>
internal static partial class OpenApiSetup
{
    private const string Problem = "Problem";
    private const string ProblemType = "application/problem+json";
    private const string KeyScheme = "api_key";
    private const string TokenScheme = "bearer";

    private static readonly (string Segment, string Tag, string Description)[] Tags =
    [
        ("kpi", "OEE", "Availability, performance, quality: now, over history, and why."),
        ("losses", "Losses", "Lost time by reason, stops, and the reasons people give."),
        ("stops", "Losses", ""),
        ("machines", "Machines", "What machines do now."),
        ("trend", "Telemetry", "Samples of signals."),
        ("export", "Exports", "The past as files."),
        ("faults", "Faults", "Faults that machines report, and limits that were passed."),
        ("edge-nodes", "Edge nodes", "Who sends, and how well; devices that are no machines yet."), ("discovered", "Edge nodes", ""),
        ("assets", "Plant", "Assets, tag mappings, calendars, reasons, thresholds and sources as data."),
        ("calendars", "Plant", ""), ("reasons", "Plant", ""), ("thresholds", "Plant", ""),
        ("sources", "Plant", ""),
        ("config", "Revisions", "Revisions of the plant, drafts and trials."),
        ("auth", "Sign-in", "Tokens, and who one is."), ("me", "Sign-in", ""),
        ("users", "Users and keys", "Who may come in, for administrators."), ("keys", "Users and keys", ""),
        ("audit", "Audit", "Who did what."),
    ];

    public static void Add(IServiceCollection services) => services.AddOpenApi(options =>
    {
        options.ShouldInclude = IsOurs;
        options.AddDocumentTransformer((document, _, _) =>
        {
            Describe(document);
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            Describe(operation, context.Description, context.Document);
            return Task.CompletedTask;
        });
    });

    /// <summary>Not the Orleans dashboard's, nor pages.</summary>
    private static bool IsOurs(ApiDescription description) =>
        description.RelativePath?.StartsWith("api/", StringComparison.Ordinal) == true;

    private static void Describe(OpenApiDocument document)
    {
        document.Info = new OpenApiInfo
        {
            Title = "OeeOrleans",
            Version = typeof(OpenApiSetup).Assembly.GetName().Version?.ToString(3) ?? "1.0.0",
            Description = "Machine state, faults and OEE of a plant, live and over history. JSON in snake_case, times ISO 8601 UTC, "
                + "unknown numbers null, errors as problem details (RFC 9457).",
            License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" },
        };
        document.Servers = [new OpenApiServer { Url = "/", Description = "This gateway" }];
        document.Tags = new HashSet<OpenApiTag>(
            Tags.Where(t => t.Description.Length > 0).Select(t => new OpenApiTag { Name = t.Tag, Description = t.Description }));
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [KeyScheme] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = "X-Api-Key" },
            [TokenScheme] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT" },
        };
        document.Components.Schemas ??= new Dictionary<string, IOpenApiSchema>();
        document.Components.Schemas[Problem] = ProblemSchema();
        document.Security =
        [
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(KeyScheme, document)] = [] },
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(TokenScheme, document)] = [] },
        ];
    }

    private static OpenApiSchema ProblemSchema() => new()
    {
        Type = JsonSchemaType.Object,
        Description = "Problem details (RFC 9457).",
        Required = new HashSet<string> { "title", "status" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["title"] = new OpenApiSchema { Type = JsonSchemaType.String },
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer },
            ["detail"] = new OpenApiSchema { Type = JsonSchemaType.String | JsonSchemaType.Null },
            ["parameter"] = new OpenApiSchema { Type = JsonSchemaType.String | JsonSchemaType.Null, Description = "Which input is wrong." },
            ["errors"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Array | JsonSchemaType.Null,
                Description = "What the validator of the plant says.",
                Items = new OpenApiSchema
                {
                    Type = JsonSchemaType.Object,
                    Properties = new Dictionary<string, IOpenApiSchema>
                    {
                        ["pointer"] = new OpenApiSchema { Type = JsonSchemaType.String },
                        ["path"] = new OpenApiSchema { Type = JsonSchemaType.String },
                        ["message"] = new OpenApiSchema { Type = JsonSchemaType.String },
                    },
                },
            },
        },
    };

    private static void Describe(OpenApiOperation operation, ApiDescription description, OpenApiDocument? document)
    {
        var path = description.RelativePath ?? "";
        var method = description.HttpMethod ?? "GET";
        var segment = path.Split('/').ElementAtOrDefault(1) ?? "";
        var tag = Tags.FirstOrDefault(t => t.Segment == segment).Tag ?? "Plant";
        operation.Tags = new HashSet<OpenApiTagReference> { new(tag, document) };
        operation.OperationId = IdOf(method, path);
        operation.Responses ??= [];
        // What an endpoint answers without saying so is JSON.
        if (operation.Responses.Count == 0) operation.Responses["200"] = new OpenApiResponse { Description = "OK" };
        foreach (var (status, why) in OpenApiErrors.Of(method, path, description))
        {
            operation.Responses.TryAdd(status, ProblemOf(why, document));
        }

        var mayTake = method is "POST" or "PUT" or "PATCH" && operation.RequestBody is null;
        if (mayTake && OpenApiErrors.TakesBody(path)) operation.RequestBody = AnyBody(method);
        if (OpenApiErrors.HasTag(method, path)) operation.Parameters = [.. operation.Parameters ?? [], IfMatch()];
    }

    /// <summary>`get_kpi_current`, `put_assets_id_tags`: what generators call the method.</summary>
    private static string IdOf(string method, string path)
    {
        var words = NoWord().Split(path["api/".Length..].Replace(":long", "", StringComparison.Ordinal)).Where(w => w.Length > 0);
        return string.Join('_', words.Prepend(method.ToLowerInvariant()));
    }

    private static OpenApiRequestBody AnyBody(string method) => new()
    {
        Required = true,
        Content = new Dictionary<string, OpenApiMediaType>
        {
            [method == "PATCH" ? "application/merge-patch+json" : "application/json"] =
                new() { Schema = new OpenApiSchema { Type = JsonSchemaType.Object } },
        },
    };

    private static OpenApiResponse ProblemOf(string why, OpenApiDocument? document) => new()
    {
        Description = why,
        Content = new Dictionary<string, OpenApiMediaType>
        {
            [ProblemType] = new() { Schema = new OpenApiSchemaReference(Problem, document) },
        },
    };

    private static OpenApiParameter IfMatch() => new()
    {
        Name = "If-Match", In = ParameterLocation.Header, Required = true, Description = "The `ETag` of what was read, or `*`.",
        Schema = new OpenApiSchema { Type = JsonSchemaType.String }, Example = "\"0f3a9c21d4e7b685\"",
    };

    /// <summary>Parameters of one name mean the same everywhere.</summary>
    public static void Describe(OpenApiParameter parameter)
    {
        if (parameter.Schema is not OpenApiSchema schema) return;
        switch (parameter.Name)
        {
            case "from" or "to" or "valid_from":
                (schema.Format, parameter.Example) = ("date-time", "2026-01-05T06:00:00Z");
                break;
            case "limit":
                Whole(schema, 1, 1_000, 100);
                break;
            case "points":
                Whole(schema, 1, 10_000, 1_000);
                break;
            case "days":
                Whole(schema, 1, 31, 7);
                break;
            case "small" or "shelved" or "ignored":
                schema.Enum = ["true", "false"];
                break;
            case "given":
                schema.Enum = ["any", "true", "false"];
                break;
            case "format":
                schema.Enum = ["csv", "parquet", "arrow"];
                break;
            case "window":
                string[] kinds = ["shift", "hour", "day", "job"];
                var isLive = parameter.Description?.Contains("rolling_5m", StringComparison.Ordinal) == true;
                schema.Enum = [.. (isLive ? [.. kinds, "rolling_5m"] : kinds).Select(k => JsonValue.Create(k))];
                break;
            case "machine_id":
                parameter.Example = "filler1";
                break;
            case "line_id":
                parameter.Example = "line1";
                break;
        }
    }

    private static void Whole(OpenApiSchema schema, int min, int max, int otherwise)
    {
        schema.Type = JsonSchemaType.Integer;
        (schema.Minimum, schema.Maximum) = (min.ToString(CultureInfo.InvariantCulture), max.ToString(CultureInfo.InvariantCulture));
        schema.Default = JsonValue.Create(otherwise);
    }

    [GeneratedRegex("[^A-Za-z0-9]+")]
    private static partial Regex NoWord();
}
