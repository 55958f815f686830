using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;
using OeeOrleans.Model;

namespace OeeOrleans.Access.Tests;

/// <summary>Whom somebody else signs in.</summary>
public sealed class ExternalTests
{
    private static readonly Grant Admin = new(Role.Admin, "site");
    private static readonly Grant Reader = new(Role.Dashboard, "site");

    [Theory]
    [InlineData("roles", "roles", "plant-admins")]
    // As the user information says it: all values in one.
    [InlineData("roles", "roles", "[\"plant-admins\",\"others\"]")]
    [InlineData("realm.roles", "realm", "{\"roles\":[\"plant-admins\"]}")]
    [InlineData("https://x/roles", "https://x/roles", "plant-admins")]
    public void A_claim_grants_what_the_configuration_says_in_whatever_form_it_comes(string claim, string type, string value) =>
        Assert.Equal([Admin], Options(claim).GrantsOf([(type, value), ("sub", "x")]));

    [Theory]
    [InlineData("[")]
    [InlineData("[1,null,{}]")]
    [InlineData("plant")]
    [InlineData("")]
    public void A_claim_that_says_nothing_known_grants_nothing(string value) =>
        Assert.Empty(Options("roles").GrantsOf([("roles", value)]));

    [Fact]
    public void A_sign_in_has_what_the_configuration_still_gives()
    {
        var identity = new Identity(IdentityKind.External, "otto", [Admin, Reader]) { EndsUs = long.MaxValue };
        Assert.Equal([Admin], Directory(Options("roles")).FindExternal(identity)!.Grants);
        Assert.Null(Directory(null).FindExternal(identity));
        Assert.Null(Directory(Options("roles")).FindExternal(identity with { EndsUs = UnixMicros.Now(TimeProvider.System) - 1 }));
    }

    private static AccessDirectory Directory(OidcOptions? oidc) =>
        new(new AssetTree(Plants.Small), new AccessOptions { Oidc = oidc }, TimeProvider.System);

    private static OidcOptions Options(string claim) => new()
    {
        Authority = "https://a", Claim = claim, Roles = new Dictionary<string, Grant> { ["plant-admins"] = Admin },
    };
}
