using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;

namespace OeeOrleans.Access.Tests;

public sealed class SignInTests : IAsyncLifetime
{
    private Office _office = null!;

    public async Task InitializeAsync()
    {
        _office = await Office.OpenAsync();
        await _office.AddAsync("anna", new Grant(Role.Scada, "a1"));
    }

    public async Task DisposeAsync() => await _office.DisposeAsync();

    [Fact]
    public async Task A_wrong_password_an_unknown_user_and_a_disabled_one_are_refused_alike()
    {
        await _office.AddAsync("bea");
        await _office.Keeper.DisableUserAsync(Doer.CommandLine, "bea", disabled: true, default);
        Assert.Equal(SignInResult.Refused, await TryAsync("anna", "wrong"));
        Assert.Equal(SignInResult.Refused, await TryAsync("nobody", Office.Password));
        Assert.Equal(SignInResult.Refused, await TryAsync("bea", Office.Password));
        Assert.Equal(SignInResult.Ok, await TryAsync("anna", Office.Password));
    }

    [Fact]
    public async Task Five_wrong_passwords_lock_a_user_for_five_minutes_on_every_gateway()
    {
        var other = await _office.AnotherAsync();
        for (var i = 0; i < 5; i++) Assert.Equal(SignInResult.Refused, await TryAsync("anna", $"wrong {i}"));
        Assert.Equal(SignInResult.Locked, await TryAsync("anna", Office.Password));
        await other.Refresher.RefreshAsync(default);
        Assert.Equal(SignInResult.Locked, (await other.SignIn.CheckAsync("anna", Office.Password, "test", default)).Result);
        _office.Clock.Advance(TimeSpan.FromMinutes(5.1));
        Assert.Equal(SignInResult.Ok, await TryAsync("anna", Office.Password));
    }

    [Fact]
    public async Task A_good_password_forgets_the_wrong_ones_before_it()
    {
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 4; i++) await TryAsync("anna", "wrong");
            Assert.Equal(SignInResult.Ok, await TryAsync("anna", Office.Password));
        }
    }

    [Fact]
    public async Task Sign_ins_and_refusals_are_in_the_audit_and_many_of_one_kind_are_one_entry()
    {
        await _office.SignInAsync("anna");
        for (var i = 0; i < 4; i++) await TryAsync("anna", "wrong");
        for (var i = 0; i < 300; i++) _office.Refusals.Note("unknown", "request.refused", "/api/x", "10.0.0.1", "credentials");
        await _office.Refusals.FlushAsync(default);
        var entries = (await _office.Access.ReadChainAsync(0, 100, default)).Entries;
        Assert.Contains(entries, e => e.Entry is { Action: "sign_in", Actor: "anna", Origin: "test" });
        string Detail(string action) => Assert.Single(entries, e => e.Entry.Action == action).Entry.Detail;
        Assert.Contains("\"count\":4", Detail("sign_in.refused"), StringComparison.Ordinal);
        Assert.Contains("\"count\":300", Detail("request.refused"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refusals_of_very_many_kinds_stay_few()
    {
        for (var i = 0; i < 10_000; i++) _office.Refusals.Note("unknown", "sign_in.refused", $"user{i}", $"10.0.0.{i % 250}", "refused");
        await _office.Refusals.FlushAsync(default);
        Assert.InRange((await _office.Access.ReadChainAsync(0, 1000, default)).Entries.Count, 90, 110);
    }

    [Fact]
    public async Task Another_password_ends_every_sign_in()
    {
        var pair = await _office.SignInAsync("anna");
        Assert.NotNull(await _office.Tokens.FindAsync(pair.Access));
        await _office.Keeper.SetPasswordAsync(Doer.CommandLine, "anna", "another one", mustChange: true, default);
        Assert.Null(await _office.Tokens.FindAsync(pair.Access));
        Assert.Null(await _office.Tokens.RefreshAsync(pair.Refresh, "test", default));
        Assert.True(_office.Known.FindUser("anna")!.MustChangePassword);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("my name is anna")]
    public async Task A_password_that_is_easily_guessed_is_refused(string password) =>
        await Assert.ThrowsAsync<AccessInputException>(
            () => _office.Keeper.ChangeOwnPasswordAsync("anna", "x", password, "test", default));

    [Fact]
    public async Task A_user_name_of_any_kind_does_no_harm()
    {
        foreach (var name in new[] { "", "' or 1=1 --", "a\0b", "\ud800", new string('x', 10_000), "anna\r\nuser.add root", "%s{0}" })
        {
            Assert.Equal(SignInResult.Refused, await TryAsync(name, Office.Password));
            await Assert.ThrowsAsync<AccessInputException>(
                () => _office.Keeper.AddUserAsync(Doer.CommandLine, name, Office.Password, [], false, default));
        }

        await _office.Refusals.FlushAsync(default);
        Assert.Single(_office.Known.Users);
    }

    private async Task<SignInResult> TryAsync(string name, string password) =>
        (await _office.SignIn.CheckAsync(name, password, "test", default)).Result;
}
