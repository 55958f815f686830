using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;
using OeeOrleans.Access.Keys;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access.Tests;

/// <summary>Who stands behind an identity, and the key that commands are signed with.</summary>
public sealed class PersonTests
{
    private static readonly Grant[] Anywhere = [new(Role.Admin, Plants.Small.Site.Id)];

    [Fact]
    public async Task A_key_is_the_person_who_made_it_also_through_keys()
    {
        await using var office = await Office.OpenAsync();
        await office.AddAsync("anna", Anywhere);
        var first = await KeyAsync(office, "k1", "anna");
        var second = await KeyAsync(office, "k2", "key:k1");
        Assert.Equal("anna", office.Known.PersonOf(office.Known.FindUser("anna")!));
        Assert.Equal("anna", office.Known.PersonOf(first));
        Assert.Equal("anna", office.Known.PersonOf(second));
        // However many are in between.
        var last = second;
        for (var i = 3; i < 40; i++) last = await KeyAsync(office, $"k{i}", $"key:k{i - 1}");
        Assert.Equal("anna", office.Known.PersonOf(last));
        // Also when the key in between is gone.
        await office.Keeper.RevokeKeyAsync(Doer.CommandLine, "k1", default);
        Assert.Equal("anna", office.Known.PersonOf(second));
    }

    [Fact]
    public async Task Who_stands_behind_keys_of_the_configuration_and_the_command_line_nobody_knows()
    {
        await using var office = await Office.OpenAsync(new AccessOptions
        {
            Keys = [new ConfiguredKey("a", "secret a", Anywhere), new ConfiguredKey("b", "secret b", Anywhere)],
        });
        Assert.Null(office.Known.PersonOf(office.Known.FindKey("secret b")!));
        Assert.Null(office.Known.PersonOf(await KeyAsync(office, "c", "key:a")));
        Assert.Null(office.Known.PersonOf(await KeyAsync(office, "d", "system:root")));
        Assert.Null(office.Known.PersonOf(await KeyAsync(office, "e", "key:d")));
        Assert.Null(office.Known.PersonOf(await KeyAsync(office, "f", "key:gone")));
    }

    [Fact]
    public async Task Somebody_from_outside_is_not_the_user_of_the_same_name()
    {
        await using var office = await Office.OpenAsync();
        Assert.Equal("external:anna", office.Known.PersonOf(new Identity(IdentityKind.External, "anna", [])));
    }

    [Fact]
    public async Task All_gateways_sign_commands_with_one_key_until_it_is_renewed()
    {
        await using var office = await Office.OpenAsync();
        var second = await office.AnotherAsync();
        var (one, other) = (Key(office), Key(second));
        var before = await one.PublicAsync(default);
        Assert.Equal(before, await other.PublicAsync(default));
        using (var signing = await other.OpenAsync(default))
        {
            Assert.Equal(before, Convert.ToBase64String(signing.ExportSubjectPublicKeyInfo()));
        }

        await one.RenewAsync(Doer.CommandLine, default);
        var after = await one.PublicAsync(default);
        Assert.NotEqual(before, after);
        Assert.Equal(before, other.PublicNow());
        await second.Refresher.RefreshAsync(default);
        Assert.Equal(after, other.PublicNow());
        Assert.Contains("command.key_renew command-key", await office.AuditAsync());
    }

    private static CommandKey Key(Office office) => new(office.Access, office.Known, office.Refresher, office.Key, office.Clock);

    private static async Task<Identity> KeyAsync(Office office, string name, string maker)
    {
        var made = await office.Keeper.AddKeyAsync(new Doer(maker, "test", null), name, Anywhere, null, default);
        return office.Known.FindKeyById(made.Key.Id)!;
    }
}
