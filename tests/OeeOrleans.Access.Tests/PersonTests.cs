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
        // Also when the key in between is gone.
        await office.Keeper.RevokeKeyAsync(Doer.CommandLine, "k1", default);
        Assert.Equal("anna", office.Known.PersonOf(second));
    }

    [Fact]
    public async Task Keys_of_the_configuration_are_all_of_whoever_wrote_it()
    {
        await using var office = await Office.OpenAsync(new AccessOptions
        {
            Keys = [new ConfiguredKey("a", "secret a", Anywhere), new ConfiguredKey("b", "secret b", Anywhere)],
        });
        var one = office.Known.PersonOf(office.Known.FindKey("secret a")!);
        Assert.Equal(one, office.Known.PersonOf(office.Known.FindKey("secret b")!));
        Assert.Equal(one, office.Known.PersonOf(await KeyAsync(office, "c", "key:a")));
        Assert.NotEqual(one, office.Known.PersonOf(await KeyAsync(office, "d", "system:root")));
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
        var (one, other) = (Key(office), Key(await office.AnotherAsync()));
        var before = await one.PublicAsync(default);
        Assert.Equal(before, await other.PublicAsync(default));
        using (var signing = await other.OpenAsync(default))
        {
            Assert.Equal(before, Convert.ToBase64String(signing.ExportSubjectPublicKeyInfo()));
        }

        await one.RenewAsync(Doer.CommandLine, default);
        Assert.NotEqual(before, await one.PublicAsync(default));
        Assert.Contains("command.key_renew command-key", await office.AuditAsync());
    }

    private static CommandKey Key(Office office) => new(office.Access, office.Known, office.Refresher, office.Key, office.Clock);

    private static async Task<Identity> KeyAsync(Office office, string name, string maker)
    {
        var made = await office.Keeper.AddKeyAsync(new Doer(maker, "test", null), name, Anywhere, null, default);
        return office.Known.FindKeyById(made.Key.Id)!;
    }
}
