using System.Text.Json;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Sink;

namespace OeeOrleans.Grains.Machines;

/// <summary>Writes what was computed of a machine. A result that the store refuses is looked for, kept as a dead letter, and written no
/// more until it says something else: it must not keep all others of its machine from being stored.</summary>
internal sealed class ResultWriter(string machine, ICommitSink sink)
{
    public async Task WriteAsync(ResultUnit unit, long nowUs, CancellationToken cancellationToken)
    {
        try
        {
            await sink.CommitAsync(unit, cancellationToken);
        }
        catch (CommitRefusedException refused)
        {
            var parts = PartsOf(unit);
            if (parts.Count <= 1) await PutAsideAsync(unit, refused.Message, nowUs, cancellationToken);
            else await WritePartsAsync(parts, nowUs, cancellationToken);
        }
    }

    private async Task WritePartsAsync(IReadOnlyList<ResultUnit> parts, long nowUs, CancellationToken cancellationToken)
    {
        var half = (parts.Count + 1) / 2;
        await WriteAsync(Together([.. parts.Take(half)]), nowUs, cancellationToken);
        await WriteAsync(Together([.. parts.Skip(half)]), nowUs, cancellationToken);
    }

    private Task PutAsideAsync(ResultUnit unit, string reason, long nowUs, CancellationToken cancellationToken)
    {
        GrainMetrics.RefusedResults.Inc();
        var payload = JsonSerializer.SerializeToUtf8Bytes(new { unit.Windows, unit.Faults, unit.Stops, unit.RemovedEvents, unit.Snapshot });
        var letter = DeadLetter.Of(nowUs, $"result {machine}", payload, reason);
        return sink.CommitAsync(new TelemetryUnit { Owner = machine, DeadLetters = [letter] }, cancellationToken);
    }

    /// <summary>Each result by itself.</summary>
    private static List<ResultUnit> PartsOf(ResultUnit unit)
    {
        var none = new ResultUnit { Owner = unit.Owner };
        var parts = new List<ResultUnit>();
        parts.AddRange(unit.Windows.Select(w => none with { Windows = [w] }));
        parts.AddRange(unit.Faults.Select(f => none with { Faults = [f] }));
        parts.AddRange(unit.Stops.Select(s => none with { Stops = [s] }));
        parts.AddRange(unit.RemovedEvents.Select(r => none with { RemovedEvents = [r] }));
        if (unit.Snapshot is not null) parts.Add(none with { Snapshot = unit.Snapshot });
        return parts;
    }

    private static ResultUnit Together(List<ResultUnit> parts) => new()
    {
        Owner = parts[0].Owner,
        Windows = [.. parts.SelectMany(p => p.Windows)],
        Faults = [.. parts.SelectMany(p => p.Faults)],
        Stops = [.. parts.SelectMany(p => p.Stops)],
        RemovedEvents = [.. parts.SelectMany(p => p.RemovedEvents)],
        Snapshot = parts.Select(p => p.Snapshot).FirstOrDefault(s => s is not null),
    };
}
