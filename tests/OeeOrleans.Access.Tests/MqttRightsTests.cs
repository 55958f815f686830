using CsCheck;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Mqtt;

namespace OeeOrleans.Access.Tests;

public sealed class MqttRightsTests
{
    private const string Results = "site/oee";

    private static readonly Gen<string> AnyLevel = Gen.Int[0, 4].Select(i => new[] { "a", "b", "", "+", "$x" }[i]);
    private static readonly Gen<string> AnyFilter = Gen.Select(
        AnyLevel.Array[1, 4], Gen.Bool, (levels, hash) => string.Join('/', hash ? [.. levels, "#"] : levels));
    private static readonly Gen<string> AnyTopic = AnyLevel.Where(l => l != "+").Array[1, 5].Select(l => string.Join('/', l));

    [Theory]
    [InlineData("#", "a/b", true)]
    [InlineData("#", "$SYS/x", false)]
    [InlineData("+/x", "$SYS/x", false)]
    [InlineData("a/#", "a", true)]
    [InlineData("a/#", "ab", false)]
    [InlineData("a/+", "a/b", true)]
    [InlineData("a/+", "a/+", true)]
    [InlineData("a/+", "a/#", false)]
    [InlineData("a/+", "a", false)]
    [InlineData("a/+", "a/b/c", false)]
    [InlineData("a/b", "a/+", false)]
    [InlineData("a/+/#", "a/#", false)]
    public void A_filter_covers_what_it_matches(string allowed, string asked, bool covers) =>
        Assert.Equal(covers, TopicFilter.Covers(allowed, asked));

    [Fact]
    public void What_a_covered_filter_matches_the_covering_one_matches_too() =>
        Gen.Select(AnyFilter, AnyFilter, AnyTopic).Sample((allowed, asked, topic) =>
            Assert.True(
                !TopicFilter.Covers(allowed, asked) || !TopicFilter.Covers(asked, topic) || TopicFilter.Covers(allowed, topic)
                    || topic is ['$', ..]));

    [Theory]
    [InlineData("spBv1.0/g/NBIRTH/a1l1", true)]
    [InlineData("spBv1.0/g/NDATA/a1l1", true)]
    [InlineData("spBv1.0/g/NDEATH/a1l1", true)]
    [InlineData("spBv1.0/g/DDATA/a1l1/press", true)]
    [InlineData("spBv1.0/g/DBIRTH/a1l1/press", true)]
    [InlineData("spBv1.0/g/NDATA/a1l2", false)]
    [InlineData("spBv1.0/h/NDATA/a1l1", false)]
    [InlineData("spBv1.0/g/NCMD/a1l1", false)]
    [InlineData("spBv1.0/g/DCMD/a1l1/press", false)]
    [InlineData("spBv1.0/g/DDATA/a1l1/press/more", false)]
    [InlineData("spBv1.0/STATE/oee", false)]
    [InlineData("$SYS/x", false)]
    public void An_edge_publishes_as_itself_only(string topic, bool may) =>
        Assert.Equal(may, Of(new Grant(Role.Edge, "g/a1l1")).MayPublish(topic));

    [Theory]
    [InlineData("spBv1.0/g/NCMD/a1l1", true)]
    [InlineData("spBv1.0/g/DCMD/a1l1/#", true)]
    [InlineData("spBv1.0/STATE/+", true)]
    [InlineData("$share/x/spBv1.0/g/NCMD/a1l1", true)]
    [InlineData("$share/x/spBv1.0/#", false)]
    [InlineData("spBv1.0/g/DCMD/+/#", false)]
    [InlineData("spBv1.0/g/NDATA/a1l1", false)]
    [InlineData("spBv1.0/#", false)]
    [InlineData("#", false)]
    public void An_edge_hears_its_own_commands_only(string filter, bool may) =>
        Assert.Equal(may, Of(new Grant(Role.Edge, "g/a1l1")).MaySubscribe(filter));

    [Fact]
    public void A_grant_for_a_group_is_for_all_of_its_nodes()
    {
        var rights = Of(new Grant(Role.Edge, "g/*"));
        Assert.True(rights.MayPublish("spBv1.0/g/DDATA/any/press"));
        Assert.False(rights.MayPublish("spBv1.0/h/DDATA/any/press"));
    }

    [Fact]
    public void Results_are_nobodys_to_publish_though_all_of_their_group_is()
    {
        foreach (var at in new[] { "site/*", "*/*", "site/oee" })
        {
            var rights = Of(new Grant(Role.Edge, at));
            Assert.False(rights.MayPublish("spBv1.0/site/DDATA/oee/press"));
            Assert.False(rights.MayPublish("spBv1.0/site/NBIRTH/oee"));
            Assert.Equal(at != "site/oee", rights.MayPublish("spBv1.0/site/NBIRTH/other"));
        }
    }

    [Fact]
    public void Who_may_look_hears_the_results_of_what_it_may_look_at()
    {
        var area = Of(new Grant(Role.Dashboard, "a1"));
        Assert.True(area.MaySubscribe("spBv1.0/site/DDATA/oee/a1l1"));
        Assert.True(area.MaySubscribe("spBv1.0/site/+/oee/a1l1m1"));
        Assert.False(area.MaySubscribe("spBv1.0/site/DDATA/oee/a2l1"));
        Assert.False(area.MaySubscribe("spBv1.0/site/DDATA/oee/+"));
        Assert.True(Of(new Grant(Role.Dashboard, "site")).MaySubscribe("spBv1.0/site/+/oee/#"));
        Assert.False(Of(new Grant(Role.Dashboard, "site")).MaySubscribe("spBv1.0/g/DDATA/a1l1/press"));
        Assert.Empty(area.Publish);
    }

    [Fact]
    public void Who_may_see_the_history_of_the_site_hears_everything_and_says_nothing()
    {
        var rights = Of(new Grant(Role.Admin, "site"));
        Assert.True(rights.MaySubscribe("spBv1.0/#"));
        Assert.Empty(rights.Publish);
        Assert.False(Of(new Grant(Role.Admin, "a1")).MaySubscribe("spBv1.0/#"));
    }

    [Fact]
    public void Without_a_grant_there_is_nothing_to_hear() => Assert.Empty(Of().Subscribe);

    private static MqttRights Of(params Grant[] grants) => MqttRights.Of(new AccessScope(new AssetTree(Plants.Small), grants), Results);
}
