using System.Globalization;
using Microsoft.Data.Sqlite;
using OeeOrleans.Access.Audit;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access.Tests;

/// <summary>Somebody with the database in hand, and what `oee audit verify` says of it.</summary>
public sealed class AuditTests : IAsyncLifetime
{
    private Office _office = null!;

    public async Task InitializeAsync()
    {
        _office = await Office.OpenAsync();
        await _office.Access.AppendAuditAsync(
            [.. Enumerable.Range(1, 10).Select(i => new AuditEntry(i, "user:anna", "fault.ack", $"f{i}", "{}") { Asset = "m1" })], default);
    }

    public async Task DisposeAsync() => await _office.DisposeAsync();

    [Fact]
    public async Task A_log_that_nobody_touched_is_whole()
    {
        var verdict = await VerifyAsync();
        Assert.True(verdict.IsWhole);
        Assert.Equal((10, 10), (verdict.Entries, verdict.Head.Seq));
    }

    [Theory]
    [InlineData("ts = ts + 1")]
    [InlineData("actor = 'user:bea'")]
    [InlineData("action = 'fault.shelve'")]
    [InlineData("target = 'f9'")]
    [InlineData("detail = '{ }'")]
    [InlineData("asset = null")]
    [InlineData("asset = ''")]
    [InlineData("origin = ''")]
    public async Task A_changed_entry_is_named(string change)
    {
        Run($"update audit_log set {change} where seq = 4");
        var verdict = await VerifyAsync();
        Assert.Equal((4, 3), (verdict.Seq, verdict.Entries));
        Assert.Contains("entry 4", verdict.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("seq = 1", 1)]
    [InlineData("seq = 5", 5)]
    [InlineData("seq between 5 and 7", 5)]
    [InlineData("seq = 10", 10)]
    [InlineData("seq > 6", 7)]
    [InlineData("true", 1)]
    public async Task An_entry_that_was_taken_away_is_named(string which, long first)
    {
        Run($"delete from audit_log where {which}");
        var verdict = await VerifyAsync();
        Assert.Equal(first, verdict.Seq);
        Assert.Contains("taken away", verdict.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_entry_that_was_put_in_at_the_end_is_named()
    {
        Run("insert into audit_log(ts, actor, action, target, detail) values (5, 'user:bea', 'x', 'y', '{}')");
        Assert.Contains("was put in", (await VerifyAsync()).Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    public async Task An_entry_that_was_put_in_before_the_first_is_named(long id)
    {
        Run($"insert into audit_log(id, ts, actor, action, target, detail) values ({id}, 5, 'user:bea', 'x', 'y', '{{}}')");
        var verdict = await VerifyAsync();
        Assert.Equal(1, verdict.Seq);
        Assert.Contains("1 rows are before the first entry, which says 0", verdict.Problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("[]")]
    [InlineData("{\"rows_before\":\"many\"}")]
    public async Task A_first_entry_written_over_so_that_it_cannot_be_read_is_named(string detail)
    {
        Run($"update audit_log set action = 'audit.begin', detail = '{detail}' where seq = 1");
        Assert.Contains("entry 1", (await VerifyAsync()).Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_touched_once_does_not_hide_what_is_touched_later()
    {
        Run("insert into audit_log(ts, actor, action, target, detail) values (5, 'user:bea', 'x', 'y', '{}')");
        await _office.Access.AppendAuditAsync([.. Enumerable.Range(11, 5).Select(i => new AuditEntry(i, "a", "b", "c", "{}"))], default);
        Run("update audit_log set target = 'z' where seq = 13");
        var verdict = await VerifyAsync();
        Assert.Equal([11, 13], verdict.Findings.Select(f => f.Seq));
        Assert.Equal(10, verdict.Entries);
    }

    [Fact]
    public async Task However_much_was_touched_the_end_is_looked_at()
    {
        await _office.Access.AppendAuditAsync([.. Enumerable.Range(11, 90).Select(i => new AuditEntry(i, "a", "b", "c", "{}"))], default);
        Run("update audit_log set target = 'z' where seq between 11 and 90");
        Run("delete from audit_log where seq > 95");
        var verdict = await VerifyAsync();
        Assert.Equal(22, verdict.Findings.Count);
        Assert.Equal("60 more on the way", verdict.Findings[^2].Problem);
        Assert.Equal((96, "entries 96 to 100 were taken away"), verdict.Findings[^1]);
    }

    [Fact]
    public async Task An_entry_that_was_put_in_with_a_place_and_a_hash_that_somebody_made_up_is_named()
    {
        Run("insert into audit_log(ts, actor, action, target, detail, seq, hash) values (5, 'b', 'x', 'y', '{}', 11, 'abc')");
        Run("update audit_head set seq = 11, hash = 'abc'");
        var verdict = await VerifyAsync();
        Assert.Equal(11, verdict.Seq);
    }

    [Fact]
    public async Task An_entry_that_was_put_in_between_others_is_named()
    {
        Run("update audit_log set seq = -seq where seq > 4");
        Run("update audit_log set seq = 1 - seq, id = id + 100 where seq < 0");
        Run("insert into audit_log(id, ts, actor, action, target, detail, seq, hash) values (50, 5, 'b', 'x', 'y', '{}', 5, 'abc')");
        Run("update audit_head set seq = 11");
        Assert.Equal(5, (await VerifyAsync()).Seq);
    }

    [Fact]
    public async Task Two_entries_that_changed_places_are_named()
    {
        Run("update audit_log set seq = 99 where seq = 3");
        Run("update audit_log set seq = 3 where seq = 4");
        Run("update audit_log set seq = 4 where seq = 99");
        Assert.Equal(3, (await VerifyAsync()).Seq);
    }

    [Fact]
    public async Task A_log_written_anew_with_another_key_is_not_ours()
    {
        Rewrite(new AuditChain(new byte[32]));
        Assert.Equal(1, (await VerifyAsync()).Seq);
    }

    [Fact]
    public async Task A_log_written_anew_with_our_key_does_not_go_through_an_end_that_was_written_down()
    {
        var head = (await VerifyAsync()).Head;
        Rewrite(new AuditChain(_office.Key.AuditKey()));
        Assert.True((await VerifyAsync()).IsWhole);
        var verdict = await VerifyAsync(head);
        Assert.Equal(10, verdict.Seq);
    }

    [Fact]
    public async Task An_end_cut_off_with_the_head_set_back_is_found_by_what_was_written_down()
    {
        var head = (await VerifyAsync()).Head;
        Run("delete from audit_log where seq > 8");
        Run("update audit_head set seq = 8, hash = (select hash from audit_log where seq = 8)");
        Assert.True((await VerifyAsync()).IsWhole);
        var verdict = await VerifyAsync(head);
        Assert.Equal(9, verdict.Seq);
        Assert.Contains("entries 9 to 10", verdict.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task More_entries_than_a_page_are_whole_and_one_far_in_is_named()
    {
        await _office.Access.AppendAuditAsync(
            [.. Enumerable.Range(1, 2500).Select(i => new AuditEntry(i, "a", "b", "c", "{}"))], default);
        Assert.Equal(2510, (await VerifyAsync()).Entries);
        Run("update audit_log set detail = 'x' where seq = 2222");
        Assert.Equal(2222, (await VerifyAsync()).Seq);
    }

    private Task<AuditVerdict> VerifyAsync(params AuditHead[] anchors) =>
        AuditVerifier.VerifyAsync(_office.Access, new AuditChain(_office.Key.AuditKey()), anchors, default);

    /// <summary>The third entry says something else, and all that follow are chained to it.</summary>
    private void Rewrite(AuditChain chain)
    {
        var hash = AuditChain.Beginning;
        for (var seq = 1; seq <= 10; seq++)
        {
            var target = seq == 3 ? "another" : $"f{seq}";
            hash = chain.Next(hash, seq, new AuditEntry(seq, "user:anna", "fault.ack", target, "{}") { Asset = "m1" });
            Run($"update audit_log set target = '{target}', hash = '{hash}' where seq = {seq.ToString(CultureInfo.InvariantCulture)}");
        }

        Run($"update audit_head set hash = '{hash}'");
    }

    private void Run(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={_office.DatabaseFile}");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
