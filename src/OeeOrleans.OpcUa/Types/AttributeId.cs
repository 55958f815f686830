namespace OeeOrleans.OpcUa;

/// <summary>What of a node is read or written (OPC 10000-6, A.1).</summary>
public enum AttributeId : uint
{
    NodeId = 1,
    NodeClass = 2,
    BrowseName = 3,
    DisplayName = 4,
    Description = 5,
    EventNotifier = 12,
    Value = 13,
    DataType = 14,
    ValueRank = 15,
    ArrayDimensions = 16,
    AccessLevel = 17,
    UserAccessLevel = 18,
    MinimumSamplingInterval = 19,
    Historizing = 20,
    DataTypeDefinition = 23,
}

/// <summary>What a node is (OPC 10000-3, 8.29); a set of flags in a browse.</summary>
[Flags]
public enum NodeClasses : uint
{
    All = 0,
    Object = 1,
    Variable = 2,
    Method = 4,
    ObjectType = 8,
    VariableType = 16,
    ReferenceType = 32,
    DataType = 64,
    View = 128,
}
