using System.Text;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Model;
using OeeOrleans.Model.Commands;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Session;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>What one message of our own edge nodes says of its records; counted when the message was understood as a whole.</summary>
internal sealed class CommitControl
{
    private readonly List<ulong> _records = [];
    private readonly List<(AuditEntry Entry, CommandAnswer? Answer)> _reports = [];
    private string? _queue;
    private ulong? _first;

    /// <summary>What a birth of the node says of the sources that the plant gave it; null: nothing.</summary>
    public SourcesReport? Sources { get; private set; }

    public void Clear()
    {
        _records.Clear();
        _reports.Clear();
        (_queue, _first, Sources) = (null, null, null);
    }

    public void Read(MetricDefinition definition, scoped in MetricView metric)
    {
        if (metric.IsNull) return;
        switch (definition.Name)
        {
            // In a birth it only announces the metric.
            case CommitMetrics.Record when metric.Bits > 0: _records.Add(metric.Bits); break;
            case CommitMetrics.GivenUp: _records.Add(metric.Bits); break;
            case CommitMetrics.First: _first = metric.Bits; break;
            case CommitMetrics.Queue: _queue = Encoding.UTF8.GetString(metric.Content); break;
            case SourcesReport.MetricName: Sources = SourcesReport.Parse(metric.Content); break;
            default: break;
        }
    }

    public void Add((AuditEntry Entry, CommandAnswer? Answer) report) => _reports.Add(report);

    /// <summary>What is reported for the first time: a record that comes again is committed with what it reported.</summary>
    public IReadOnlyList<(AuditEntry Entry, CommandAnswer? Answer)> NewReports(CommittedRecords committed) =>
        _records.TrueForAll(committed.Holds) ? [] : _reports;

    public void CommitTo(CommittedRecords committed)
    {
        if (_queue is not null || (_first is not null && committed.Queue is not null)) committed.Announce(_queue, _first ?? 0);
        if (committed.Queue is null) return;
        foreach (var record in _records) committed.Add(record);
    }
}
