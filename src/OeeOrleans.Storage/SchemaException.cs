namespace OeeOrleans.Storage;

/// <summary>The schema of a database cannot be used or brought up to date; waiting does not help.</summary>
public sealed class SchemaException(string message, Exception? inner = null) : InvalidOperationException(message, inner);
