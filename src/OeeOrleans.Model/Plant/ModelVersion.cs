namespace OeeOrleans.Model.Plant;

/// <summary>What a part of a machine's model (`oee` or `calendar`) was from an instant on; the model as JSON.</summary>
public sealed record ModelVersion(string Machine, string Part, long FromUs, string Model);
