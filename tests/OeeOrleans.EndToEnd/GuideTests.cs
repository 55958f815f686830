using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using OeeOrleans.Storage;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>The demo's data on all three engines.</summary>
public sealed class GuideFixture : IAsyncLifetime
{
    private static readonly string[] Tables = ["signal", "sample", "events", "oee_window", "asset", "stop_reason", "machine_model"];

    private readonly string _data = Directory.CreateTempSubdirectory("oee-guide-").FullName;
    private PostgresServer? _postgres;
    private TimescaleServer? _timescale;

    public Dictionary<string, Func<DbConnection>> Engines { get; } = [];

    public async Task InitializeAsync()
    {
        await using (var demo = await Oee.StartAsync("demo", ServerProcess.FreePort(), "--mqtt-port", "0", "--data", _data))
        {
            await Eventually.HoldsAsync(
                "a closed hour", TimeSpan.FromSeconds(60),
                async () => (await demo.GetAsync("/api/kpi/history?machine_id=filler1&window=hour")).GetProperty("items").GetArrayLength(),
                n => n >= 2);
            await Eventually.HoldsAsync(
                "a job", TimeSpan.FromSeconds(30),
                async () => (await demo.GetAsync("/api/kpi/history?machine_id=filler1&window=job")).GetProperty("items").GetArrayLength(),
                n => n >= 1);
            await Eventually.HoldsAsync(
                "a fault that is over", TimeSpan.FromSeconds(30),
                async () =>
                    (await demo.GetAsync("/api/faults/history"))
                        .GetProperty("items")
                        .EnumerateArray()
                        .Count(f => !f.GetProperty("active").GetBoolean()),
                n => n >= 1);
            await Eventually.HoldsAsync(
                "what came late to be rolled up", TimeSpan.FromSeconds(60), () => ScalarAsync("select count(*) from rollup_dirty"),
                n => n == 0);
            await demo.Process.StopAsync("INT");
        }

        var file = $"Data Source={Path.Combine(_data, "oee.db")}";
        _postgres = await PostgresServer.StartAsync();
        _timescale = await TimescaleServer.StartAsync();
        Engines["sqlite"] = () => new SqliteConnection(file);
        foreach (var (name, connection, copy) in new[]
        {
            ("postgres", await _postgres.CreateDatabaseAsync(), true), ("timescale", _timescale.CreateDatabase(), false),
        })
        {
            await using var store = StoreFactory.Postgres(
                connection, TimeProvider.System, NullLoggerFactory.Instance, new StoreOptions { Copy = copy });
            await store.MigrateAsync(CancellationToken.None);
            await using var from = new SqliteConnection(file);
            await using var to = new NpgsqlConnection(connection);
            await from.OpenAsync();
            await to.OpenAsync();
            foreach (var table in Tables) await CopyAsync(from, to, table);
            // A server that runs does so by itself, after a while.
            await using (var analyze = new NpgsqlCommand("analyze", to)) await analyze.ExecuteNonQueryAsync();
            Engines[name] = () => new NpgsqlConnection(connection);
        }
    }

    public async Task DisposeAsync()
    {
        if (_postgres is not null) await _postgres.DisposeAsync();
        if (_timescale is not null) await _timescale.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(_data, recursive: true);
    }

    private async Task<long> ScalarAsync(string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(_data, "oee.db")};Mode=ReadOnly");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static async Task CopyAsync(SqliteConnection from, NpgsqlConnection to, string table)
    {
        var columns = new List<(string Name, string Type)>();
        await using (var command = new NpgsqlCommand(
            $"select column_name, data_type from information_schema.columns where table_name = '{table}' and table_schema = 'public'", to))
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync()) columns.Add((reader.GetString(0), reader.GetString(1)));
        }

        var rows = new List<Dictionary<string, object?>>();
        await using (var command = from.CreateCommand())
        {
            command.CommandText = $"select * from {table}";
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                rows.Add(columns.ToDictionary(c => c.Name, c => reader[c.Name] is var v && v is DBNull ? null : v));
            }
        }

        var values = string.Join(", ", columns.Select(c => c.Type switch
        {
            "timestamp with time zone" => $"oee_ts((r ->> '{c.Name}')::bigint)",
            "boolean" => $"(r ->> '{c.Name}')::int::boolean",
            _ => $"(r ->> '{c.Name}')::{c.Type}",
        }));
        foreach (var chunk in rows.Chunk(4000))
        {
            await using var insert = new NpgsqlCommand(
                $"insert into {table}({string.Join(", ", columns.Select(c => c.Name))}) overriding system value select {values} from "
                    + $"jsonb_array_elements(@json::jsonb) r",
                to);
            insert.Parameters.AddWithValue("json", JsonSerializer.Serialize(chunk));
            await insert.ExecuteNonQueryAsync();
        }
    }
}

