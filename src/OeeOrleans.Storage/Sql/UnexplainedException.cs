namespace OeeOrleans.Storage.Sql;

/// <summary>
/// The database answers with an error that says neither that it is away nor that it refuses what it was given, such as a damaged index. It
/// may concern one row or everything.
/// </summary>
internal sealed class UnexplainedException(string message, Exception inner) : Exception(message, inner);
