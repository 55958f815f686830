using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi;

/// <summary>
/// Why a machine stood: its fault codes, the plant's catalogue of reasons, and what people gave. A person's word beats the machine's.
/// </summary>
public sealed class ReasonBook(IReadOnlyList<StopReason> catalogue, IReadOnlyDictionary<string, FaultCode> faults)
{
    private static readonly Dictionary<string, FaultCode> NoFaults = [];

    private readonly Dictionary<string, StopReason> _catalogue = catalogue.ToDictionary(r => r.Id, StringComparer.Ordinal);

    /// <summary>No catalogue and no fault map: a fault code is its own reason.</summary>
    public static ReasonBook Empty { get; } = new([], NoFaults);

    public IReadOnlyList<StopReason> Catalogue => catalogue;

    /// <summary>The reason a fault code stands for; itself when the map has none.</summary>
    public string OfFault(string code) => faults.GetValueOrDefault(code)?.Reason ?? code;

    public string NameOf(string reason) => _catalogue.GetValueOrDefault(reason)?.Name ?? faults.GetValueOrDefault(reason)?.Text ?? reason;

    /// <summary>Severity and text of a fault code, where the map has them.</summary>
    public FaultCode? Fault(string code) => faults.GetValueOrDefault(code);

    /// <summary>The kind of loss: what the catalogue says, else breakdown where a fault was active and other where none was.</summary>
    public LossKind LossOf(string? reason, bool hadFault)
    {
        if (reason is not null && _catalogue.TryGetValue(reason, out var known)) return known.Loss;
        return hadFault ? LossKind.Breakdown : LossKind.Other;
    }

    /// <summary>
    /// The parts of a stop. A reason belongs to the stop in which it begins, or, when late data has moved that stop's start, to the one
    /// that it overlaps.
    /// </summary>
    public ExplainedStop Explain(in StopSpan stop, IReadOnlyList<GivenReason> given)
    {
        var (start, end) = (stop.StartUs, stop.EndUs ?? long.MaxValue);
        var mine = given
            .Where(g => g.FromUs < end && (g.FromUs >= start || g.UntilUs > start))
            .OrderBy(g => Math.Max(g.FromUs, start)).ThenBy(g => g.AtUs)
            .ToList();
        var segments = new List<StopSegment>();
        if (mine.Count == 0 || (mine[0].FromUs > start && !mine[0].Whole)) segments.Add(Own(start, stop.Fault));
        foreach (var reason in mine)
        {
            var from = segments.Count == 0 ? start : Math.Max(reason.FromUs, start);
            // Two of one instant: the one given last counts.
            if (segments.Count > 0 && segments[^1].FromUs == from) segments.RemoveAt(segments.Count - 1);
            segments.Add(reason.Reason is null
                ? Own(from, stop.Fault) with { Comment = reason.Comment, By = reason.By }
                : new StopSegment(from, null, reason.Reason, ReasonSource.Person, reason.Comment, reason.By));
        }

        for (var i = 0; i < segments.Count; i++)
        {
            segments[i] = segments[i] with { ToUs = i + 1 < segments.Count ? segments[i + 1].FromUs : stop.EndUs };
        }

        return new ExplainedStop(stop.StartUs, stop.EndUs, stop.ProductionUs, stop.Small, stop.Fault, segments);
    }

    private StopSegment Own(long fromUs, string? fault) =>
        fault is null
            ? new StopSegment(fromUs, null, null, ReasonSource.None)
            : new StopSegment(fromUs, null, OfFault(fault), ReasonSource.Fault);
}