/// <summary>Every query of the analysts' guide runs on every engine and says the same there.</summary>
public sealed partial class GuideTests(GuideFixture fixture) : IClassFixture<GuideFixture>
{
    private static readonly string Guide = File.ReadAllText(Path.Combine(Oee.Root, "docs", "sql.md"));

    public static TheoryData<string> Questions
    {
        get
        {
            var data = new TheoryData<string>();
            foreach (var title in Sections().Keys) data.Add(title);
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Questions))]
    public async Task The_query_runs_and_says_the_same_on_every_engine(string question)
    {
        var blocks = Sections()[question];
        var answers = new Dictionary<string, List<string>>();
        foreach (var (engine, open) in fixture.Engines)
        {
            var dialect = engine == "sqlite" ? "sqlite" : "postgres";
            var sql = blocks.FirstOrDefault(b => b.Dialect == dialect).Sql ?? blocks.First(b => b.Dialect.Length == 0).Sql;
            await using var connection = open();
            await connection.OpenAsync();
            await using var command = connection.CreateCommand();
            command.CommandText = sql;
            await using var reader = await command.ExecuteReaderAsync();
            var rows = answers[engine] = [];
            while (await reader.ReadAsync())
            {
                rows.Add(
                    string.Join(
                        " | ", Enumerable.Range(0, reader.FieldCount).Select(i => Text(reader.IsDBNull(i) ? null : reader.GetValue(i)))));
            }
        }

        if (!question.StartsWith("And", StringComparison.Ordinal)) Assert.NotEmpty(answers["postgres"]);
        // Texts are sorted by other rules; what is compared is what is said.
        Assert.Equal(answers["postgres"].Order(StringComparer.Ordinal), answers["sqlite"].Order(StringComparer.Ordinal));
        Assert.Equal(answers["postgres"].Order(StringComparer.Ordinal), answers["timescale"].Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_guide_answers_ten_questions() => Assert.True(Sections().Count >= 10);

    private static Dictionary<string, List<(string Dialect, string Sql)>> Sections()
    {
        var sections = new Dictionary<string, List<(string, string)>>();
        foreach (var section in Guide.Split("\n### ").Skip(1))
        {
            var blocks = Block()
                .Matches(section.Split("\n## ")[0])
                .Select(m => (m.Groups["dialect"].Value, m.Groups["sql"].Value))
                .ToList();
            if (blocks.Count > 0) sections[section.Split('\n')[0]] = blocks;
        }

        return sections;
    }

    /// <summary>One text for what the engines show in their own types: instants as seconds, numbers to nine digits.</summary>
    private static string Text(object? value) => value switch
    {
        null => "null",
        DateTime time => Seconds(time),
        string text when IsoTime().IsMatch(text) =>
            Seconds(DateTime.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal)),
        string text => text,
        // Microseconds of a time in a table of SQLite.
        long us and > 1_000_000_000_000_000 => Seconds(DateTime.UnixEpoch.AddMicroseconds(us)),
        IConvertible number => Convert.ToDouble(number, CultureInfo.InvariantCulture).ToString("G9", CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static string Seconds(DateTime time) =>
        "t " + (time.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds.ToString("0.000000", CultureInfo.InvariantCulture);

    [GeneratedRegex("```sql ?(?<dialect>[a-z]*)\n(?<sql>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT[\d:.]+Z$")]
    private static partial Regex IsoTime();
}
