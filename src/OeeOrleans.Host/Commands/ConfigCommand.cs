using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using OeeOrleans.Configuration;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Host.Config;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;

namespace OeeOrleans.Host.Commands;

/// <summary>
/// `oee config export|import|diff|log|rollback --config plant.yaml`: the plant of the store, whose servers take a change while they run.
/// </summary>
internal static class ConfigCommand
{
    private const int LogPage = 100;

    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Command Create() => new("config", "the plant of the store: export, import, diff, log, rollback")
    {
        Export(), Import(), Diff(), ShowLog(), Rollback(),
    };

    private static Command Export()
    {
        var plant = new PlantAccess();
        var revision = new Option<long?>("--revision") { Description = "an earlier one; default: the newest" };
        var command = plant.On(
            new Command("export", "prints the store's plant as JSON, which is YAML too: what import takes, and what plant.yaml may hold")
            {
                revision,
            });
        command.SetAction((parsed, cancellationToken) => WithPlantAsync(plant, parsed, async (_, store, state) =>
        {
            var exported = PlantExport.Of(state);
            if (parsed.GetValue(revision) is { } number)
            {
                var earlier = await store.Plant.ReadRevisionAsync(number, cancellationToken)
                    ?? throw new EditException(EditFailure.Missing, $"there is no revision {number}");
                exported = PlantDocument.Parse(earlier.Document).Copy();
            }

            await Console.Out.WriteLineAsync(exported.ToJsonString(Readable));
            return ExitCode.Success;
        }, cancellationToken));
        return command;
    }

    private static Command Import()
    {
        var plant = new PlantAccess();
        var file = new Option<string?>("--file") { Description = "what to import, such as an export; default: the file of --config" };
        var force = new Option<bool>("--force")
        {
            Description = "where both it and the store were changed, the store's changes are undone",
        };
        var keep = new Option<bool>("--keep-store")
        {
            Description = "where both it and the store were changed, the store's plant stays",
        };
        var comment = Comment();
        var command = plant.On(
            new Command("import", "makes the file's plant the store's, when it was changed since it was last imported")
            {
                file, force, keep, comment,
            });
        command.SetAction((parsed, cancellationToken) => plant.WithStoreAsync(parsed, (config, store, _) => SayAsync(async () =>
        {
            var (document, history) = parsed.GetValue(file) is { } path ? ReadExport(path) : (config.Document, []);
            var importing = new PlantImport(store, TimeProvider.System)
            {
                OnConflict = parsed.GetValue(force) ? ImportConflict.TakeFile : StopOrKeep(parsed.GetValue(keep)),
                History = history,
            };
            var author = new PlantAuthor("command line", parsed.GetValue(file) ?? "configuration file", parsed.GetValue(comment) ?? "");
            var isPlantFile = parsed.GetValue(file) is null;
            var (now, before) = await importing.RunAsync(document, author, isPlantFile, cancellationToken);
            await Console.Out.WriteLineAsync(
                now.Revision.Revision == before?.Revision.Revision
                    ? $"nothing was changed; revision {now.Revision.Revision} stays"
                    : $"revision {now.Revision.Revision}: {now.Plant.Lines.Count()} lines, {now.Plant.Machines.Count()} machines");
            return ExitCode.Success;
        }), cancellationToken));
        return command;
    }

    private static ImportConflict StopOrKeep(bool keeps) => keeps ? ImportConflict.KeepStored : ImportConflict.Stop;

    private static Command Diff()
    {
        var plant = new PlantAccess();
        var from = new Option<long?>("--from") { Description = "a revision; default: the newest" };
        var to = new Option<long?>("--to") { Description = "a revision; default: the file of --config" };
        var command = plant.On(
            new Command("diff", "what differs between the store and the file, or between two revisions; exit 1 when something does")
            {
                from, to,
            });
        command.SetAction((parsed, cancellationToken) => WithPlantAsync(plant, parsed, async (config, store, state) =>
        {
            var before = await OfAsync(store, parsed.GetValue(from), state.Document, cancellationToken);
            var after = await OfAsync(store, parsed.GetValue(to), null, cancellationToken);
            // A file does not speak of machines that are no more.
            var differences = after is null
                ? DocumentDiff.Of(before.WithoutRetired(), config.Document.WithoutRetired())
                : DocumentDiff.Of(before, after);
            foreach (var difference in differences) await Console.Out.WriteLineAsync(difference.ToString());
            return differences.Count == 0 ? ExitCode.Success : ExitCode.Failure;
        }, cancellationToken));
        return command;
    }

