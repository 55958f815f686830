namespace OeeOrleans.Access.Grants;

/// <summary>A role at a node of the asset tree; of the role `edge` at an edge node.</summary>
/// <param name="At">Id of a site, an area or a line; of the role `edge` the edge node as `group/node`.</param>
public readonly record struct Grant(Role Role, string At)
{
    public override string ToString() => $"{Role.Name()} at {At}";
}
