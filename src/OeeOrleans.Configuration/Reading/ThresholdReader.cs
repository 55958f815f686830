using System.Text;
using OeeOrleans.Model.Plant;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Configuration.Reading;

/// <summary>
/// The key `thresholds`: `{ id, machine, signal or kpi, window, above or below, hysteresis, delay_s, severity, text }`.
/// </summary>
internal sealed class ThresholdReader(YamlSection root)
{
    private const decimal MaxLimit = 1e15m;
    private const decimal MaxDelayS = 30 * 86_400;

    private readonly Problems _problems = root.Problems;
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);

    /// <param name="machines">Ids of the plant's machines.</param>
    /// <param name="checkId">Judges an id by the rule of all ids.</param>
    public List<Threshold> Read(IReadOnlySet<string> machines, Action<YamlSection, string> checkId) =>
        [.. root.Sections("thresholds").Select(s => ReadOne(s, machines, checkId))];

    private Threshold ReadOne(YamlSection section, IReadOnlySet<string> machines, Action<YamlSection, string> checkId)
    {
        var id = section.Required("id", "filler1-hot");
        checkId(section, id);
        if (id.Length > 0 && !_ids.Add(id))
        {
            _problems.Add(section.LineOf("id"), $"{section.Path}.id: the threshold '{id}' is defined twice");
        }

        var machine = section.Required("machine", "filler1");
        if (machine.Length > 0 && !machines.Contains(machine))
        {
            _problems.Add(section.LineOf("machine"), $"{section.Path}.machine: there is no machine '{machine}'");
        }

        var signal = section.Text("signal");
        var (above, below) = (section.Number("above", -MaxLimit, MaxLimit), section.Number("below", -MaxLimit, MaxLimit));
        var kpi = section.Choice<string?>(
            "kpi", null, ("oee", "oee"), ("availability", "availability"), ("performance", "performance"), ("quality", "quality"),
            ("rate_per_hour", "rate_per_hour"));
        if ((signal is null) == (kpi is null))
        {
            _problems.Add(section.Line, $"{section.Path}: one of 'signal' and 'kpi' is needed, such as signal: process.temperature");
        }

        if (signal is not null && NameRule.WhyNotMetric(Encoding.UTF8.GetBytes(signal)) is { } wrong)
        {
            _problems.Add(section.LineOf("signal"), $"{section.Path}.signal: {wrong}");
        }

        if ((above is null) == (below is null))
        {
            _problems.Add(section.Line, $"{section.Path}: one of 'above' and 'below' is needed, such as above: 75");
        }

        if (kpi is null && section.Has("window")) _problems.Add(section.LineOf("window"), $"{section.Path}.window: it belongs to 'kpi'");
        var result = new Threshold
        {
            Id = id,
            Machine = machine,
            Signal = signal,
            Kpi = kpi,
            Window = section.Choice("window", "shift", ("shift", "shift"), ("hour", "hour"), ("day", "day"), ("rolling_5m", "rolling_5m")),
            Above = (double?)above,
            Below = (double?)below,
            Hysteresis = (double)(section.Number("hysteresis", 0, MaxLimit) ?? 0),
            DelayS = section.Number("delay_s", 0, MaxDelayS) ?? 0,
            Severity = (short)section.Integer("severity", 500, 0, 1000),
            Text = section.Text("text"),
        };
        section.Close();
        return result;
    }
}
