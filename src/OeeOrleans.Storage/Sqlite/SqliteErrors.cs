using Microsoft.Data.Sqlite;

namespace OeeOrleans.Storage.Sqlite;

/// <summary>What SQLite's result codes mean to us (sqlite.org/rescode.html). Whatever is neither is a bug of ours.</summary>
internal static class SqliteErrors
{
    private const int Perm = 3;
    private const int Busy = 5;
    private const int Locked = 6;
    private const int NoMemory = 7;
    private const int ReadOnly = 8;
    private const int Interrupted = 9;
    private const int IoError = 10;
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int CannotOpen = 14;
    private const int Protocol = 15;
    private const int TooBig = 18;
    private const int Constraint = 19;
    private const int Mismatch = 20;
    private const int NotADatabase = 26;

    /// <summary>Something that was given is refused: a constraint, a type, a value too large.</summary>
    public static bool IsRefusal(SqliteException error) => error.SqliteErrorCode is TooBig or Constraint or Mismatch;

    /// <summary>The database takes nothing, whatever it is given.</summary>
    public static bool IsAway(SqliteException error) => IsPassing(error) || NeedsOperator(error);

    /// <summary>The same error in words that say what to do.</summary>
    public static StoreUnavailableException Away(string what, string path, SqliteException error)
    {
        var todo = error.SqliteErrorCode switch
        {
            Full => "the disk is full; make room, and it goes on by itself",
            ReadOnly => "the file or its file system is read-only; give the right to write",
            Perm => "the right to it is missing; give it",
            Corrupt or NotADatabase => "the file is damaged; stop, restore it from a backup, and start again",
            CannotOpen => "it cannot be opened; look at the path, its rights and the disk",
            _ => "it is tried again",
        };
        return new StoreUnavailableException($"{what}: {path}: {error.Message} ({todo})", error, NeedsOperator(error));
    }

    private static bool IsPassing(SqliteException error) => error.SqliteErrorCode
        is Busy or Locked or NoMemory or Interrupted or IoError or Full or CannotOpen or Protocol;

    private static bool NeedsOperator(SqliteException error) => error.SqliteErrorCode is Perm or ReadOnly or Corrupt or NotADatabase;
}