    private static Command ShowLog()
    {
        var plant = new PlantAccess();
        var command = plant.On(new Command("log", "the store's revisions, newest first: number, time, author, source, comment"));
        command.SetAction((parsed, cancellationToken) => WithPlantAsync(plant, parsed, async (_, store, _) =>
        {
            long? before = null;
            while (await store.Plant.ReadRevisionsAsync(before, LogPage, cancellationToken) is { Count: > 0 } page)
            {
                foreach (var r in page)
                {
                    var validFrom = r.ValidFromUs is { } us ? $", valid from {UnixMicros.ToIso(us)}" : "";
                    await Console.Out.WriteLineAsync(
                        $"{r.Revision}  {UnixMicros.ToIso(r.AtUs)}  {r.Author} ({r.Origin}), {r.Source}{validFrom}  {r.Comment}".TrimEnd());
                }

                before = page[^1].Revision;
            }

            return ExitCode.Success;
        }, cancellationToken));
        return command;
    }

    private static Command Rollback()
    {
        var plant = new PlantAccess();
        var revision = new Argument<long>("revision") { Description = "the revision to go back to; see oee config log" };
        var validFrom = new Option<string?>("--valid-from")
        {
            Description = "ISO 8601: from when on what OEE depends on holds; default now",
        };
        var comment = Comment();
        var command = plant.On(
            new Command("rollback", "makes the plant what it was in an earlier revision; that is a new revision")
            {
                revision, validFrom, comment,
            });
        command.SetAction((parsed, cancellationToken) => WithPlantAsync(plant, parsed, async (_, store, before) =>
        {
            long? fromUs = null;
            if (parsed.GetValue(validFrom) is { } text)
            {
                if (!UnixMicros.TryParse(text, out var time) || time <= 0)
                {
                    throw new EditException(EditFailure.Invalid, $"--valid-from: '{text}' is not a time such as 2026-01-05T06:00:00Z");
                }

                fromUs = time;
            }

            var author = new PlantAuthor("command line", "command line", parsed.GetValue(comment) ?? "");
            var state = await RollBack.RunAsync(
                store, new PlantChanges(store, TimeProvider.System), parsed.GetValue(revision), author, fromUs, cancellationToken);
            await Console.Out.WriteLineAsync(
                state.Revision.Revision == before.Revision.Revision
                    ? $"nothing was changed; revision {state.Revision.Revision} says the same"
                    : $"revision {state.Revision.Revision}: as in revision {parsed.GetValue(revision)}");
            return ExitCode.Success;
        }, cancellationToken));
        return command;
    }

    private static Option<string?> Comment() => new("--comment") { Description = "why, for the log of revisions" };

    private static Task<int> WithPlantAsync(
        PlantAccess plant, ParseResult parsed, Func<OeeConfig, IStore, PlantState, Task<int>> work, CancellationToken cancellationToken) =>
        plant.WithStoreAsync(parsed, (config, store, _) => SayAsync(async () =>
        {
            var state = await new PlantChanges(store, TimeProvider.System).ReadAsync(cancellationToken)
                ?? throw new EditException(
                    EditFailure.Missing, "the store has no plant yet; oee config import, or the first oee run, writes the file's");
            return await work(config, store, state);
        }), cancellationToken);

    private static async Task<int> SayAsync(Func<Task<int>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception error) when (error
            is EditException or ConfigException or PlantConflictException or OlderModelException or PendingModelException)
        {
            await Console.Error.WriteLineAsync($"oee: {error.Message}");
            return ExitCode.WrongUsage;
        }
    }

    private static async Task<PlantDocument> OfAsync(
        IStore store, long? revision, PlantDocument? otherwise, CancellationToken cancellationToken)
    {
        if (revision is not { } number) return otherwise!;
        var found = await store.Plant.ReadRevisionAsync(number, cancellationToken)
            ?? throw new EditException(EditFailure.Missing, $"there is no revision {number}");
        return PlantDocument.Parse(found.Document);
    }

    /// <summary>An export, as JSON or in a file of YAML; or any plant.yaml.</summary>
    private static (PlantDocument Document, IReadOnlyList<ModelVersion> History) ReadExport(string path)
    {
        var root = ConfigFile.ReadPlant(path);
        var history = PlantExport.HistoryIn(root[PlantExport.HistoryKey]);
        return (PlantDocument.Parse(Without(root, PlantExport.HistoryKey).ToJsonString()), history);
    }

    private static JsonObject Without(JsonObject root, string key)
    {
        root.Remove(key);
        return root;
    }
}
