namespace OeeOrleans.Storage.Sql;

/// <summary>The database is there and will not take something it was given; giving it again does not help.</summary>
internal sealed class RowsRefusedException(string message, Exception inner) : Exception(message, inner);
