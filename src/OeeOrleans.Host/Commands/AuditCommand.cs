using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using OeeOrleans.Access;
using OeeOrleans.Access.Audit;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee audit verify|export --config plant.yaml`: who did what, and whether the log of it is as it was written.</summary>
internal static class AuditCommand
{
    private const int PageSize = 1_000;

    public static Command Create() => new("audit", "who did what: verify the log, export it") { Verify(), Export() };

    private static Command Verify()
    {
        var plant = new PlantAccess();
        var anchor = new Option<string[]>("--anchor")
        {
            Description = "SEQ:HASH as an earlier run printed it and somebody kept it; the log must still go through it",
        };
        var command = plant.On(
            new Command("verify", "goes along the log's chain and names the first entry that was touched; exit 1 when there is one")
            {
                anchor,
            });
        command.SetAction((parsed, cancellationToken) => plant.WithStoreAsync(parsed, async (config, store, key) =>
        {
            var anchors = new List<AuditHead>(AuditAnchors.Read(Path.Combine(config.DataDir, AuditAnchors.FileName)));
            foreach (var given in parsed.GetValue(anchor) ?? [])
            {
                if (Parse(given) is not { } head) throw new AccessInputException("anchor", $"'{given}' is not SEQ:HASH");
                anchors.Add(head);
            }

            var verdict = await AuditVerifier.VerifyAsync(store.Access, new AuditChain(key.AuditKey()), anchors, cancellationToken);
            if (verdict.Problem is { } problem)
            {
                await Console.Out.WriteLineAsync($"touched: {problem}; the {verdict.Entries} entries before it are as they were written");
                foreach (var (_, more) in verdict.Findings.Skip(1)) await Console.Out.WriteLineAsync($"and: {more}");
                return ExitCode.Failure;
            }

            await Console.Out.WriteLineAsync(
                $"whole: {verdict.Entries} entries, {anchors.Count} ends that were written down; the end is "
                    + $"{verdict.Head.Seq}:{verdict.Head.Hash}");
            return ExitCode.Success;
        }, cancellationToken, readsOnly: true));
        return command;
    }

    private static Command Export()
    {
        var plant = new PlantAccess();
        var command = plant.On(new Command("export", "the whole log, one JSON object a line, oldest first"));
        command.SetAction((parsed, cancellationToken) => plant.WithStoreAsync(parsed, async (_, store, _) =>
        {
            for (var after = long.MinValue; ;)
            {
                var (entries, _) = await store.Access.ReadChainAsync(after, PageSize, cancellationToken);
                foreach (var row in entries) await Console.Out.WriteLineAsync(Line(row));
                if (entries.Count < PageSize) return ExitCode.Success;
                after = entries[^1].Id;
            }
        }, cancellationToken, readsOnly: true));
        return command;
    }

    private static string Line(ChainedEntry row) => JsonSerializer.Serialize(new
    {
        seq = row.Seq,
        ts = UnixMicros.ToIso(row.Entry.AtUs),
        actor = row.Entry.Actor,
        action = row.Entry.Action,
        target = row.Entry.Target,
        asset = row.Entry.Asset,
        origin = row.Entry.Origin,
        // As it was written: the hash is of this text.
        detail = row.Entry.Detail,
        hash = row.Hash,
    });

    private static AuditHead? Parse(string text)
    {
        var parts = text.Split(':');
        return parts.Length == 2 && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var seq) && seq > 0
            ? new AuditHead(seq, parts[1])
            : null;
    }
}
