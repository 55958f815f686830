using OeeOrleans.OpcUa.Binary;

namespace OeeOrleans.OpcUa;

/// <summary>What of which node to read.</summary>
/// <param name="Node">The node.</param>
/// <param name="Attribute">Its value, or what else it has.</param>
/// <param name="IndexRange">Part of an array, such as `2:4` (OPC 10000-4, 7.27); null: all of it.</param>
public readonly record struct ReadNode(NodeId Node, AttributeId Attribute = AttributeId.Value, string? IndexRange = null)
{
    public static implicit operator ReadNode(NodeId node) => new(node);

    internal void Write(UaWriter writer)
    {
        writer.NodeId(Node);
        writer.UInt32((uint)Attribute);
        writer.String(IndexRange);
        writer.QualifiedName(default);
    }
}

/// <summary>What to write where. Many servers refuse a status or times beside the value: leave them out.</summary>
public readonly record struct WriteNode(
    NodeId Node, DataValue Value, AttributeId Attribute = AttributeId.Value, string? IndexRange = null);

/// <summary>How to browse (OPC 10000-4, 5.8.2).</summary>
public sealed record BrowseOptions
{
    /// <summary>Objects, their parts and their variables, and the variables under those.</summary>
    public static readonly BrowseOptions Hierarchy = new();

    /// <summary>The references to follow, subtypes included; HierarchicalReferences when left out.</summary>
    public NodeId ReferenceType { get; init; } = new(33);

    /// <summary>Against the direction of the references.</summary>
    public bool Inverse { get; init; }

    public NodeClasses NodeClasses { get; init; } = NodeClasses.All;

    /// <summary>References the server returns at once at most; more are asked for. 0: as many as it likes.</summary>
    public int MaxReferencesPerNode { get; init; }
}

/// <summary>A node that another one refers to (OPC 10000-4, 7.29).</summary>
public readonly record struct Reference(
    ExpandedNodeId Target, QualifiedName Name, string? DisplayName, NodeClasses NodeClass, NodeId ReferenceType, NodeId TypeDefinition,
        bool IsForward);

/// <summary>A way from a node by names.</summary>
public readonly record struct BrowsePath(NodeId From, IReadOnlyList<QualifiedName> Names);

/// <summary>A node found by browsing, with where it was found.</summary>
/// <param name="Parent">The node that refers to it.</param>
/// <param name="Reference">The node.</param>
/// <param name="Depth">1 for what the start refers to.</param>
public readonly record struct BrowsedNode(NodeId Parent, Reference Reference, int Depth);
