using CsCheck;
using OeeOrleans.Access.Grants;

namespace OeeOrleans.Access.Tests;

public sealed class AccessScopeTests
{
    private static readonly AssetTree Tree = new(Plants.Small);
    private static readonly string[] Nodes = ["site", "a1", "a2", "a1l1", "a1l2", "a2l1", "a2l2", "gone"];
    private static readonly Gen<Grant> AnyGrant = Gen.Select(
        Gen.Int[0, 4], Gen.Int[0, Nodes.Length - 1], (role, at) => new Grant((Role)role, Nodes[at]));

    [Theory]
    [InlineData(Role.Dashboard, Permission.Look)]
    [InlineData(Role.Analytics, Permission.Look | Permission.History)]
    [InlineData(Role.Scada, Permission.Look | Permission.History | Permission.Operate)]
    [InlineData(Role.Edge, Permission.Publish)]
    [InlineData(Role.Admin, Permission.Look | Permission.History | Permission.Operate | Permission.Administer)]
    public void A_role_permits_what_the_table_says(Role role, Permission permissions) => Assert.Equal(permissions, role.Permissions());

    [Fact]
    public void A_grant_holds_at_its_node_and_below_it_and_nowhere_else()
    {
        var scope = Of(new Grant(Role.Scada, "a1"));
        Assert.True(scope.Allows(Permission.Operate, "a1l1"));
        Assert.True(scope.Allows(Permission.Operate, "a1l2m2"));
        Assert.False(scope.Allows(Permission.Look, "a2l1"));
        Assert.False(scope.Allows(Permission.Look, "a2l1m1"));
        Assert.False(scope.Allows(Permission.Administer, "a1l1"));
        Assert.False(scope.AllowsEverywhere(Permission.Look));
        Assert.Equal(["a1l1", "a1l2"], scope.Lines.Select(l => l.Id));
        Assert.Equal(["a1l1m1", "a1l1m2", "a1l2m1", "a1l2m2"], scope.MachineIds);
    }

    [Fact]
    public void Grants_add_up_and_none_takes_another_away()
    {
        var scope = Of(new Grant(Role.Dashboard, "site"), new Grant(Role.Scada, "a2l2"));
        Assert.True(scope.AllowsEverywhere(Permission.Look));
        Assert.True(scope.Allows(Permission.Operate, "a2l2m1"));
        Assert.False(scope.Allows(Permission.Operate, "a2l1m1"));
        Assert.False(scope.AllowsEverywhere(Permission.Operate));
    }

    [Fact]
    public void Without_a_grant_nothing_exists()
    {
        var scope = Of();
        Assert.Empty(scope.Lines);
        Assert.False(scope.Sees("a1l1m1"));
        Assert.False(scope.Allows(Permission.Look));
    }

    [Fact]
    public void An_edge_sees_nothing_of_the_plant()
    {
        var scope = Of(new Grant(Role.Edge, "g/a1l1"));
        Assert.True(scope.Allows(Permission.Publish));
        Assert.False(scope.Allows(Permission.Look));
        Assert.Empty(scope.Lines);
    }

    [Fact]
    public void A_node_that_is_gone_permits_nothing()
    {
        var scope = Of(new Grant(Role.Admin, "gone"));
        Assert.False(scope.Allows(Permission.Look));
        Assert.False(scope.Administers(new Grant(Role.Dashboard, "gone")));
    }

    [Theory]
    [InlineData("site", "dashboard", "a2l1", true)]
    [InlineData("a1", "admin", "a1", true)]
    [InlineData("a1", "scada", "a1l2", true)]
    [InlineData("a1", "dashboard", "site", false)]
    [InlineData("a1", "dashboard", "a2", false)]
    [InlineData("a1l1", "admin", "a1", false)]
    [InlineData("a1l1", "edge", "g/a1l1", true)]
    [InlineData("a1l1", "edge", "g/a1l2", false)]
    [InlineData("a1", "edge", "g/of-nobody", false)]
    [InlineData("site", "edge", "g/of-nobody", true)]
    public void An_administrator_gives_what_lies_within_its_own(string administers, string role, string at, bool may)
    {
        RoleNames.TryParse(role, out var parsed);
        Assert.Equal(may, Of(new Grant(Role.Admin, administers)).Administers(new Grant(parsed, at)));
    }

    [Fact]
    public void Nobody_can_give_more_than_it_has() => AnyGrant.Array[0, 4].Select(AnyGrant).Sample((own, given) =>
    {
        var giver = Of(own);
        if (!giver.Administers(given) || given.Role == Role.Edge) return;
        var receiver = Of(given);
        foreach (var line in receiver.Lines)
        {
            Assert.All(
                new[] { Permission.Look, Permission.History, Permission.Operate, Permission.Administer },
                p => Assert.True(!receiver.Allows(p, line.Id) || giver.Allows(p, line.Id)));
        }
    });

    [Fact]
    public void A_scope_is_the_union_of_its_grants() => AnyGrant.Array[0, 5].Sample(grants =>
    {
        var whole = Of(grants);
        foreach (var line in Tree.Lines)
        {
            foreach (var permission in Enum.GetValues<Permission>().Where(p => p != Permission.None))
            {
                Assert.Equal(grants.Any(g => Of(g).Allows(permission, line.Id)), whole.Allows(permission, line.Id));
            }
        }
    });

    private static AccessScope Of(params Grant[] grants) => new(Tree, grants);
}
