using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Storage.Sqlite;

namespace OeeOrleans.Storage.Tests;

/// <summary>What SQLite's result codes mean to whoever waits for it (sqlite.org/rescode.html).</summary>
public sealed class SqliteErrorTests
{
    [Theory]
    [InlineData(5, "busy")]
    [InlineData(10, "an error of the disk")]
    [InlineData(13, "full")]
    public void What_passes_is_waited_for(int code, string what)
    {
        var error = new SqliteException(what, code);
        Assert.Equal((true, false), (SqliteErrors.IsAway(error), SqliteErrors.Away("writing", "oee.db", error).NeedsOperator));
    }

    [Theory]
    [InlineData(8, "read-only")]
    [InlineData(11, "damaged")]
    [InlineData(26, "damaged")]
    public void What_does_not_pass_by_itself_asks_for_somebody_and_says_what_to_do(int code, string todo)
    {
        var error = SqliteErrors.Away("writing", "oee.db", new SqliteException("no", code));
        Assert.True(error.NeedsOperator);
        Assert.Contains(todo, error.Message, StringComparison.Ordinal);
        Assert.Contains("oee.db", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(18)]
    [InlineData(19)]
    [InlineData(20)]
    public void What_is_about_a_row_is_neither_waited_for_nor_a_bug(int code)
    {
        var error = new SqliteException("no", code);
        Assert.Equal((true, false), (SqliteErrors.IsRefusal(error), SqliteErrors.IsAway(error)));
    }

    [Fact]
    public void A_statement_that_is_wrong_is_a_bug_of_ours()
    {
        var error = new SqliteException("near \"slect\": syntax error", 1);
        Assert.Equal((false, false), (SqliteErrors.IsRefusal(error), SqliteErrors.IsAway(error)));
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_said_to_be_damaged()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("oee-damaged-").FullName, "oee.db");
        await File.WriteAllTextAsync(path, new string('x', 10_000));
        await using var store = StoreFactory.Sqlite(path, NullLoggerFactory.Instance);
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => store.MigrateAsync(CancellationToken.None));
        Assert.True(error.NeedsOperator);
        Assert.Contains("damaged", error.Message, StringComparison.Ordinal);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }
}
