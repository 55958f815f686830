using OeeOrleans.Host.Watch;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;

namespace OeeOrleans.Host.Tests;

public sealed class PlantViewTests
{
    private static readonly EdgeDevice Press = new(
        "press1", [new EdgeMetric("counter.good", SparkplugDataType.Int64, 1), new EdgeMetric("state.run", SparkplugDataType.Boolean, 2)]);

    private readonly PlantView _view = new(TimeProvider.System);
    private readonly EdgeNodeSession _edge = new(new EdgeNodeDefinition("g", "n", [], [Press]));
    private readonly ulong _now = (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    [Fact]
    public void A_plant_is_shown_with_values_sequence_errors_and_deaths()
    {
        _edge.Will(1);
        Hear(_edge.NodeBirth(_now, []));
        Hear(_edge.DeviceBirth(Press, _now, [new EdgeValue(Press.Metrics[0], _now, 41L), new EdgeValue(Press.Metrics[1], _now, true)]));
        _edge.Data(Press, _now, []);
        Hear(_edge.Data(Press, _now + 50, [new EdgeValue(Press.Metrics[0], _now, 42L)]));
        var lines = _view.Lines(1);
        Assert.StartsWith("g/n  online", lines[0].Text, StringComparison.Ordinal);
        Assert.Contains("1 births, 1 missed", lines[0].Text, StringComparison.Ordinal);
        Assert.Contains(lines, l => l.Depth == 1 && l.Text.StartsWith("press1  alive, 2 metrics", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Depth == 2 && l.Text.StartsWith("counter.good = 42", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Text == "and 1 more");
        Hear(_edge.Death());
        Assert.StartsWith("g/n  OFFLINE", _view.Lines(1)[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_whose_birth_was_not_seen_is_asked_for_it_once()
    {
        _edge.Will(1);
        _edge.NodeBirth(_now, []);
        for (var i = 0; i < 3; i++) Hear(_edge.Data(Press, _now, [new EdgeValue(Press.Metrics[0], _now, 1L)]));
        Assert.Equal("g/n", _view.NextUnborn());
        Assert.Null(_view.NextUnborn());
        Assert.Contains("birth not seen", _view.Lines(5)[0].Text, StringComparison.Ordinal);
        _view.Hear("nonsense", [1, 2]);
        Assert.Equal(1, _view.Unreadable);
    }

    private void Hear(EdgeMessage message) => _view.Hear(message.Topic.ToString(), message.Payload.Span);
}
