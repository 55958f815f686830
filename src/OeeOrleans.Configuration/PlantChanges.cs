using System.Text.Json;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Configuration;

/// <summary>Who changes the plant, from where, and why.</summary>
/// <param name="Name">As the audit log has it.</param>
/// <param name="Origin">An address, `command line`, the name of a file.</param>
/// <param name="Comment">In the author's words; may be empty.</param>
public sealed record PlantAuthor(string Name, string Origin, string Comment);

/// <summary>The plant in one revision.</summary>
/// <param name="Revision">Which, and who made it.</param>
/// <param name="Plant">What it says.</param>
/// <param name="Models">Versions of machines' models.</param>
/// <param name="Document">Its document.</param>
public sealed record PlantState(PlantRevision Revision, PlantModel Plant, IReadOnlyList<ModelVersion> Models, PlantDocument Document);

/// <summary>Reads the newest revision of the plant, and writes the next one. Two that write at once: one of them is told that it was not
/// the first.</summary>
public sealed class PlantChanges(IStore store, TimeProvider clock)
{
    /// <summary>Differences that an entry of the audit log names at most.</summary>
    private const int MaxNamed = 50;

    public const string Action = "plant.model";

    /// <summary>The newest revision; null while there is none.</summary>
    /// <exception cref="ConfigException">The document cannot be read by this release.</exception>
    public async Task<PlantState?> ReadAsync(CancellationToken cancellationToken)
    {
        if (await store.Plant.ReadPlantAsync(cancellationToken) is not { } stored) return null;
        var document = PlantDocument.Parse(stored.Revision.Document);
        return new PlantState(stored.Revision, document.Read(), stored.Models, document);
    }

    /// <summary>Writes a document as the next revision. What OEE depends on holds from an instant on.</summary>
    /// <param name="before">The newest revision; null: there is none yet.</param>
    /// <param name="document">The next one.</param>
    /// <param name="source">See <see cref="RevisionSource"/>.</param>
    /// <param name="times">From when on.</param>
    /// <returns>Null: somebody else wrote a revision since <paramref name="before"/>.</returns>
    /// <exception cref="ConfigException">The document says nothing that could be.</exception>
    /// <exception cref="PendingModelException">Something is to hold from a later time on, and no time was given.</exception>
    public Task<PlantState?> WriteAsync(
        PlantState before, PlantDocument document, PlantAuthor author, string source, ModelTimes times,
        CancellationToken cancellationToken)
    {
        document = document.Retiring(before.Document, UnixMicros.Now(clock));
        var models = ModelHistory.Change(before.Models, before.Plant, document.Read(), times, UnixMicros.Now(clock));
        return WriteAsync(before, document, models, author, source, times.Otherwise, null, cancellationToken);
    }

    /// <summary>As above, with the versions of machines' models that the caller worked out.</summary>
    /// <param name="file">What the plant's file says, when this is that; null: it has nothing to do with the file.</param>
    public async Task<PlantState?> WriteAsync(
        PlantState? before, PlantDocument document, IReadOnlyList<ModelVersion> models, PlantAuthor author, string source,
        long? validFromUs, string? file, CancellationToken cancellationToken)
    {
        var nowUs = UnixMicros.Now(clock);
        if (before is not null) document = document.Retiring(before.Document, nowUs);
        var plant = document.Read();
        var revision = new PlantRevision(
            (before?.Revision.Revision ?? 0) + 1, nowUs, author.Name, author.Origin, source, author.Comment, validFromUs, document.Text);
        var calendars = (document["calendars"]?.AsArray() ?? []).Select(c => (AssetPlace.IdOf(c), c!.ToJsonString())).ToList();
        var write = new PlantWrite(
            revision, plant, calendars, before is not null && models.SequenceEqual(before.Models) ? null : models,
            before is null ? [] : Moves(before.Plant, plant), Entry(before, document, models, revision))
        {
            Before = before?.Plant, File = file,
        };
        return await store.Plant.SaveRevisionAsync(write, cancellationToken) ? new PlantState(revision, plant, models, document) : null;
    }

    /// <summary>What devices said that are machines' now, and were not before.</summary>
    private static List<SignalMove> Moves(PlantModel before, PlantModel after)
    {
        var known = before.Machines.Where(m => m.EdgeNode is not null).Select(m => (m.EdgeNode, m.Device)).ToHashSet();
        return
        [
            .. after.Machines.Where(m => m.EdgeNode is not null && !known.Contains((m.EdgeNode, m.Device)))
                .Select(m => new SignalMove(
                    m.Device.Length == 0 ? m.EdgeNode! : $"{m.EdgeNode}/{m.Device}", m.Id,
                    // Raw values are no history of a signal that is scaled.
                    m.Tags.ToDictionary(t => t.Metric, t => t is { Scale: 1, Offset: 0 } ? t.Signal : null))),
        ];
    }

    private static AuditEntry Entry(
        PlantState? before, PlantDocument document, IReadOnlyList<ModelVersion> models, PlantRevision revision)
    {
        var differences = before is null ? [] : DocumentDiff.Of(before.Document, document);
        // The first model of a machine is from the beginning of time; it has changed nothing.
        var changed = models.Except(before?.Models ?? []).Where(m => m.FromUs > 0).ToList();
        var detail = JsonSerializer.Serialize(new
        {
            revision = revision.Revision,
            source = revision.Source,
            comment = revision.Comment,
            release = typeof(PlantChanges).Assembly.GetName().Version?.ToString(3),
            machines = document.Read().Machines.Count(),
            changed = changed.Take(MaxNamed).Select(m => new { machine = m.Machine, part = m.Part, from = UnixMicros.ToIso(m.FromUs) }),
            differences = differences.Take(MaxNamed).Select(d => d.ToString()),
            more = Math.Max(0, changed.Count - MaxNamed) + Math.Max(0, differences.Count - MaxNamed),
        });
        return new AuditEntry(revision.AtUs, revision.Author, Action, document.Read().Site.Id, detail) { Origin = revision.Origin };
    }
}
