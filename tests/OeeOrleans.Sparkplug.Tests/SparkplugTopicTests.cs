using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Sparkplug.Tests;

public sealed class SparkplugTopicTests
{
    [Theory]
    [InlineData("spBv1.0/g/NBIRTH/n")]
    [InlineData("spBv1.0/g/DDATA/n/d")]
    [InlineData("spBv1.0/STATE/host1")]
    public void A_topic_reads_back_as_it_was_written(string topic)
    {
        Assert.True(SparkplugTopic.TryParse(topic, out var parsed, out _));
        Assert.Equal(topic, parsed.ToString());
    }

    [Theory]
    [InlineData("spBv1.0/g/DDATA/n", "needs a device")]
    [InlineData("spBv1.0/g/NDATA/n/d", "has no device")]
    [InlineData("spBv1.0/g/XDATA/n", "no Sparkplug message type")]
    [InlineData("spBv1.0/g//n", "empty")]
    [InlineData("spAv1.0/g/NDATA/n", "does not start with")]
    [InlineData("spBv1.0/g", "4 or 5 levels")]
    public void A_wrong_topic_is_refused_with_the_reason(string topic, string reason)
    {
        Assert.False(SparkplugTopic.TryParse(topic, out _, out var said));
        Assert.Contains(reason, said, StringComparison.Ordinal);
    }
}
