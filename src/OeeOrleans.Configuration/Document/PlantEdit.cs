using System.Text.Json.Nodes;

namespace OeeOrleans.Configuration.Document;

/// <summary>What is edited.</summary>
public enum PlantPart
{
    /// <summary>A site, area, line, cell or machine.</summary>
    Asset,

    /// <summary>The tag mappings of a machine.</summary>
    Tags,

    Calendar,

    Reason,

    Threshold,

    /// <summary>What an edge node reads.</summary>
    Source,
}

/// <summary>How it is edited.</summary>
public enum PlantDeed
{
    /// <summary>It is made; there must be none of that id.</summary>
    Add,

    /// <summary>It becomes what is given; what is below it stays.</summary>
    Replace,

    /// <summary>Members that are given become what they are given as, and null takes one away (RFC 7396).</summary>
    Merge,

    /// <summary>It is taken away; a machine is retired.</summary>
    Remove,
}

/// <summary>An edit of one part of the plant.</summary>
/// <param name="Id">Of the asset, calendar, reason, threshold or source.</param>
/// <param name="Value">An object; of tags an array; null where something is removed.</param>
public sealed record PlantEdit(PlantDeed Deed, PlantPart Part, string Id, JsonNode? Value)
{
    /// <summary>As it is named in the audit log.</summary>
    public string Target => Part switch
    {
        PlantPart.Asset => $"assets/{Id}",
        PlantPart.Tags => $"assets/{Id}/tags",
        _ => $"{EditException.Name(Part)}s/{Id}",
    };

    /// <summary>The same as a path of the API: an id may hold what a path may not.</summary>
    public string Path => Part switch
    {
        PlantPart.Asset => $"assets/{Uri.EscapeDataString(Id)}",
        PlantPart.Tags => $"assets/{Uri.EscapeDataString(Id)}/tags",
        _ => $"{EditException.Name(Part)}s/{Uri.EscapeDataString(Id)}",
    };
}

/// <summary>Why an edit cannot be made.</summary>
public enum EditFailure
{
    /// <summary>There is no such thing.</summary>
    Missing,

    /// <summary>There is one already, or something else still needs it.</summary>
    Conflict,

    /// <summary>What is given says nothing that could be.</summary>
    Invalid,

    /// <summary>It is another one than the caller thinks.</summary>
    Changed,
}

/// <summary>An edit that cannot be made.</summary>
public sealed class EditException(EditFailure failure, string message, IReadOnlyList<EditProblem>? problems = null) : Exception(message)
{
    public EditFailure Failure => failure;

    public IReadOnlyList<EditProblem> Problems => problems ?? [];

    internal static EditException Missing(PlantPart part, string id) =>
        new(EditFailure.Missing, $"there is no {(part == PlantPart.Tags ? "machine" : Name(part))} '{id}'");

    internal static EditException Invalid(string pointer, string message) =>
        new(EditFailure.Invalid, message, [new EditProblem(pointer, "", message)]);

    internal static string Name(PlantPart part) => part.ToString().ToLowerInvariant();
}

/// <summary>A message of the validator.</summary>
/// <param name="Pointer">Where in what was given (JSON pointer); empty when it is about another part of the plant.</param>
/// <param name="Path">Where in the plant document.</param>
/// <param name="Message">What is wrong, and what would be right.</param>
public sealed record EditProblem(string Pointer, string Path, string Message);
