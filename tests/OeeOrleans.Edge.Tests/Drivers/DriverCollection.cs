namespace OeeOrleans.Edge.Tests.Drivers;

/// <summary>One after the other: memory is measured.</summary>
[CollectionDefinition(nameof(DriverCollection), DisableParallelization = true)]
public sealed class DriverCollection;
