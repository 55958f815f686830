using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;

namespace OeeOrleans.Access.Tests;

public sealed class KeeperTests : IAsyncLifetime
{
    private Office _office = null!;

    public async Task InitializeAsync() => _office = await Office.OpenAsync(
        new AccessOptions { Keys = [new ConfiguredKey("file", "a-key-of-the-configuration", [new Grant(Role.Dashboard, "site")])] });

    public async Task DisposeAsync() => await _office.DisposeAsync();

    [Fact]
    public async Task A_key_comes_in_until_it_is_revoked_on_every_gateway_that_looked()
    {
        var other = await _office.AnotherAsync();
        var made = await _office.Keeper.AddKeyAsync(Doer.CommandLine, "reader", [new Grant(Role.Analytics, "a1")], null, default);
        await other.Refresher.RefreshAsync(default);
        Assert.Equal([new Grant(Role.Analytics, "a1")], other.Known.FindKey(made.Secret)!.Grants);
        Assert.True(await _office.Keeper.RevokeKeyAsync(Doer.CommandLine, "reader", default));
        Assert.Null(_office.Known.FindKey(made.Secret));
        await other.Refresher.RefreshAsync(default);
        Assert.Null(other.Known.FindKey(made.Secret));
        Assert.Null(other.Known.FindKeyById(made.Key.Id));
        Assert.False(await _office.Keeper.RevokeKeyAsync(Doer.CommandLine, "reader", default));
    }

    [Fact]
    public async Task A_key_expires_without_anybody_looking()
    {
        var made = await _office.Keeper.AddKeyAsync(
            Doer.CommandLine, "reader", [new Grant(Role.Dashboard, "site")], TimeSpan.FromDays(2), default);
        _office.Clock.Advance(TimeSpan.FromDays(1.9));
        Assert.NotNull(_office.Known.FindKey(made.Secret));
        _office.Clock.Advance(TimeSpan.FromDays(0.2));
        Assert.Null(_office.Known.FindKey(made.Secret));
        Assert.Null(_office.Known.FindKeyById(made.Key.Id));
    }

