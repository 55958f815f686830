using System.Text;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Sparkplug.Tests;

/// <summary>One rule for names, at the door of topics and at the door of births.</summary>
public sealed class NameRuleTests
{
    [Theory]
    [InlineData("filler1")]
    [InlineData("Füller 1 (links)")]
    public void Names_as_people_give_them_are_taken(string id)
    {
        Assert.Null(NameRule.WhyNotId("device", id));
        Assert.True(SparkplugTopic.TryParse($"spBv1.0/g/DDATA/n/{id}", out var topic, out _));
        Assert.Equal(id, topic.Device);
    }

    [Theory]
    [InlineData("a\u0001b", "U+0001")]
    [InlineData("a\u007fb", "U+007F")]
    [InlineData("a+b", "'+'")]
    [InlineData("a#b", "'#'")]
    public void Characters_that_no_name_has_are_named_in_the_refusal(string id, string named)
    {
        Assert.Contains(named, NameRule.WhyNotId("device", id), StringComparison.Ordinal);
        Assert.False(SparkplugTopic.TryParse($"spBv1.0/g/DDATA/n/{id}", out _, out var reason));
        Assert.Contains(named, reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("spBv1.0/{0}/DDATA/n/d", "group")]
    [InlineData("spBv1.0/g/DDATA/{0}/d", "edge node")]
    [InlineData("spBv1.0/g/DDATA/n/{0}", "device")]
    [InlineData("spBv1.0/STATE/{0}", "host")]
    public void An_id_has_256_bytes_at_most_in_whichever_level_it_stands(string pattern, string level)
    {
        Assert.True(SparkplugTopic.TryParse(pattern.Replace("{0}", new string('x', 256), StringComparison.Ordinal), out _, out _));
        Assert.False(
            SparkplugTopic.TryParse(pattern.Replace("{0}", new string('x', 257), StringComparison.Ordinal), out _, out var reason));
        Assert.Contains($"the {level} id", reason, StringComparison.Ordinal);
        // Bytes, not characters.
        Assert.False(SparkplugTopic.TryParse(pattern.Replace("{0}", new string('ü', 129), StringComparison.Ordinal), out _, out _));
    }

    [Fact]
    public void A_topic_of_65_535_characters_is_refused_without_being_taken_apart()
    {
        Assert.False(SparkplugTopic.TryParse("spBv1.0/" + string.Join('/', Enumerable.Repeat("x", 30_000)), out _, out var reason));
        Assert.Contains("characters", reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("a\nb", "U+000A")]
    [InlineData("a\0b", "U+0000")]
    public void A_metric_name_that_is_none_is_refused(string name, string why) =>
        Assert.Contains(why, NameRule.WhyNotMetric(Encoding.UTF8.GetBytes(name)), StringComparison.Ordinal);

    [Fact]
    public void A_metric_name_has_1024_bytes_at_most_and_is_UTF_8()
    {
        Assert.Null(NameRule.WhyNotMetric(Encoding.UTF8.GetBytes(new string('x', 1024))));
        Assert.NotNull(NameRule.WhyNotMetric(Encoding.UTF8.GetBytes(new string('x', 1025))));
        Assert.Contains("UTF-8", NameRule.WhyNotMetric([0x61, 0xC3]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_topic_that_was_read_before_is_read_the_same_and_a_flood_of_topics_costs_no_memory()
    {
        var cache = new SparkplugTopicCache(10);
        for (var i = 0; i < 1_000; i++)
        {
            Assert.True(cache.TryParse($"spBv1.0/g/DDATA/n/d{i % 25}", out var topic, out _));
            Assert.Equal($"d{i % 25}", topic.Device);
            Assert.False(cache.TryParse("spBv1.0/x", out _, out var reason));
            Assert.NotEmpty(reason);
        }
    }
}
