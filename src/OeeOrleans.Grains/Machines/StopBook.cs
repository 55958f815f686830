using System.Text.Json;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Grains.Machines;

/// <summary>A machine's recent stops with their reasons, as the table `events` has them. Short stops are counted, not listed.</summary>
internal sealed class StopBook(MachineModel model)
{
    private readonly EventLedger<StopEvent> _events = new(s => s.Id, s => s.StartUs, s => s.EndUs, (a, b) => a == b);
    private List<GivenReason> _given = [];

    public async Task LoadAsync(IStore store, long fromUs, CancellationToken cancellationToken)
    {
        var stored = await store.ReadStopsAsync(model.Id, fromUs, long.MaxValue / 4, cancellationToken);
        // An engine may write JSON in its own way: it is compared in ours.
        _events.Load(stored.Select(s => s with { Payload = Normal(s.Payload) }));
        await LoadReasonsAsync(store, fromUs, cancellationToken);
    }

    public async Task LoadReasonsAsync(IStore store, long fromUs, CancellationToken cancellationToken) =>
        _given = await store.ReadReasonsAsync(model.Id, fromUs - MachineHistory.MaxLookBackUs, long.MaxValue / 4, cancellationToken);

    /// <summary>What to write and remove, given every stop that began after an instant.</summary>
    public (List<StopEvent> Changed, List<string> Removed) Next(IReadOnlyList<StopSpan> stops, long sinceUs) =>
        _events.Next([.. stops.Where(s => !s.Small).Select(s => EventOf(model, model.Reasons.Explain(s, _given)))], sinceUs);

    public void Written(IReadOnlyList<StopEvent> changed, IReadOnlyList<string> removed) => _events.Written(changed, removed);

    public void Given(long clearFromUs, long clearToUs, GivenReason given)
    {
        _given.RemoveAll(g => (g.FromUs >= clearFromUs && g.FromUs < clearToUs) || g.FromUs == given.FromUs);
        _given.Add(given);
    }

    public void ForgetBefore(long timeUs)
    {
        _events.ForgetBefore(timeUs);
        _given.RemoveAll(g => g.UntilUs < timeUs - MachineHistory.MaxLookBackUs);
    }

    public static StopSpan SpanOf(ExplainedStop stop) => new(stop.StartUs, stop.EndUs, stop.ProductionUs, stop.Fault, stop.Small);

    public static StopEvent EventOf(MachineModel model, ExplainedStop stop)
    {
        var longest = stop.Segments.MaxBy(s => (s.ToUs ?? long.MaxValue) - s.FromUs)!;
        var parts = stop.Segments.Select(
            s => new StopPart(
                UnixMicros.ToIso(s.FromUs), s.ToUs is { } to ? UnixMicros.ToIso(to) : null, s.Reason,
                s.Source.ToString().ToLowerInvariant(), s.Comment, s.By));
        return new StopEvent
        {
            Machine = model.Id,
            StartUs = stop.StartUs,
            EndUs = stop.EndUs,
            Reason = longest.Reason ?? "",
            // The length of an open stop grows with every instant; it is written when it is known.
            Payload = JsonSerializer.Serialize(
                new StopPayload(stop.EndUs is null ? null : UnixMicros.ToSeconds(stop.ProductionUs), stop.Fault, [.. parts])),
        };
    }

    public static AuditEntry Audit(string machine, ExplainedStop before, ExplainedStop after, GivenReason given) => new(
        given.AtUs, given.By, "stop.reason", StopEvent.IdOf(machine, before.StartUs),
        JsonSerializer.Serialize(new
        {
            from = UnixMicros.ToIso(given.FromUs),
            whole = given.Whole,
            reason = given.Reason,
            comment = given.Comment,
            was = before.Segments.Select(s => s.Reason),
            now = after.Segments.Select(s => s.Reason),
        }))
    {
        Asset = machine,
    };

    private static string Normal(string payload) => JsonSerializer.Serialize(JsonSerializer.Deserialize<StopPayload>(payload));

    private sealed record StopPayload(double? production_s, string? fault, StopPart[] segments);

    private sealed record StopPart(string from, string? to, string? reason, string source, string? comment, string? by);
}