    [Fact]
    public async Task The_store_has_neither_keys_nor_passwords()
    {
        await _office.AddAsync("anna");
        var made = await _office.Keeper.AddKeyAsync(Doer.CommandLine, "reader", [new Grant(Role.Dashboard, "site")], null, default);
        await _office.SignInAsync("anna");
        await _office.Store.DisposeAsync();
        var files = Directory.GetFiles(Path.GetDirectoryName(_office.DatabaseFile)!);
        var bytes = string.Concat(files.Select(f => System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(f))));
        Assert.DoesNotContain(made.Secret, bytes, StringComparison.Ordinal);
        Assert.DoesNotContain(made.Secret.Split('_', 3)[2], bytes, StringComparison.Ordinal);
        Assert.DoesNotContain(Office.Password, bytes, StringComparison.Ordinal);
        Assert.Contains(made.Key.Id, bytes, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_of_the_configuration_comes_in()
    {
        Assert.Equal("file", _office.Known.FindKey("a-key-of-the-configuration")!.Name);
        Assert.NotNull(_office.Known.FindKeyById("file:file"));
        Assert.Null(_office.Known.FindKey("another-key"));
        Assert.Null(_office.Known.FindKey(""));
    }

    [Fact]
    public async Task The_administrator_of_an_area_sees_and_changes_only_who_is_all_of_that_area()
    {
        await _office.AddAsync("inside", new Grant(Role.Scada, "a1l1"), new Grant(Role.Dashboard, "a1"));
        await _office.AddAsync("both", new Grant(Role.Scada, "a1l1"), new Grant(Role.Dashboard, "a2"));
        await _office.AddAsync("none");
        var admin = new Doer("user:area", "test", new AccessScope(_office.Known.Tree, [new Grant(Role.Admin, "a1")]));
        Assert.Equal(["inside"], _office.Keeper.Users(admin).Select(u => u.User.Name));
        Assert.False(await _office.Keeper.DisableUserAsync(admin, "both", true, default));
        Assert.False(await _office.Keeper.SetPasswordAsync(admin, "none", "another one", false, default));
        Assert.False(await _office.Keeper.SetGrantsAsync(admin, "both", [], default));
        Assert.True(await _office.Keeper.SetGrantsAsync(admin, "inside", [new Grant(Role.Analytics, "a1l2")], default));
        await Assert.ThrowsAsync<AccessDeniedException>(
            () => _office.Keeper.SetGrantsAsync(admin, "inside", [new Grant(Role.Dashboard, "a2")], default));
        await Assert.ThrowsAsync<AccessDeniedException>(
            () => _office.Keeper.AddUserAsync(admin, "more", Office.Password, [new Grant(Role.Admin, "site")], false, default));
        await Assert.ThrowsAsync<AccessDeniedException>(
            () => _office.Keeper.AddKeyAsync(admin, "more", [new Grant(Role.Dashboard, "site")], null, default));
    }

    [Theory]
    [InlineData(Role.Dashboard, "none")]
    [InlineData(Role.Dashboard, "a1l1m1")]
    [InlineData(Role.Edge, "site")]
    [InlineData(Role.Edge, "g/+")]
    [InlineData(Role.Edge, "g/n/more")]
    [InlineData(Role.Edge, "/n")]
    public async Task A_grant_at_a_place_that_cannot_be_is_refused(Role role, string at) =>
        Assert.Contains(
            $"'{at}'",
            (await Assert.ThrowsAsync<AccessInputException>(
                () => _office.Keeper.AddKeyAsync(Doer.CommandLine, "k", [new Grant(role, at)], null, default))).Message,
            StringComparison.Ordinal);

    [Fact]
    public async Task The_first_administrator_is_made_once_with_the_newest_word()
    {
        var old = await _office.Keeper.NewSetupWordAsync(default);
        var word = await _office.Keeper.NewSetupWordAsync(default);
        Assert.False(await _office.Keeper.SetUpAsync(old, "root", Office.Password, "test", default));
        Assert.False(await _office.Keeper.SetUpAsync("", "root", Office.Password, "test", default));
        await Assert.ThrowsAsync<AccessInputException>(() => _office.Keeper.SetUpAsync(word, "root", "short", "test", default));
        Assert.True(await _office.Keeper.SetUpAsync(word, "root", Office.Password, "test", default));
        Assert.False(await _office.Keeper.SetUpAsync(word, "second", Office.Password, "test", default));
        Assert.Equal([new Grant(Role.Admin, "site")], _office.Known.FindUser("root")!.Grants);
    }

    [Fact]
    public async Task A_word_for_the_first_administrator_is_good_for_a_day()
    {
        var word = await _office.Keeper.NewSetupWordAsync(default);
        _office.Clock.Advance(TimeSpan.FromHours(25));
        Assert.False(await _office.Keeper.SetUpAsync(word, "root", Office.Password, "test", default));
    }

    [Fact]
    public async Task Every_change_is_in_the_audit()
    {
        await _office.AddAsync("anna", new Grant(Role.Dashboard, "site"));
        await _office.Keeper.SetGrantsAsync(Doer.CommandLine, "anna", [], default);
        await _office.Keeper.SetPasswordAsync(Doer.CommandLine, "anna", "another one", false, default);
        await _office.Keeper.DisableUserAsync(Doer.CommandLine, "anna", true, default);
        await _office.Keeper.DisableUserAsync(Doer.CommandLine, "anna", false, default);
        await _office.Keeper.AddKeyAsync(Doer.CommandLine, "k", [new Grant(Role.Dashboard, "site")], null, default);
        await _office.Keeper.RevokeKeyAsync(Doer.CommandLine, "k", default);
        Assert.Equal(
            [
                "user.add anna", "user.grants anna", "user.password anna", "user.disable anna", "user.enable anna", "key.add k",
                "key.revoke k",
            ],
            await _office.AuditAsync());
    }
}
